"""What TRIM knows before it asks a host: settings, env files, instances, locks."""

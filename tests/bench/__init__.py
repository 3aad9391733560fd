"""What make bench and make test-real run: whole sites, measured and compared."""

"""Where code comes from: version words, sources, git mirror, release archives, builds, prepared trees."""

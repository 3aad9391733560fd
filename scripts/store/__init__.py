"""Archives: how they are written, read back, described, found and kept."""

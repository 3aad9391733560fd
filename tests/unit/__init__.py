"""What each room does by itself: one file a module, no servers."""

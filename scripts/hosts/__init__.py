"""Where commands run, and how bytes move between them."""

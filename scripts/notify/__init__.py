"""Mail and other channels, and health pings: how people hear of what happened while nobody looked."""

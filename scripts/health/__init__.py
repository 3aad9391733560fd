"""What could hurt at night, looked at by day: findings, each with the one command that mends it."""

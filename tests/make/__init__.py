"""What an operator types, verb by verb, and what concerns make as such."""

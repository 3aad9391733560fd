"""What the toolkit can do: one module a make target, each the story of that verb."""

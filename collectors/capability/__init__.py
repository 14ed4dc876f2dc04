"""What a source can do: read from its own statements, and learned from what it does."""

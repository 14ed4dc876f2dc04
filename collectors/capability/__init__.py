"""What a source can do: what its own statements declare, and what was seen of it."""

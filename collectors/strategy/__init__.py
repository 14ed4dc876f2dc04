"""How a source is best searched: which way is taken, and what was seen to prove it."""

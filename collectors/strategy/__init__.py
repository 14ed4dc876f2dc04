"""The best search strategy for a source, and the proof that the source supports it."""

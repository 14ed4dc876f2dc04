"""Slots filled from facts, as of a time."""

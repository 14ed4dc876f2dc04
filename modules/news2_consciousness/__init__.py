"""The level of consciousness that NEWS2 scores."""

"""An exported argument, computed again: whether each step still gives the value and the fingerprint that were told."""

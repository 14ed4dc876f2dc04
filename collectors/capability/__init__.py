"""The capability of a source: what it declares, and what it was observed to do."""

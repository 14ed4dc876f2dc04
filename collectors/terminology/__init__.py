"""Value sets and concept maps: which codes a set holds, and what a source's local codes mean in standard ones."""

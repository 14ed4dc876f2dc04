"""One question put to the sources of one patient."""

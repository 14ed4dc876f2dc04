"""The cache: results by fingerprint, sealed, for a while.  Wherever it fails, there is a miss and never an error."""

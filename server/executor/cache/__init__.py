"""The cache: results by fingerprint, encrypted, until they expire.  A fault of the cache is a miss, not an error."""

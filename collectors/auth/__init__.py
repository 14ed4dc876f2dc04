"""Ways of authorising at a source: the caller's token, SMART Backend Services, client certificates."""

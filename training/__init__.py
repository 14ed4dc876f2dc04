"""Training of the models: run by hand, never by the server."""

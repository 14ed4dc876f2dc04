"""How the trained models were made: run by hand, never by the server."""

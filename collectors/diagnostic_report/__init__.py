"""Diagnostic reports: the results that they name or contain."""

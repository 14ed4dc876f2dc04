"""Undiagnosed diabetes by HbA1c in adults."""

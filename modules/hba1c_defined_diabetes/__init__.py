"""Diabetes by HbA1c in adults who were never told that they have it."""

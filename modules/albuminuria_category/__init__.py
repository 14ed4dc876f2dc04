"""Albuminuria category after KDIGO."""

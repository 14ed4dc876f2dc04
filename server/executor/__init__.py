"""Runs a plan: fingerprints, cache, single flight, and why each execution ran."""

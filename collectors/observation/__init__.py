"""Observations: measurements, laboratory results and coded findings, with their components."""

"""Yearly change of estimated GFR, by least squares over a series."""

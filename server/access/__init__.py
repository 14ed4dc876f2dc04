"""Whose question it is: what a checked token allows, and whether a question stays within that."""

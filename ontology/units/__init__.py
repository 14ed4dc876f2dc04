"""Units: conversion by UCUM, exact or refused, and a declared table of the other spellings that records use.

A unit is never guessed.  What reads records takes a unit only if its concept allows it; see ``Concept.units``.
"""

from ontology.units.conversion import SIGNIFICANT_DIGITS, convert
from ontology.units.library import known
from ontology.units.spellings import spelling

__all__ = ["SIGNIFICANT_DIGITS", "convert", "known", "spelling"]

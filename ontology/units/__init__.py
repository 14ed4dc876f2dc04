"""Units: conversion by UCUM, exact or refused, and a declared table of the other spellings that records use.

A unit is never guessed.  What reads records takes a unit only if its concept allows it; see ``Concept.units``.
"""

from ontology.units.conversion import SIGNIFICANT_DIGITS, convert
from ontology.units.ucum import is_convertible, ucum_code

__all__ = ["SIGNIFICANT_DIGITS", "convert", "is_convertible", "ucum_code"]

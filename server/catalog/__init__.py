"""Descriptions and concepts, loaded from folders, checked by SHACL, digested."""

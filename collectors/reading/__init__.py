"""FHIR JSON read into facts: what all resource types have in common."""

"""FHIR in: search, read, select.  FHIR JSON does not leave this room."""

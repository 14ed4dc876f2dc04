"""A trace told to a reader: results, arguments, provenance, FHIR."""

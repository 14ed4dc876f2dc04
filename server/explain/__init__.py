"""A trace explained: results, arguments, attributions, provenance (RDF) and FHIR."""

"""Searching a FHIR server: requests, pages, retries, limits."""

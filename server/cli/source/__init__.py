"""``source``: for those who connect a FHIR source."""

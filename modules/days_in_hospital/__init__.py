"""Days since the inpatient stay began."""

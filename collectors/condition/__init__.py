"""Conditions: problems and diagnoses, dated by their encounter where they carry no date."""

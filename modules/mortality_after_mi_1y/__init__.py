"""Death within a year of a myocardial infarction."""

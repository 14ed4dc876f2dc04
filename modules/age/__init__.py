"""Age at the evaluation time, from the date of birth."""

"""Risk of kidney failure in 2 and 5 years by the 4-variable KFRE."""

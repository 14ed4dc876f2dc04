"""Risk of cardiovascular disease in 10 years by the base equations of AHA PREVENT."""

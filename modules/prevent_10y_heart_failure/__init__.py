"""Risk of heart failure in 10 years by the base equation of AHA PREVENT."""

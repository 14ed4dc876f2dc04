"""What label or guideline says of a drug at the patient's eGFR: metformin, NSAIDs, finerenone."""

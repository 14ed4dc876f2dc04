"""National Early Warning Score 2 (RCP 2017)."""

"""GFR category after KDIGO."""

"""Whether a GFR below 60 has been shown to last 90 days, after KDIGO."""

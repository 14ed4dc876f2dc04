"""What `make bench` runs: the performance budgets, measured as ratios in one run.  `README.md` explains each row."""

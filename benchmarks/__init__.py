"""What `make bench` runs: the numbers to hold, measured as ratios within one run.  `README.md` explains each row."""

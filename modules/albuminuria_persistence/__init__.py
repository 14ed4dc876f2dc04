"""Whether an increased albuminuria is confirmed by an earlier one."""

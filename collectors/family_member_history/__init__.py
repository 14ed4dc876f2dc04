"""Family member histories: the conditions of relatives."""

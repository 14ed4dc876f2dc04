"""The kinds of module: equation, score, rule; and the criteria that they share."""

"""From a question to a plan: pure, and cached per catalog."""

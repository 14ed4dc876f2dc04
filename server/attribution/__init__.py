"""How much each input of a whole call hierarchy moved its result: Shapley values over the leaves of a plan."""

"""An equation for tests: a constant, a term for each slot and one for each pair; the weights are parameters."""

from decimal import Decimal
from itertools import combinations

from ontology.evaluation import Evaluation, Working
from ontology.values import Quantity


def evaluate(**given: Decimal) -> Evaluation:
    slots = {name: value for name, value in given.items() if not name.startswith("weight_")}
    total = given.get("weight_", Decimal(0))
    for name, value in slots.items():
        total += given.get(f"weight_{name}", Decimal(0)) * value
    for one, other in combinations(slots, 2):
        total += given.get(f"weight_{one}_{other}", Decimal(0)) * slots[one] * slots[other]
    return Evaluation(Quantity(total, "1"), Working("formula"))

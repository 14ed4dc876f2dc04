"""What an attribution may cost: so many module calls, so long, and no longer than anybody waits."""

from datetime import UTC
from decimal import Decimal

import pytest

from server.attribution.attribute import attribute
from server.attribution.result import Attribution, NoAttribution
from server.attribution.shapley import MAX_EXACT_PLAYERS, coalitions
from server.executor.budget import MAX_ATTRIBUTION_CALLS, Effort
from tests.support.descriptions import make_slot
from tests.support.hierarchies import Hierarchy, equation, leaf_slot, plan_of


def chain(length: int, leaves: int) -> Hierarchy:
    """Equations on top of each other, the lowest over all leaves that differ."""
    names = [f"x{place}" for place in range(leaves)]
    made = [
        equation("call0", [leaf_slot(name) for name in names], dict.fromkeys(names, Decimal(1)) | {"x0_x1": Decimal(1)})
    ]
    for place in range(1, length):
        below = made[-1]
        made.append(equation(f"call{place}", [make_slot(below.id, concept=below.produces)], {below.id: Decimal(1)}))
    # No two coalitions give the same, so that none is spared.
    after = {name: Decimal(3) ** place for place, name in enumerate(names)}
    return Hierarchy(plan_of(made), dict.fromkeys(names, Decimal(0)), after)


def told(made: Hierarchy, effort: Effort) -> Attribution | NoAttribution:
    return attribute(made.plan, made.plan.goals[0], made.side(made.before), made.side(made.after), UTC, effort)


@pytest.mark.parametrize(("length", "leaves", "calls"), [(1, 4, 16), (3, 4, 48), (2, 7, 256)])
def test_each_coalition_costs_each_call_once(length: int, leaves: int, calls: int) -> None:
    effort = Effort(calls)
    assert isinstance(told(chain(length, leaves), effort), Attribution)
    assert effort.calls == 0
    refused = told(chain(length, leaves), Effort(calls - 1))
    assert refused == NoAttribution(f"Call{length - 1}: this needs more than {MAX_ATTRIBUTION_CALLS:,} module calls.")


def test_a_chain_of_four_over_as_many_as_are_exact_is_within_it() -> None:
    assert 4 * len(coalitions(MAX_EXACT_PLAYERS)) <= MAX_ATTRIBUTION_CALLS


def test_what_is_late_ends() -> None:
    asked: list[int] = []

    def late() -> bool:
        asked.append(1)
        return len(asked) > 5

    refused = told(chain(1, 6), Effort(is_late=late))
    assert refused == NoAttribution("Call0: the computation exceeded its time limit (server.deadline).")
    assert len(asked) == 6


def test_what_nobody_waits_for_ends() -> None:
    effort = Effort()
    effort.stopped.set()
    assert isinstance(told(chain(1, 3), effort), NoAttribution)
    assert effort.calls == MAX_ATTRIBUTION_CALLS

"""Correlated inputs of a model are told together: who belongs to a group, and what it moved."""

from decimal import Decimal
from typing import Any

import pytest

from server.attribution.result import Attribution
from server.catalog.descriptions import Description
from tests.support.descriptions import make_concept, make_slot
from tests.support.hierarchies import Hierarchy, correlated_model, equation, leaf_slot, plan_of

ONE = Decimal(1)


def told(*descriptions: Description, same: str = "") -> Attribution:
    """All leaves go from 1 to 2, but for those in ``same``."""
    names = {slot.name for each in descriptions for slot in each.slots if slot.concept.id == slot.name}
    before = dict.fromkeys(sorted(names), ONE)
    return Hierarchy(plan_of(descriptions), before, {n: ONE if n in same else ONE * 2 for n in before}).attributed()


def members(found: Attribution) -> dict[str, list[str]]:
    return {group.text: sorted(item.concept.id for item in group.items) for group in found.groups}


BELOW = equation("below", [leaf_slot("x"), leaf_slot("y")], {"x": ONE, "y": ONE})
BELOW_SLOT = make_slot("below", concept=BELOW.produces)
ABOVE = equation("above", [make_slot("model", concept=make_concept("model")), leaf_slot("a")], {"model": ONE, "a": ONE})

ASKING = equation("above", [ABOVE.slots[0], leaf_slot("a", applicability_only=True)], {"model": ONE})


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (told(correlated_model([leaf_slot("a"), leaf_slot("b"), leaf_slot("c")], ("a", "b"))), {"a-b": ["a", "b"]}),
        (told(correlated_model([leaf_slot("a"), leaf_slot("b"), leaf_slot("c")], ("a", "b")), same="b"), {}),
        (told(correlated_model([leaf_slot("a"), leaf_slot("b"), leaf_slot("c")])), {}),
        # What is computed on the way belongs to the group with its leaves, if they go nowhere else.
        (told(BELOW, correlated_model([BELOW_SLOT, leaf_slot("b")], ("below", "b"))), {"below-b": ["b", "x", "y"]}),
        (
            told(BELOW, correlated_model([BELOW_SLOT, leaf_slot("b"), leaf_slot("x")], ("below", "b"))),
            {"below-b": ["b", "y"]},
        ),
        # Two calls may read one leaf: through the model's group, and beside it.
        (
            told(correlated_model([leaf_slot("a"), leaf_slot("b"), leaf_slot("c")], ("a", "b", "c")), ABOVE),
            {"a-b-c": ["b", "c"]},
        ),
        # What only decides whether something applies is no way to the result.
        (
            told(correlated_model([leaf_slot("a"), leaf_slot("b")], ("a", "b")), ASKING),
            {"a-b": ["a", "b"]},
        ),
        (
            told(
                correlated_model(
                    [leaf_slot(n) for n in "abcde"], ("a", "b"), ("d", "e"), a=ONE, b=ONE, c=ONE, d=-ONE * 5, e=ONE
                )
            ),
            {"d-e": ["d", "e"], "a-b": ["a", "b"]},
        ),
    ],
)
def test_who_belongs_to_a_group(found: Attribution, wanted: dict[str, list[str]]) -> None:
    assert members(found) == wanted
    assert list(members(found)) == list(wanted)
    for group in found.groups:
        assert group.amount == pytest.approx(sum(item.amount for item in group.items), abs=1e-12)
        assert all(any(item is own for own in found.items) for item in group.items)
        assert group.error is None
        assert [abs(i.amount) for i in group.items] == sorted((abs(i.amount) for i in group.items), reverse=True)


def test_in_a_sample_a_group_is_still_the_sum_of_its_members() -> None:
    names = [f"x{place}" for place in range(14)]
    pairs: dict[str, Any] = {f"x{place}_x{place + 1}": Decimal(place + 1) for place in range(13)}
    found = told(correlated_model([leaf_slot(name) for name in names], ("x3", "x4"), ("x0", "x1"), **pairs))
    amounts = {group.text: group.amount for group in found.groups}
    # From 1 to 2 each a product grows by 3 times its weight, half of which goes to either.
    assert amounts == pytest.approx({"x3-x4": 3 * 4 + 1.5 * 3 + 1.5 * 5, "x0-x1": 3 * 1 + 1.5 * 2}, abs=1e-9)
    assert all(group.error is not None for group in found.groups)

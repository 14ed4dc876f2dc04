"""Inputs that move as one, where a mixture of both ends is refused that was never: one player, told as a group."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ontology.concepts import Origin, ValueType
from ontology.values import Quantity
from server.attribution.players import JOINED_TEXT
from server.attribution.result import CODE
from server.catalog.criteria import AllOf, Applicability, Compare, RuleCase
from server.catalog.descriptions import Description, Kind
from tests.support.descriptions import code, make_concept, make_slot
from tests.support.hierarchies import NUMBERS, Hierarchy, correlated_model, equation, leaf_slot, plan_of

ONE, TWO, NONE = Decimal(1), Decimal(2), Decimal(0)
GROUPS = "ab"
"""In one of these the patient must be: below 1 means not."""


def refusing(description: Description, *names: str) -> Description:
    """Refused where all of these are below 1."""
    criterion = AllOf(tuple(Compare(name, below=ONE) for name in names))
    return replace(description, applicability=(Applicability(criterion, refuse=True, text="in none of the groups"),))


def by_definition(made: Hierarchy, parts: tuple[str, ...]) -> dict[str, float]:
    """The Shapley value of the game in which what a string of ``parts`` names changes at once."""
    totals = dict.fromkeys(parts, 0.0)
    orders = list(permutations(parts))
    for order in orders:
        leaves = dict(made.before)
        for part in order:
            start = made.number(leaves)
            leaves |= {name: made.after[name] for name in part}
            totals[part] += made.number(leaves) - start
    return {part: total / len(orders) for part, total in totals.items()}


def ends(*, c: tuple[Decimal, Decimal] = (ONE, TWO)) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """From group a to group b."""
    return {"a": TWO, "b": NONE, "c": c[0]}, {"a": NONE, "b": ONE, "c": c[1]}


WEIGHTS = st.fixed_dictionaries(dict.fromkeys(("", "a", "b", "c", "a_b", "a_c", "b_c"), NUMBERS))


@given(WEIGHTS, st.booleans())
def test_they_are_one_player(weights: Mapping[str, Decimal], below: bool) -> None:
    first = refusing(equation("first", [leaf_slot(name) for name in "abc"], weights), *GROUPS)
    above = equation(
        "above", [make_slot("first", concept=first.produces), leaf_slot("c")], {"first": TWO, "first_c": ONE}
    )
    made = Hierarchy(plan_of([first, above] if below else [first]), *ends())
    told, wanted = made.attributed(), by_definition(made, ("ab", "c"))
    amounts = {item.concept.id: item.amount for item in told.items}
    assert amounts["a"] + amounts["b"] == pytest.approx(wanted["ab"], abs=1e-9)
    assert amounts["a"] == amounts["b"]
    assert amounts["c"] == pytest.approx(wanted["c"], abs=1e-9)
    (group,) = told.groups
    assert (group.text, sorted(item.concept.id for item in group.items)) == (JOINED_TEXT, ["a", "b"])
    assert group.amount == pytest.approx(wanted["ab"], abs=1e-9)
    assert abs(told.residual) < 1e-9


def test_each_has_its_own_values_and_the_others_are_left_alone() -> None:
    told = Hierarchy(
        plan_of([refusing(equation("e", [leaf_slot(n) for n in "abc"], {"a": ONE, "c": ONE}), "a", "b")]), *ends()
    )
    items = {item.concept.id: item for item in told.attributed().items}
    assert {name: (item.before, item.after) for name, item in items.items()} == {
        "a": (Quantity(TWO, "1"), Quantity(NONE, "1")),
        "b": (Quantity(NONE, "1"), Quantity(ONE, "1")),
        "c": (Quantity(ONE, "1"), Quantity(TWO, "1")),
    }


def test_in_the_group_of_a_model_they_are_told_with_its_words() -> None:
    described = refusing(correlated_model([leaf_slot(name) for name in "abc"], ("a", "b")), *GROUPS)
    (group,) = Hierarchy(plan_of([described]), *ends()).attributed().groups
    assert (group.text, len(group.items)) == ("a-b", 2)


def test_where_every_mixture_has_a_number_each_stays_a_player() -> None:
    before, after = ends()
    described = refusing(equation("e", [leaf_slot(n) for n in "abc"], {"a": ONE, "b": TWO}), *GROUPS)
    told = Hierarchy(plan_of([described]), before, after | {"a": ONE}).attributed()
    assert told.groups == ()
    assert {item.concept.id: item.amount for item in told.items} == pytest.approx({"a": -1.0, "b": 2.0, "c": 0.0})


def test_of_many_inputs_those_are_one_too() -> None:
    names = [f"x{place}" for place in range(14)]
    described = refusing(equation("wide", [leaf_slot(n) for n in (*GROUPS, *names)], dict.fromkeys("ab", ONE)), *GROUPS)
    before, after = ends()
    made = Hierarchy(plan_of([described]), before | dict.fromkeys(names, ONE), after | dict.fromkeys(names, TWO))
    told = made.attributed()
    (group,) = told.groups
    assert group.amount == pytest.approx(-1.0)
    assert group.error == pytest.approx(2 * (group.items[0].error or 0.0))


def test_of_a_code_none_of_them_decides_alone() -> None:
    rule = replace(
        equation("rule", [leaf_slot(name) for name in "abc"], {}),
        kind=Kind.RULE,
        produces=make_concept("rule", ValueType.CODING, origin=Origin.COMPUTED),
        cases=(RuleCase(Compare("b", at_least=ONE), code("high"), "high"), RuleCase(None, code("low"), "low")),
    )
    told = Hierarchy(plan_of([refusing(rule, *GROUPS)]), *ends()).attributed()
    assert told.scale == CODE
    assert [(i.concept.id, i.alone, i.needed) for i in told.items] == [("a", False, True), ("b", False, True)]


def test_a_mixture_of_which_no_case_speaks_is_no_change_by_one_alone() -> None:
    rule = replace(
        equation("rule", [leaf_slot(name) for name in "ab"], {}),
        kind=Kind.RULE,
        produces=make_concept("rule", ValueType.CODING, origin=Origin.COMPUTED),
        cases=(
            RuleCase(AllOf((Compare("a", at_least=TWO), Compare("b", at_least=TWO))), code("high"), "high"),
            RuleCase(AllOf((Compare("a", below=TWO), Compare("b", below=TWO))), code("low"), "low"),
        ),
    )
    told = Hierarchy(plan_of([rule]), dict.fromkeys("ab", ONE), dict.fromkeys("ab", TWO)).attributed()
    assert [(i.concept.id, i.alone, i.needed) for i in told.items] == [("a", False, True), ("b", False, True)]

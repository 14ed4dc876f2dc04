"""Three-valued logic: what is known stays known, and "unknown" is never "no"."""

from collections.abc import Callable
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ontology.evaluation import SlotInput
from ontology.values import AbsentReason, Quantity
from server.catalog.criteria import AllOf, AnyOf, Compare, Criterion, Is, Not, OneOf, Present
from server.kinds.logic import all_of, any_of, judge, leaves_of, negate, slots_of
from tests.support.descriptions import absent, between, bound, code, number

VALUES = (True, None, False)
ABSENT = absent()


# Kleene's strong tables, over True, None, False in rows and columns.
@pytest.mark.parametrize(
    ("operation", "table"),
    [
        (all_of, [[True, None, False], [None, None, False], [False, False, False]]),
        (any_of, [[True, True, True], [True, None, None], [True, None, False]]),
    ],
)
def test_kleene_tables(
    operation: Callable[[tuple[bool | None, ...]], bool | None], table: list[list[bool | None]]
) -> None:
    assert [[operation((a, b)) for b in VALUES] for a in VALUES] == table


def test_not_and_the_empty_lists() -> None:
    assert [negate(v) for v in VALUES] == [False, None, True]
    assert all_of(()) is True
    assert any_of(()) is False


LIMITS = {
    "below 10": Compare("x", below=Decimal(10)),
    "at most 10": Compare("x", at_most=Decimal(10)),
    "at least 10": Compare("x", at_least=Decimal(10)),
    "above 10": Compare("x", above=Decimal(10)),
    "5 to below 10": Compare("x", at_least=Decimal(5), below=Decimal(10)),
}


@pytest.mark.parametrize(
    ("consumed", "limit", "verdict"),
    [
        (number(9), "below 10", True),
        (number(10), "below 10", False),
        (number(10), "at most 10", True),
        (number("10.1"), "at most 10", False),
        (number(10), "at least 10", True),
        (number("9.9"), "at least 10", False),
        (number(10), "above 10", False),
        (number("10.1"), "above 10", True),
        (number(5), "5 to below 10", True),
        (number("4.9"), "5 to below 10", False),
        (bound("<", 5), "below 10", True),
        (bound("<", 10), "below 10", True),
        (bound("<=", 10), "below 10", None),
        (bound("<=", 10), "at most 10", True),
        (bound("<", 10), "at least 10", False),
        (bound("<=", 10), "at least 10", None),
        (bound("<=", 10), "above 10", False),
        (bound("<", 20), "below 10", None),
        (bound(">", 10), "above 10", True),
        (bound(">=", 10), "above 10", None),
        (bound(">=", 10), "at least 10", True),
        (bound(">", 10), "at most 10", False),
        (bound(">", 5), "5 to below 10", None),
        (bound(">", 90), "5 to below 10", False),
        (bound("<", 5), "5 to below 10", False),
        (between(1, 9), "below 10", True),
        (between(1, 10), "below 10", None),
        (between(10, 12), "at least 10", True),
        (between(5, 9), "5 to below 10", True),
        (between(4, 9), "5 to below 10", None),
        (between(1, 20), "5 to below 10", None),
        (between(10, 20), "5 to below 10", False),
        (ABSENT, "below 10", None),
        (SlotInput(True), "below 10", None),
    ],
)
def test_numbers_bounds_and_intervals(consumed: SlotInput, limit: str, verdict: bool | None) -> None:
    assert judge(LIMITS[limit], {"x": consumed}) is verdict


@pytest.mark.parametrize(
    ("consumed", "precision", "at_most", "verdict"),
    [
        (number("35.04"), "0.1", "35.0", True),
        (number("35.05"), "0.1", "35.0", False),  # half goes up
        (number("24.5"), "1", "24", False),
        (number("24.49999999999999999999999999999999999"), "1", "24", True),
        (number("-2.5"), "1", "-3", True),  # away from zero, as Decimal's half up does
        (bound("<", "40.5"), "1", "40", True),  # 40.4 is 40
        (bound("<=", "40.5"), "1", "40", None),
        (bound("<", "40.4"), "1", "40", True),
        (bound(">", "-2.5"), "1", "-3", False),
        (bound(">=", "-2.5"), "1", "-3", None),
        (between("35.0", "35.04"), "0.1", "35.0", True),
        (between("35.0", "35.05"), "0.1", "35.0", None),
        (number("7.3"), "5", "5", True),
        (number("7.5"), "5", "5", False),
    ],
)
def test_precision_rounds_half_up_before_comparing(
    consumed: SlotInput, precision: str, at_most: str, verdict: bool | None
) -> None:
    criterion = Compare("x", at_most=Decimal(at_most), precision=Decimal(precision))
    assert judge(criterion, {"x": consumed}) is verdict


@pytest.mark.parametrize(
    ("consumed", "verdict"),
    [
        (number("17.999"), True),
        (number("18.0"), False),
        (bound("<", 18), True),
        (bound("<=", 18), None),
        (between("16.2", "17.9"), True),
        (between("17.5", "18.4"), None),
        (between("18.0", "18.9"), False),
    ],
)
def test_completed_years_are_floored(consumed: SlotInput, verdict: bool | None) -> None:
    assert judge(Compare("x", at_most=Decimal(17), completed=True), {"x": consumed}) is verdict
    assert judge(Compare("x", below=Decimal(18), completed=True), {"x": consumed}) is verdict


@pytest.mark.parametrize(
    ("criterion", "consumed", "verdict"),
    [
        (OneOf("x", (code("a"), code("b"))), SlotInput(code("b", "B")), True),
        (OneOf("x", (code("a"),)), SlotInput(code("b")), False),
        (OneOf("x", (code("a"),)), ABSENT, None),
        (Is("x", True), SlotInput(True), True),
        (Is("x", True), SlotInput(False), False),
        (Is("x", False), SlotInput(False), True),
        (Is("x", False), ABSENT, None),
        (Is("x", True), number(1), None),
        (Present("x"), SlotInput(False), True),
        (Present("x"), bound("<", 5), True),
        (Present("x"), ABSENT, False),
        (Present("x"), absent(AbsentReason.STALE), False),
        (Present("x"), absent(AbsentReason.UNREACHABLE), None),
        (Present("x"), absent(AbsentReason.NOT_PERMITTED), None),
        (Present("x"), absent(AbsentReason.CONFLICTING), None),
        (Not(Present("x")), ABSENT, True),
    ],
)
def test_codes_flags_and_presence(criterion: Criterion, consumed: SlotInput, verdict: bool | None) -> None:
    assert judge(criterion, {"x": consumed}) is verdict


def test_a_slot_that_is_not_given_is_unknown() -> None:
    assert [judge(c, {}) for c in (Present("x"), Is("x", True), OneOf("x", ()), LIMITS["below 10"])] == [None] * 4


def test_slots_and_leaves_in_order() -> None:
    tree = AllOf((Is("b", True), Not(AnyOf((LIMITS["below 10"], Is("b", False))))))
    assert slots_of(tree) == ("b", "x")
    assert [leaf.slot for leaf in leaves_of(tree)] == ["b", "x", "b"]
    assert slots_of(None) == leaves_of(None) == ()


NAMES = ("a", "b", "c")
SMALL = st.integers(-6, 6).map(lambda n: Decimal(n) / 2)
STEP = st.sampled_from([None, Decimal(1), Decimal("0.5"), Decimal(2)])
LIMIT = st.none() | SMALL
COMPARES = st.builds(
    Compare,
    st.sampled_from(NAMES),
    at_least=LIMIT,
    above=LIMIT,
    at_most=LIMIT,
    below=LIMIT,
    precision=STEP,
    completed=st.booleans(),
)
CRITERIA: st.SearchStrategy[Criterion] = st.recursive(
    COMPARES,
    lambda parts: st.one_of(
        st.builds(AllOf, st.lists(parts, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(parts, max_size=3).map(tuple)),
        st.builds(Not, parts),
    ),
    max_leaves=6,
)
SPREAD = st.integers(0, 8).map(lambda n: Decimal(n) / 4)


@st.composite
def vague_and_exact(draw: st.DrawFn) -> tuple[SlotInput, SlotInput]:
    """What is known of a number, and a number of which it is true."""
    value = draw(SMALL)
    below, over = draw(SPREAD), draw(SPREAD)
    vague = draw(st.sampled_from(["absent", "between", "<=", ">=", "<", ">"]))
    if vague == "absent":
        return ABSENT, number(value)
    if vague == "between":
        return between(value - below, value + over), number(value)
    if vague in ("<", ">"):
        over += Decimal("0.25")
    limit = value + over if vague in ("<", "<=") else value - over
    return bound(vague, limit), SlotInput(Quantity(value, "1"))


@given(CRITERIA, st.tuples(*[vague_and_exact()] * 3), st.tuples(*[st.booleans()] * 3))
def test_learning_more_never_turns_a_known_verdict(
    criterion: Criterion, inputs: tuple[tuple[SlotInput, SlotInput], ...], learned: tuple[bool, ...]
) -> None:
    before = {name: vague for name, (vague, _) in zip(NAMES, inputs, strict=True)}
    after = {n: exact if known else vague for n, (vague, exact), known in zip(NAMES, inputs, learned, strict=True)}
    verdict = judge(criterion, before)
    assert verdict is None or judge(criterion, after) is verdict


@given(CRITERIA, st.tuples(*[vague_and_exact()] * 3))
def test_everything_known_is_decided(criterion: Criterion, inputs: tuple[tuple[SlotInput, SlotInput], ...]) -> None:
    assert judge(criterion, {name: exact for name, (_, exact) in zip(NAMES, inputs, strict=True)}) is not None


@given(st.lists(CRITERIA, max_size=3).map(tuple), st.tuples(*[vague_and_exact()] * 3))
def test_de_morgan(parts: tuple[Criterion, ...], inputs: tuple[tuple[SlotInput, SlotInput], ...]) -> None:
    known = {name: vague for name, (vague, _) in zip(NAMES, inputs, strict=True)}
    negated = tuple(Not(part) for part in parts)
    assert judge(Not(AllOf(parts)), known) is judge(AnyOf(negated), known)
    assert judge(Not(AnyOf(parts)), known) is judge(AllOf(negated), known)


@pytest.mark.parametrize(("low", "high"), list(product(["-1.5", "-0.5", "0", "0.5", "1.5"], repeat=2)))
@pytest.mark.parametrize("comparator", ["<", ">"])
def test_rounding_an_open_end_is_exact(low: str, high: str, comparator: str) -> None:
    """An open bound is settled exactly when a fine sample of what it allows is of one verdict."""
    limit, at_most = Decimal(low), Decimal(high)
    sign = -1 if comparator == "<" else 1
    sample = [limit + sign * Decimal(step) / 100 for step in range(1, 600)]
    criterion = Compare("x", at_most=at_most, precision=Decimal(1))
    verdicts = {judge(criterion, {"x": number(str(value))}) for value in sample}
    found = judge(criterion, {"x": bound(comparator, limit)})
    assert found is (verdicts.pop() if len(verdicts) == 1 else None)

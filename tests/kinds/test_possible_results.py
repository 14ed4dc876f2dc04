"""What a module could still give: sound, since whatever fills its missing inputs gives one of these results."""

from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from ontology.concepts import ValueType
from ontology.evaluation import Evaluation, Interval, SlotInput, Working
from ontology.values import Absent, AbsentReason, Coding, Quantity
from server.catalog.criteria import Compare, Is, OneOf, Outcome, RuleCase
from server.catalog.descriptions import Description, Kind
from server.kinds import evaluate
from server.kinds.possible_results import ANY_RESULT, PossibleResult, possible_results, results_without
from tests.support.descriptions import absent, code, make_concept, make_description, make_slot, number
from tests.support.module_inputs import catalog
from tests.support.slot_values import pool

RULES_AND_SCORES = sorted(m.id for m in catalog().modules.values() if m.kind in (Kind.RULE, Kind.SCORE))
UNREACHABLE = SlotInput(Absent(AbsentReason.UNREACHABLE))
LIMITS = (
    Outcome(Compare("result", at_least=Decimal(5)), code("high"), "high"),
    Outcome(Compare("result", below=Decimal(3)), code("low"), "low"),
)
EQUATION = make_description(
    Kind.EQUATION, produces=make_concept("gfr", unit="mL/min"), slots=(make_slot("x"),), outcomes=LIMITS, unit="mL/min"
)


def bands(found: tuple[PossibleResult, ...]) -> list[str | None]:
    return [each.outcome.coding.code if each.outcome is not None else None for each in found]


def given(value: int | None = None, **more: Any) -> Evaluation:
    known = Absent(AbsentReason.INPUT_ABSENT) if value is None else Quantity(Decimal(value), "mL/min")
    return replace(Evaluation(known, Working("")), **more)


def interval(low: int, high: int) -> Interval:
    return Interval(Decimal(low), Decimal(high), "mL/min", "")


@pytest.mark.parametrize(
    ("evaluation", "expected"),
    [
        (given(6), ["high"]),
        (given(4), [None]),
        (given(2), ["low"]),
        (given(bounds=interval(5, 9)), ["high"]),
        (given(bounds=interval(4, 9)), ["high", None]),
        (given(bounds=interval(1, 9)), ["high", "low", None]),
        (given(bounds=interval(3, 4)), [None]),
        (given(6, interval=interval(4, 8)), ["high", None]),
        (given(6, interval=interval(5, 8)), ["high"]),
        (given(), ["high", "low", None]),
    ],
    ids=str,
)
def test_a_number_is_of_every_band_that_its_limits_reach(evaluation: Evaluation, expected: list[str | None]) -> None:
    assert bands(possible_results(EQUATION, {"x": number(1)}, evaluation)) == expected


def test_what_needs_a_complete_list_is_of_any_band_unless_its_limits_say_otherwise() -> None:
    presumed = replace(given(6), presumed=("x",))
    assert bands(possible_results(EQUATION, {}, presumed)) == ["high", "low", None]
    assert bands(possible_results(EQUATION, {}, replace(presumed, bounds=interval(5, 8)))) == ["high"]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (AbsentReason.NOT_APPLICABLE, ()),
        (AbsentReason.FAILED, (ANY_RESULT,)),
        (AbsentReason.CONFLICTING, (ANY_RESULT,)),
    ],
)
def test_of_what_does_not_apply_there_is_no_result_and_of_what_failed_any(
    reason: AbsentReason, expected: tuple[PossibleResult, ...]
) -> None:
    assert possible_results(EQUATION, {}, Evaluation(Absent(reason), Working(""))) == expected


def test_of_a_code_that_is_not_known_there_may_be_any() -> None:
    coded = replace(EQUATION, unit=None, produces=make_concept("stage", value_type=ValueType.CODING, unit=None))
    assert possible_results(coded, {}, given()) == (ANY_RESULT,)


RULE = make_description(
    Kind.RULE,
    produces=make_concept("advice", value_type=ValueType.CODING, unit=None),
    slots=(make_slot("x"), make_slot("flag", value_type=ValueType.FLAG, required=False)),
    cases=(
        RuleCase(Is("flag", True), code("stop"), "stop"),
        RuleCase(Compare("x", below=Decimal(3)), code("halve"), "halve"),
        RuleCase(Compare("x", below=Decimal(5)), code("watch"), "watch"),
    ),
    outcomes=(Outcome(OneOf("result", (code("stop"), code("halve"))), code("act"), "act"),),
)


@pytest.mark.parametrize(
    ("x", "flag", "expected"),
    [
        (number(2), SlotInput(False), [("halve", "act")]),
        (number(2), absent(), [("stop", "act"), ("halve", "act")]),
        (number(4), absent(), [("stop", "act"), ("watch", None)]),
        (number(9), SlotInput(False), []),
        (number(9), absent(), [("stop", "act"), (None, None)]),
        (absent(), SlotInput(True), [("stop", "act")]),
    ],
    ids=str,
)
def test_a_rule_may_give_the_output_of_each_open_case(
    x: SlotInput, flag: SlotInput, expected: list[tuple[str | None, str | None]]
) -> None:
    inputs = {"x": x, "flag": flag}
    found = possible_results(RULE, inputs, evaluate(RULE, inputs))
    values = [each.value.code if isinstance(each.value, Coding) else None for each in found]
    assert list(zip(values, bands(found), strict=True)) == expected
    assert all(len(each.codes) == (each.value is not None) + (each.outcome is not None) for each in found)


def test_an_equation_without_an_input_may_give_anything_unless_it_is_refused() -> None:
    assert results_without(EQUATION, {"x": UNREACHABLE}) == (ANY_RESULT,)


def _are_among(description: Description, inputs: dict[str, SlotInput], found: tuple[PossibleResult, ...]) -> bool:
    evaluation = evaluate(description, inputs)
    if evaluation.value == Absent(AbsentReason.CONFLICTING):
        # Of what is recorded, not of what is missing.
        return True
    return ANY_RESULT in found or set(possible_results(description, inputs, evaluation)) <= set(found)


@pytest.mark.parametrize("name", RULES_AND_SCORES)
def test_whatever_fills_the_missing_inputs_gives_one_of_the_possible_results(name: str) -> None:
    description, random, decided = catalog().modules[name], Random(name), 0  # noqa: S311
    pools = {slot.name: [each for each in pool(description, slot) if each is not None] for slot in description.slots}
    for _ in range(150):
        full = {slot: _consumed(random.choice(values)) for slot, values in pools.items()}
        withheld = {slot: UNREACHABLE if random.random() < 0.3 else each for slot, each in full.items()}
        found = results_without(description, withheld)
        decided += len(found) == 1 and not found[0].is_open
        for _ in range(4):
            filled = {
                slot: _consumed(random.choice(pools[slot])) if each is UNREACHABLE else each
                for slot, each in withheld.items()
            }
            assert _are_among(description, filled, found), (withheld, filled, found)
        assert _are_among(description, full, found), (withheld, full, found)
    assert decided or name in ("ckd-chronicity",)


def _consumed(value: object) -> SlotInput:
    return value if isinstance(value, SlotInput) else SlotInput(value)  # type: ignore[arg-type]

"""Bands of values and criteria, with limits as the publications give them; and which of them a step met."""

from dataclasses import replace
from decimal import Decimal

import pytest

from ontology.values import Absent, AbsentReason, Coding
from server.catalog.criteria import AllOf, Band, Compare, Criterion, OneOf, Outcome, ScoreCriterion
from server.explain.bands import bands_of, met_bands
from server.explain.explain import explain
from tests.support import traces as t
from tests.support.engine_questions import shipped

RESULT = "result"
CODE = Coding("s", "c")
D = Decimal

# Royal College of Physicians, National Early Warning Score (NEWS) 2, 2017, chart 1; the upper limit is excluded here.
NEWS2 = {
    "respiratory_rate": [(None, 9, 3), (9, 12, 1), (12, 21, 0), (21, 25, 2), (25, None, 3)],
    "systolic_bp": [(None, 91, 3), (91, 101, 2), (101, 111, 1), (111, 220, 0), (220, None, 3)],
    "pulse": [(None, 41, 3), (41, 51, 1), (51, 91, 0), (91, 111, 1), (111, 131, 2), (131, None, 3)],
    "temperature": [(None, 35.1, 3), (35.1, 36.1, 1), (36.1, 38.1, 0), (38.1, 39.1, 1), (39.1, None, 2)],
}
VALUES = {
    # KDIGO 2024, table 3: GFR categories G1 to G5.
    "egfr": [(90, None), (60, 90), (45, 60), (30, 45), (15, 30), (None, 15)],
    # WHO, Technical Report Series 894, table 2.1.
    "bmi": [(None, 18.5), (18.5, 25), (25, 30), (30, 35), (35, 40), (40, None)],
    # 2024 ESC guidelines for atrial fibrillation: 2 or more, 1, 0.
    "cha2ds2-va": [(2, None), (1, 2), (None, 1)],
}


@pytest.mark.parametrize("slot", NEWS2)
def test_the_criteria_of_news2_have_the_limits_of_its_chart(slot: str) -> None:
    found = [each for each in bands_of(shipped().modules["news2"]) if each.slot == slot]
    numbers = [tuple(None if n is None else float(n) for n in (each.low, each.high, each.points)) for each in found]
    assert numbers == NEWS2[slot]


@pytest.mark.parametrize("module", VALUES)
def test_values_have_the_limits_of_their_source(module: str) -> None:
    found = [each for each in bands_of(shipped().modules[module]) if each.slot is None]
    assert [tuple(None if n is None else float(n) for n in (each.low, each.high)) for each in found] == VALUES[module]
    assert all(each.coding is not None and each.points is None for each in found)


def test_a_limit_that_the_source_excludes_is_the_next_number() -> None:
    # KDIGO 2024, practice points 2.2.2 and 2.2.3: above 10 %, above 40 %.
    over_40, over_10, up_to_10 = bands_of(shipped().modules["kidney-failure-risk-2y"])
    assert over_40.low is not None
    assert over_10.low is not None
    assert 40.0 < float(over_40.low) < 40.0000001
    assert (over_10.high, up_to_10.low, up_to_10.high) == (over_40.low, None, over_10.low)
    assert 10.0 < float(over_10.low) < 10.0000001


def outcome(match: Criterion | None, when: Criterion | None = None, single: Decimal | None = None) -> Outcome:
    return Outcome(match, CODE, "text", single, when)


MALE, FEMALE = (OneOf("sex", (Coding("g", each),)) for each in ("male", "female"))


@pytest.mark.parametrize(
    ("outcomes", "limits"),
    [
        ((outcome(Compare(RESULT, at_least=D(5))), outcome(None)), [(D(5), None), (None, D(5))]),
        # Of one group of patients, an earlier band of the other takes nothing.
        (
            (outcome(Compare(RESULT, at_least=D(5)), MALE), outcome(Compare(RESULT, at_least=D(3)), FEMALE)),
            [(D(5), None), (D(3), None)],
        ),
        (
            (outcome(Compare(RESULT, at_least=D(5)), MALE), outcome(Compare(RESULT, at_least=D(3)), MALE)),
            [(D(5), None), (D(3), D(5))],
        ),
        # A band in the middle takes nothing of what surrounds it on both sides.
        (
            (outcome(AllOf((Compare(RESULT, at_least=D(3)), Compare(RESULT, below=D(5))))), outcome(None)),
            [(D(3), D(5)), (None, None)],
        ),
        ((outcome(None, single=D(3)), outcome(Compare(RESULT, at_least=D(1)))), [(None, None), (D(1), None)]),
        ((outcome(OneOf(RESULT, (CODE,))), outcome(Compare("other", at_least=D(1)))), [(None, None), (None, None)]),
        ((outcome(Compare(RESULT, at_most=D("4.9"), precision=D("0.1"))),), [(None, D("5.0"))]),
        ((outcome(Compare(RESULT, above=D(64), at_most=D(74), completed=True)),), [(D(65), D(75))]),
    ],
)
def test_limits(outcomes: tuple[Outcome, ...], limits: list[tuple[Decimal | None, Decimal | None]]) -> None:
    described = replace(t.EGFR_MODULE, outcomes=outcomes)
    assert [(each.low, each.high) for each in bands_of(described)] == limits


PULSE = ScoreCriterion(
    "pulse",
    "Pulse",
    (Band(Compare("pulse", at_most=D(40)), D(3), "40 or less"), Band(None, D(0), "more")),
)


def test_the_bands_of_a_step_are_those_that_are_known_to_be_met() -> None:
    step = explain(t.EVERY_TRACE["score"]())[0].chain[-1]
    scored = replace(step.module, criteria=(PULSE,), outcomes=(outcome(Compare(RESULT, at_least=D(0))),))
    found = met_bands(replace(step, module=scored))
    assert [(each.slot, each.text, each.points) for each in found] == [
        (None, "text", None),
        ("pulse", "Pulse: more", D(0)),
    ]
    unknown = tuple(replace(each, value=Absent(AbsentReason.NOT_FOUND), bounds=None) for each in step.grounds)
    missing = replace(step, module=scored, grounds=unknown, value=Absent(AbsentReason.INPUT_ABSENT), bounds=None)
    assert met_bands(missing) == ()


@pytest.mark.parametrize("reason", [AbsentReason.NOT_APPLICABLE, AbsentReason.FAILED])
def test_a_step_that_was_refused_met_none(reason: AbsentReason) -> None:
    step = explain(t.EVERY_TRACE["score"]())[0].chain[-1]
    scored = replace(step.module, criteria=(PULSE,), outcomes=(outcome(None),))
    assert met_bands(replace(step, module=scored, value=Absent(reason))) == ()

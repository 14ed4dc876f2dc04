"""Attribution at its edges: what is missing, contradictory, assumed, refused or not yet born gets no wrong number."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from collectors.gatherer import facts_from_resources
from ontology.evaluation import Issue
from ontology.values import Absent, AbsentReason, Quantity, Value
from server.compiler.compilation import compile_plan
from server.executor.question import Question
from server.explain.attribution import attribution_view
from server.explain.comparisons import AttributionView, Baseline, Comparison
from tests.support.charts import creatinine, lab, patient, uacr
from tests.support.engine_questions import AT, PATIENT, SOURCE, open_asker, shipped

REFERENCE = Comparison(Baseline.REFERENCE)
ACTUAL = Comparison(Baseline.ACTUAL)


def earlier(when: str) -> Comparison:
    return Comparison(Baseline.EARLIER, datetime.fromisoformat(when))


async def told(
    records: Iterable[Any], concept: str, against: Comparison, assume: Mapping[str, Value] | None = None
) -> AttributionView | Issue:
    question = Question(
        PATIENT, (concept,), AT, "ehr", dict(assume or {}), compare_without_assumptions=against is ACTUAL
    )
    if against.since is not None:
        question = replace(question, earlier_times=(against.since,))
    async with open_asker(shipped(), cache={"enabled": False}, site={"north_america": True}) as ask:
        plan = compile_plan(ask.engine.catalog, (concept,), frozenset(question.assumptions))
        facts = facts_from_resources(SOURCE, PATIENT, plan.searches, list(records))
        trace = await ask.engine.answer(question, plan, AT, facts, SOURCE)
    return attribution_view(trace, concept, against)


def vitals(when: str, oxygen: Any, respiratory: float, spo2: float) -> list[Any]:
    return [
        lab("9279-1", respiratory, "/min", when),
        lab("59408-5", spo2, "%", when),
        lab("8480-6", 122, "mm[Hg]", when),
        lab("8867-4", 80, "/min", when),
        lab("8310-5", 37.0, "Cel", when),
        lab("9269-2", 15, "{score}", when),
        oxygen,
    ]


THEN, NOW = "2026-06-29T11:50:00Z", "2026-06-30T11:50:00Z"
CREATININES = [patient(), creatinine(1.4, "2026-02-20T08:00:00Z"), creatinine(1.9, "2026-06-20T08:00:00Z")]


@pytest.mark.parametrize(
    ("records", "concept", "against", "assume", "why"),
    [
        (CREATININES[:2], "egfr", earlier("2026-03-03T12:00:00Z"), {}, "has no value"),
        (
            [*CREATININES, creatinine(3.0, "2026-06-20T08:00:00Z", id="other")],
            "egfr", earlier("2026-03-03T12:00:00Z"), {}, "has no value",
        ),
        (
            [patient("2008-04-01"), creatinine(0.7, "2026-02-20T08:00:00Z"), creatinine(0.9, "2026-06-20T08:00:00Z")],
            "egfr", earlier("2026-03-03T12:00:00Z"), {}, "no value at the baseline (Not applicable: under 18 years",
        ),
        (CREATININES, "age", earlier("1950-01-01T12:00:00Z"), {}, "no value at the baseline"),
        (CREATININES, "egfr", earlier("1950-01-01T12:00:00Z"), {}, "no value at the baseline"),
        (CREATININES, "egfr", ACTUAL, {"egfr": Absent(AbsentReason.NOT_QUERIED)}, "is assumed, not computed"),
        (CREATININES, "egfr", ACTUAL, {"serum-creatinine": Absent(AbsentReason.NOT_QUERIED)}, "has no value"),
        ([*CREATININES, lab("29463-7", 80, "kg", NOW), lab("8302-2", 178, "cm", NOW)], "bmi", REFERENCE, {}, "usual"),
    ],
)  # fmt: skip
async def test_where_there_is_nothing_to_share_out_it_says_why(
    records: list[Any], concept: str, against: Comparison, assume: dict[str, Value], why: str
) -> None:
    found = await told(records, concept, against, assume)
    assert isinstance(found, Issue)
    assert why in found.text


async def test_before_any_record_it_had_no_value() -> None:
    found = await told(CREATININES, "egfr", earlier("2010-01-01T12:00:00Z"))
    assert isinstance(found, AttributionView)
    assert "it had no value on 2010-01-01" in found.text
    assert "serum creatinine (missing then)" in found.text
    assert [item.concept.id for item in found.attribution.items if item.amount] == ["age"]


async def test_the_time_of_a_series_goes_with_it() -> None:
    """A creatinine that was not yet measured is never judged as of before it was."""
    days = ("2026-05-25T08:00:00Z", "2026-06-01T08:00:00Z", "2026-06-29T08:00:00Z")
    records = [patient(), *(creatinine(value, when) for value, when in zip((0.9, 0.9, 1.8), days, strict=True))]
    found = await told(records, "aki-stage", earlier("2026-05-01T12:00:00Z"))
    assert isinstance(found, AttributionView)
    assert found.attribution.base_value == found.attribution.output_value
    assert not found.attribution.items
    moved = await told(records, "aki-stage", earlier("2026-06-02T12:00:00Z"))
    assert isinstance(moved, AttributionView)
    assert [item.concept.id for item in moved.attribution.items if item.needed] == ["serum-creatinine"]


async def test_what_was_recorded_otherwise_plays_as_what_was_computed_from_it() -> None:
    air = lab("3150-0", 21, "%", THEN, id="air")
    flow = lab("3151-8", 2, "L/min", NOW, id="flow")
    records = [patient(), *vitals(THEN, air, 18, 96), *vitals(NOW, flow, 26, 93)]
    alert = {"consciousness": shipped().concepts["consciousness"].reference}
    found = await told(records, "news2", earlier("2026-06-29T12:00:00Z"), {k: v for k, v in alert.items() if v})
    assert isinstance(found, AttributionView)
    assert {item.concept.id: item.amount for item in found.attribution.items if item.amount} == {
        "respiratory-rate": 3,
        "spo2": 2,
        "supplemental-oxygen": 2,
    }
    (oxygen,) = (item for item in found.attribution.items if item.concept.id == "supplemental-oxygen")
    assert ([ref.id for ref in oxygen.records_before], [ref.id for ref in oxygen.records]) == (["air"], ["flow"])
    assert "is now 7 points, it was 0 points on 2026-06-29" in found.text
    assert "respiratory rate 18 → 26/min (+3)" in found.text
    # In the same words beside usual values, which are no earlier time: nothing is new there.
    usual = await told(records, "news2", REFERENCE, {k: v for k, v in alert.items() if v})
    for each in (found, usual):
        assert isinstance(each, AttributionView)
        assert "Respiratory rate alone scores 3, instead of no single parameter" in each.text


async def test_the_middle_of_the_training_data_is_not_called_usual() -> None:
    weight, height = lab("29463-7", 100, "kg", NOW, id="w"), lab("8302-2", 178, "cm", NOW, id="h")
    records = [patient(), weight, height, lab("8480-6", 122, "mm[Hg]", NOW)]
    assume: dict[str, Value] = {"diabetes": False}
    found = await told(records, "hba1c-defined-diabetes", REFERENCE, assume)
    assert isinstance(found, AttributionView)
    (mass,) = (item for item in found.attribution.items if item.concept.id == "bmi")
    assert mass.usual == "median of the training data of hba1c-defined-diabetes"
    assert {ref.id for ref in mass.records} == {"w", "h"}
    assert mass.usual in found.text
    assert found.baseline.endswith(mass.usual)
    # Elsewhere nobody is of a usual weight: where no model alone reads it, nothing is made up.
    other = await told([*records, creatinine(0.9, NOW)], "bmi", REFERENCE)
    assert isinstance(other, Issue)


async def test_what_the_record_alone_gives_is_told_where_an_input_is_taken_away() -> None:
    records = [patient(), lab("29463-7", 100, "kg", NOW), lab("8302-2", 178, "cm", NOW)]
    records += [lab("8480-6", 180, "mm[Hg]", NOW), lab("2093-3", 220, "mg/dL", NOW), lab("2085-9", 41, "mg/dL", NOW)]
    assume: dict[str, Value] = {"systolic-bp": Absent(AbsentReason.NOT_QUERIED)}
    found = await told(records, "hba1c-defined-diabetes", ACTUAL, assume)
    assert isinstance(found, AttributionView)
    assert found.attribution.base_value == found.attribution.output_value
    assert "systolic blood pressure (missing or assumed missing)" in found.text
    assert "% by the record. The whole difference is due to inputs missing at one end. Unchanged" in found.text


async def test_death_between_the_two_times_stops_the_clock() -> None:
    records = [patient(deceasedDateTime="2026-06-25T00:00:00Z"), *CREATININES[1:]]
    found = await told(records, "egfr", earlier("2026-03-03T12:00:00Z"))
    assert isinstance(found, AttributionView)
    assert abs(found.attribution.residual) < 1e-9
    (age,) = (item for item in found.attribution.items if item.concept.id == "age")
    assert isinstance(age.after, Quantity)
    assert Decimal("66.27") < age.after.value < Decimal("66.285")


async def test_a_series_is_one_input() -> None:
    months = [f"2024-{month:02}-10T08:00:00Z" for month in range(2, 13)] + [
        "2025-08-10T08:00:00Z",
        "2026-06-20T08:00:00Z",
    ]
    records = [patient(), *(creatinine(1.2 + place / 20, when) for place, when in enumerate(months))]
    found = await told(records, "egfr-slope", earlier("2026-03-03T12:00:00Z"))
    assert isinstance(found, AttributionView)
    assert {item.concept.id for item in found.attribution.items if item.amount} <= {"serum-creatinine", "egfr"}
    assert abs(found.attribution.residual) < 1e-9
    assert "13 values" in found.text


async def test_two_windows_of_one_concept_are_two_inputs() -> None:
    records = [*CREATININES, uacr(120, "2026-02-20T08:00:00Z"), uacr(410, "2026-06-20T08:00:00Z")]
    found = await told(records, "gfr-category", earlier("2026-03-03T12:00:00Z"))
    assert isinstance(found, AttributionView)
    assert [item.concept.id for item in found.attribution.items if item.needed] == ["serum-creatinine"]
    assert found.attribution.between[0].concept.id == "egfr"


async def test_an_input_that_is_the_same_at_both_ends_is_left_out() -> None:
    """Of a year of birth the age is unknown then and now: the time that passed has moved nothing."""
    when = "2026-06-01T08:00:00Z"
    records = [patient("1950"), lab("29463-7", 80, "kg", when), lab("8302-2", 178, "cm", when)]
    records.append(lab("29463-7", 82, "kg", "2026-06-28T08:00:00Z", id="later"))
    found = await told(records, "bmi", earlier("2026-06-10T12:00:00Z"))
    assert isinstance(found, AttributionView)
    assert [item.concept.id for item in found.attribution.items] == ["body-weight"]

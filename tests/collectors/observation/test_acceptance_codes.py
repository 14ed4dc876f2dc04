"""Further codes beside an accepted one: they take a record away from a concept, add a caution, or contradict it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from ontology.concepts import AcceptedCode, Answer, ExcludingCode, Origin
from ontology.slots import Select
from ontology.values import Absent, AbsentReason, Coding, Quantity, Series, Value
from tests.support.collector_inputs import (
    AT,
    CREATININE,
    FIBRILLATION,
    LOINC,
    SNOMED,
    SYSTOLIC,
    codeable_concept,
    fill_slot,
    issue_codes,
    observation,
    quantity,
    slot,
)

DEVICE = "urn:iso:std:iso:11073:10101"
VENTRICLE, WRIST = Coding(SNOMED, "276769008", "Left ventricular pressure"), Coding(SNOMED, "8205005", "at the wrist")
PRESSURE = replace(
    SYSTOLIC,
    excluded_by=(
        ExcludingCode(VENTRICLE),
        ExcludingCode(Coding(DEVICE, "150101", "Left ventricular systolic pressure")),
        ExcludingCode(WRIST, caution="measured at the wrist"),
    ),
    rivals={(LOINC, "8462-4"): "diastolic blood pressure"},
)
OF_URINE = replace(CREATININE, rivals={(LOINC, "2161-8"): "urine creatinine"})
NOT_FOUND, CONFLICTING = Absent(AbsentReason.NOT_FOUND), Absent(AbsentReason.CONFLICTING)
HIGH = Quantity(Decimal(120), "mm[Hg]")
ASIDE_ISSUES = ["another-measurement", "not-found"]


def codes(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code} for system, code in pairs]}


ARTERIAL, ASIDE = (LOINC, "8480-6"), (SNOMED, "276769008")
PANEL = (LOINC, "85354-9")


def pressure(value: int = 120, **more: Any) -> dict[str, Any]:
    return observation(value, **{"code": codes(ARTERIAL), "valueQuantity": quantity(value, "mm[Hg]"), **more})


def panel(code: dict[str, Any], component: dict[str, Any], **more: Any) -> dict[str, Any]:
    part = {"code": component, "valueQuantity": quantity(120, "mm[Hg]")}
    return observation(code=code, valueQuantity=None, component=[part], **more)


@pytest.mark.parametrize(
    ("record", "value", "issues"),
    [
        (pressure(), HIGH, []),
        (pressure(code=codes(ARTERIAL, ASIDE)), NOT_FOUND, ASIDE_ISSUES),
        (pressure(code=codes(ASIDE, ARTERIAL)), NOT_FOUND, ASIDE_ISSUES),
        # In a code system of its own the same characters mean something else.
        (pressure(code=codes(ARTERIAL, (LOINC, "276769008"))), HIGH, []),
        (pressure(bodySite=codes(ASIDE)), NOT_FOUND, ASIDE_ISSUES),
        (pressure(method=codes(ASIDE)), NOT_FOUND, ASIDE_ISSUES),
        (pressure(bodySite=codes((SNOMED, "368209003"))), HIGH, []),
        (pressure(bodySite=codes((SNOMED, "8205005"))), HIGH, ["code-caution"]),
        (pressure(bodySite=codes((SNOMED, "8205005"), ASIDE)), NOT_FOUND, ASIDE_ISSUES),
        (panel(codes(PANEL), codes(ARTERIAL)), HIGH, []),
        (panel(codes(PANEL, ASIDE), codes(ARTERIAL)), NOT_FOUND, ASIDE_ISSUES),
        (panel(codes(PANEL), codes(ARTERIAL, (DEVICE, "150101"))), NOT_FOUND, ASIDE_ISSUES),
        (panel(codes(PANEL), codes(ARTERIAL), bodySite=codes(ASIDE)), NOT_FOUND, ASIDE_ISSUES),
        # What a further code says is pending or unknown is not this measurement either.
        (
            panel(codes(PANEL, ASIDE), codes((LOINC, "1-8")), dataAbsentReason=codes(("", "unknown"))),
            NOT_FOUND,
            ASIDE_ISSUES,
        ),
        (pressure(status="registered", code=codes(ARTERIAL, ASIDE), valueQuantity=None), NOT_FOUND, ["not-found"]),
        (pressure(status="registered", valueQuantity=None), NOT_FOUND, ["not-found", "pending"]),
    ],
)
def test_a_further_code_decides_wherever_it_stands(record: dict[str, Any], value: Value, issues: list[str]) -> None:
    found = fill_slot(record, of=slot(PRESSURE))
    assert found.value == value
    assert issue_codes(found) == issues


@pytest.mark.parametrize(
    ("code", "value"),
    [
        (codes((LOINC, "2160-0")), Quantity(Decimal(1), "mg/dL")),
        (codes((LOINC, "2160-0"), (LOINC, "2161-8")), CONFLICTING),
        (codes((LOINC, "2161-8"), (LOINC, "2160-0")), CONFLICTING),
        (codes((LOINC, "2160-0"), (LOINC, "14682-9")), Quantity(Decimal(1), "mg/dL")),
        (codes((LOINC, "2160-0"), (SNOMED, "70901006")), Quantity(Decimal(1), "mg/dL")),
        (codes((LOINC, "2160-0"), ("https://lab.example", "2161-8")), Quantity(Decimal(1), "mg/dL")),
    ],
)
def test_codes_of_two_measurements_contradict_each_other(code: dict[str, Any], value: Value) -> None:
    found = fill_slot(observation(1, code=code, valueQuantity=quantity(1)), of=slot(OF_URINE))
    assert found.value == value
    text = " ".join(issue.text for issue in found.issues)
    assert all((each in text) is (value == CONFLICTING) for each in ("2160-0 (serum creatinine)", "2161-8 (urine"))


def test_the_code_of_a_panel_contradicts_none_of_its_components() -> None:
    of_panel = replace(PRESSURE, rivals={PANEL: "something"})
    assert fill_slot(panel(codes(PANEL), codes(ARTERIAL)), of=slot(of_panel)).value == HIGH
    assert fill_slot(panel(codes(PANEL), codes(ARTERIAL, (LOINC, "8462-4"))), of=slot(PRESSURE)).value == CONFLICTING


DAY = timedelta(days=1)


def at(day: int) -> str:
    return (AT - day * DAY).isoformat()


@pytest.mark.parametrize(
    ("aside", "told"),
    [(1, True), (2, True), (3, False)],
    ids=["newer", "of the same time", "older"],
)
def test_only_what_is_not_older_than_the_value_used_is_reported(aside: int, told: bool) -> None:
    other = pressure(5, id="lv", code=codes(ARTERIAL, ASIDE), effectiveDateTime=at(aside))
    found = fill_slot(pressure(effectiveDateTime=at(2)), other, of=slot(PRESSURE))
    assert found.value == HIGH
    assert ("another-measurement" in issue_codes(found)) is told


@pytest.mark.parametrize(("day", "told"), [(9, True), (10, True), (11, False)])
def test_nothing_from_before_the_window_is_reported(day: int, told: bool) -> None:
    other = pressure(5, code=codes(ARTERIAL, ASIDE), effectiveDateTime=at(day))
    found = fill_slot(other, of=slot(PRESSURE, window=10 * DAY))
    assert ("another-measurement" in issue_codes(found)) is told


def test_a_series_leaves_them_out_and_says_so() -> None:
    records = [pressure(100 + day, id=f"n{day}", effectiveDateTime=at(day)) for day in (3, 1)]
    other = pressure(5, id="lv", code=codes(ARTERIAL, ASIDE), effectiveDateTime=at(2))
    found = fill_slot(*records, other, of=slot(PRESSURE, select=Select.SERIES))
    assert isinstance(found.value, Series)
    assert [value for _, value in found.value.points] == [103, 101]
    assert issue_codes(found) == ["another-measurement"]


@pytest.mark.parametrize(
    ("focus", "used"),
    [
        ([{"reference": "Encounter/e1"}], True),
        ([{"reference": "Encounter/e1"}, {"reference": "EpisodeOfCare/e2/_history/1"}], True),
        ([{"reference": "https://other.example/fhir/Encounter/e1"}], True),
        ([{"reference": "Encounter/e1"}, {"reference": "RelatedPerson/r1"}], False),
        ([{"reference": "Patient/p2"}], False),
        ([{"reference": "BodyStructure/b1"}], False),
        ([{"display": "the fetus"}], False),
        ("Encounter/e1", False),
    ],
)
def test_a_focus_on_an_encounter_leaves_a_result_the_patients_own(focus: object, used: bool) -> None:
    assert (fill_slot(pressure(focus=focus), of=slot(PRESSURE)).value == HIGH) is used


STATUS = AcceptedCode(
    Coding(LOINC, "82810-3"),
    recorded_in=Origin.OBSERVATION,
    holds_for=timedelta(days=300),
    denied_for=timedelta(days=30),
)
PREGNANCY = replace(
    FIBRILLATION,
    id="pregnancy",
    display="pregnancy",
    accepted=(*FIBRILLATION.accepted, STATUS),
    answers=(Answer(Coding(SNOMED, "77386006"), True), Answer(Coding(SNOMED, "60001007"), False)),
)


def status(day: int, pregnant: bool, **more: Any) -> dict[str, Any]:
    said = codeable_concept("77386006" if pregnant else "60001007", SNOMED)
    base = {"code": codes((LOINC, "82810-3")), "valueQuantity": None, "valueCodeableConcept": said}
    return observation(**{**base, "id": f"s{day}", "effectiveDateTime": at(day), **more})


@pytest.mark.parametrize(
    ("records", "window", "value"),
    [
        ([status(10, True)], 300, True),
        ([status(299, True)], 300, True),
        ([status(301, True)], 300, NOT_FOUND),
        ([status(299, True)], None, True),
        ([status(301, True)], None, Absent(AbsentReason.STALE)),
        ([status(29, False)], 300, False),
        ([status(31, False)], 300, NOT_FOUND),
        # The latest status replaces those before it, in either direction.
        ([status(120, True), status(10, False)], 300, False),
        ([status(120, True), status(31, False)], 300, NOT_FOUND),
        ([status(40, False), status(10, True)], 300, True),
    ],
)
def test_a_status_that_is_an_observation_fills_a_slot_of_a_condition(
    records: list[dict[str, Any]], window: int | None, value: Value
) -> None:
    wanted = slot(PREGNANCY, select=Select.ANY, window=timedelta(days=window) if window else None)
    assert fill_slot(*records, of=wanted).value == value


OPEN: dict[str, Any] = {"effectiveDateTime": None, "effectivePeriod": {"start": at(1)}}


def test_a_period_without_an_end_dates_a_state() -> None:
    found = fill_slot(status(1, True, **OPEN), of=slot(PREGNANCY, select=Select.ANY))
    (used,) = found.resources
    assert found.value is True
    assert used.effective is not None
    assert used.effective.start == AT - DAY


def test_a_period_without_an_end_dates_no_measurement() -> None:
    found = fill_slot(pressure(**OPEN), of=slot(PRESSURE))
    assert found.value == NOT_FOUND
    assert issue_codes(found) == ["not-found", "undated"]


UPPER_ARM, ANKLE = (SNOMED, "368209003"), (SNOMED, "6685009")
WITH_SITES = replace(
    PRESSURE,
    excluded_by=(*PRESSURE.excluded_by, ExcludingCode(Coding(*ANKLE, "at the right ankle"))),
    usual_sites=(Coding(*UPPER_ARM),),
    usual_site_words=("arm", "brachial"),
)


@pytest.mark.parametrize(
    ("site", "value", "caution"),
    [
        (codes(UPPER_ARM), HIGH, None),
        ({**codes((SNOMED, "1"), UPPER_ARM), "text": "?"}, HIGH, None),
        ({"text": "Left arm, sitting"}, HIGH, None),
        # Named by its own words; a code is never understood by its text.
        ({"text": "left leg"}, HIGH, "body site left leg: not one of the usual sites"),
        ({"text": "army boot"}, HIGH, "body site army boot: not one of the usual sites"),
        ({**codes((SNOMED, "61396006")), "text": "arm"}, HIGH, "body site arm: not one of the usual sites"),
        (codes((SNOMED, "61396006")), HIGH, f"body site 61396006 of {SNOMED}: not one of the usual sites"),
        (codes(ANKLE), NOT_FOUND, None),
        ({}, HIGH, None),
    ],
)
def test_a_body_site_is_one_of_the_usual_ones_or_named(site: dict[str, Any], value: Value, caution: str | None) -> None:
    found = fill_slot(pressure(bodySite=site), of=slot(WITH_SITES))
    assert found.value == value
    texts = [issue.text for issue in found.issues if issue.code == "code-caution"]
    assert texts == ([caution] if caution else [])
    # Without a list of usual sites none is unusual.
    assert not [i for i in fill_slot(pressure(bodySite=site), of=slot(PRESSURE)).issues if i.code == "code-caution"]

"""Ratios, courses of samples, absences, replaced records, and one measurement recorded twice."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from collectors.observation import read as observations
from collectors.observation.values import UNKNOWN_REASONS, UNUSABLE_REASONS
from ontology.concepts import ValueType
from ontology.slots import Select
from ontology.values import Absent, AbsentReason, Bound, Date, Quantity, Series, Value
from tests.support.collector_inputs import (
    AT,
    CREATININE,
    SYSTOLIC,
    codeable_concept,
    facts_of,
    fill_slot,
    issue_codes,
    loinc,
    observation,
    quantity,
    read_one,
    slot,
    with_changes,
)

DAY = replace(CREATININE, id="day", value_type=ValueType.DATE, accepted=(loinc("8665-2"),), unit=None, units=())
UNREADABLE = Absent(AbsentReason.UNCONVERTIBLE)
SERIES = slot(select=Select.SERIES)
REPLACES = "http://hl7.org/fhir/StructureDefinition/observation-replaces"


def mg(value: str) -> Quantity:
    return Quantity(Decimal(value), "mg/dL")


def ratio(above: Any, below: Any, top: str | None = "mg", bottom: str | None = "dL", **more: Any) -> dict[str, Any]:
    numerator = quantity(above, top, **more) if top else {"value": Decimal(above), **more}
    denominator = quantity(below, bottom) if bottom else {"value": Decimal(below)}
    return observation(valueQuantity=None, valueRatio={"numerator": numerator, "denominator": denominator})


RATIOS: dict[str, tuple[dict[str, Any], Value, str]] = {
    "to one": (ratio("1.10", 1), mg("1.10"), ""),
    "to more than one": (ratio(3, 2), mg("1.5"), ""),
    "converted": (ratio("100", 1, "umol", "L"), mg("1.1312"), ""),
    "spelled otherwise": (ratio("1000", 1, "mcg", "dL"), UNREADABLE, "none of those read"),
    "a bound": (ratio("0.2", 1, comparator="<"), Bound("<", Decimal("0.2"), "mg/dL"), ""),
    "a titre": (ratio(1, 128, None, None), UNREADABLE, "none of those read"),
    "nothing below": (ratio(1, 0), UNREADABLE, "no quotient"),
    "no denominator": (
        observation(valueQuantity=None, valueRatio={"numerator": quantity(1, "mg")}),
        UNREADABLE,
        "lacks its numerator or its denominator",
    ),
    "implausible": (ratio(900, 1), Absent(AbsentReason.IMPLAUSIBLE), "impossible"),
    "mistyped": (observation(valueQuantity=None, valueRatio=[1]), UNREADABLE, "not of the type"),
}


@pytest.mark.parametrize("name", RATIOS)
def test_ratio(name: str) -> None:
    record, expected, problem = RATIOS[name]
    resource = read_one(record)
    assert resource.value == expected
    assert problem in (resource.problem or "")
    if isinstance(expected, Quantity):
        assert isinstance(resource.value, Quantity)
        assert str(resource.value.value) == str(expected.value)


def test_a_range_is_told_with_both_its_ends_and_used_as_neither() -> None:
    ends = {"low": quantity(1), "high": quantity(5)}
    resource = read_one(observation(valueQuantity=None, valueRange=ends))
    assert resource.value == UNREADABLE
    assert resource.recorded == "1 mg/dL to 5 mg/dL"
    assert resource.problem == "valueRange is a range, not a single value of serum-creatinine"


PERIODS: dict[tuple[str | None, str | None], Value] = {
    ("2024-02", "2024-03-05"): Date(date(2024, 2, 1), date(2024, 3, 5)),
    ("2024-03-05", "2024-03-05"): Date(date(2024, 3, 5), date(2024, 3, 5)),
    ("2024-03-05T23:30:00-05:00", "2024-03-06T01:00:00-05:00"): Date(date(2024, 3, 5), date(2024, 3, 6)),
    ("2024-03-05", "2024-02"): UNREADABLE,
    ("2024-03-05", None): UNREADABLE,
    (None, "2024-03-05"): UNREADABLE,
    ("2024-03-05", "later"): UNREADABLE,
}


@pytest.mark.parametrize("ends", PERIODS, ids=str)
def test_a_period_is_the_days_that_it_leaves_open(ends: tuple[str | None, str | None]) -> None:
    period = {name: each for name, each in zip(("start", "end"), ends, strict=True) if each is not None}
    record = observation(code=codeable_concept("8665-2"), valueQuantity=None, valuePeriod=period)
    assert read_one(record, DAY).value == PERIODS[ends]
    assert read_one(record | {"code": codeable_concept("2160-0")}).value == UNREADABLE


def sampled(data: str = "1 2 3", **changes: Any) -> dict[str, Any]:
    value = {"origin": quantity("0.5"), "period": 60_000, "factor": Decimal("0.5"), "dimensions": 1, "data": data}
    effective = {"effectiveDateTime": "2024-05-01T08:00:00Z"}
    value = with_changes(value, changes.pop("of", {}))
    return observation(valueQuantity=None, valueSampledData=value, **(effective | changes))


def points(value: Value) -> list[tuple[int, str]]:
    """Minutes from eight o'clock, and the numbers."""
    assert isinstance(value, Series)
    start = datetime(2024, 5, 1, 8, tzinfo=UTC)
    return [((when - start) // timedelta(minutes=1), str(number)) for when, number in value.points]


SAMPLES: dict[str, tuple[dict[str, Any], list[tuple[int, str]]]] = {
    "origin, factor and period": (sampled(), [(0, "1.0"), (1, "1.5"), (2, "2.0")]),
    "errors and limits are left out": (sampled("1 E 3 L U 1"), [(0, "1.0"), (2, "2.0"), (5, "1.0")]),
    "in a period that holds them": (
        sampled(
            effectiveDateTime=None,
            effectivePeriod={"start": "2024-05-01T08:00:00Z", "end": "2024-05-01T08:02:00Z"},
        ),
        [(0, "1.0"), (1, "1.5"), (2, "2.0")],
    ),
    "converted": (sampled("200", of={"origin": quantity(0, "umol/L")}), [(0, "1.1312")]),
}
UNSAMPLED: dict[str, dict[str, Any]] = {
    "more than one dimension": sampled(of={"dimensions": 2}),
    "no period": sampled(of={"period": 0}),
    "not a number": sampled("1 x"),
    "nothing but errors": sampled("E E"),
    "no data": sampled(of={"data": None}),
    "without unit": sampled(of={"origin": {"value": 0}}),
    "implausible": sampled("1 900"),
    "too many": sampled("1 " * 10_001),
    "a day is no start": sampled(effectiveDateTime="2024-05-01"),
    "a period that ends before the last": sampled(
        effectiveDateTime=None,
        effectivePeriod={"start": "2024-05-01T08:00:00Z", "end": "2024-05-01T08:01:00Z"},
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_fill_a_series_and_never_a_single_value(name: str) -> None:
    record, expected = SAMPLES[name]
    found = fill_slot(record, of=SERIES)
    assert points(found.value) == expected
    assert [each.iri for each in found.resources] == ["http://ehr.test/fhir/Observation/o1"]
    assert fill_slot(record).value == UNREADABLE


@pytest.mark.parametrize("name", UNSAMPLED)
def test_samples_that_cannot_be_told_are_refused(name: str) -> None:
    assert fill_slot(UNSAMPLED[name], of=SERIES).value == UNREADABLE
    assert read_one(UNSAMPLED[name]).problem


def test_samples_before_the_window_are_left_out() -> None:
    at = datetime(2024, 5, 1, 8, 2, tzinfo=UTC)
    inside = slot(select=Select.SERIES, window=timedelta(minutes=2))
    assert points(fill_slot(sampled(), of=inside, at=at).value) == [(0, "1.0"), (1, "1.5"), (2, "2.0")]
    assert points(fill_slot(sampled(), of=inside, at=at + timedelta(minutes=1)).value) == [(1, "1.5"), (2, "2.0")]
    assert fill_slot(sampled(), of=inside, at=at + timedelta(hours=1)).value == Absent(AbsentReason.NOT_FOUND)


def absent(code: str) -> dict[str, Any]:
    """A record of the day after the other one's, without a value."""
    reason = codeable_concept(code, "http://terminology.hl7.org/CodeSystem/data-absent-reason")
    return observation(id="o2", effectiveDateTime="2024-05-02T08:00:00Z", valueQuantity=None, dataAbsentReason=reason)


@pytest.mark.parametrize("code", UNKNOWN_REASONS)
def test_an_older_value_stands_in_for_what_is_not_known(code: str) -> None:
    found = fill_slot(observation(), absent(code))
    assert found.value == mg("1.1")
    assert issue_codes(found) == ["stepped-back"]


@pytest.mark.parametrize("code", UNUSABLE_REASONS)
def test_an_older_value_never_stands_in_for_one_that_is_kept_back(code: str) -> None:
    found = fill_slot(observation(), absent(code))
    assert found.value == UNREADABLE
    assert UNUSABLE_REASONS[code] in found.issues[0].text


def test_all_reasons_of_fhir_are_known() -> None:
    assert len(UNKNOWN_REASONS) + len(UNUSABLE_REASONS) == 15
    assert not set(UNKNOWN_REASONS) & set(UNUSABLE_REASONS)


def replacing(status: str = "final", **changes: Any) -> dict[str, Any]:
    extension = [{"url": REPLACES, "valueReference": {"reference": "Observation/o1"}}]
    return observation("2.2", id="o2", status=status, extension=extension, **changes)


@pytest.mark.parametrize(
    "reference", ["Observation/o1", "http://ehr.test/fhir/Observation/o1", "Observation/o1/_history/1"]
)
def test_a_record_that_another_replaces_does_not_count(reference: str) -> None:
    new = replacing() | {"extension": [{"url": REPLACES, "valueReference": {"reference": reference}}]}
    for records in ([observation(), new], [new, observation()]):
        known = facts_of(*records, concepts=(CREATININE,))
        assert known.select(slot(), AT, AT).value == mg("2.2")
        assert [issue.code for issue in known.issues] == ["withdrawn"]


@pytest.mark.parametrize("status", ["preliminary", "entered-in-error", "cancelled"])
def test_what_does_not_count_itself_replaces_nothing(status: str) -> None:
    found = fill_slot(observation(), replacing(status))
    assert found.value == mg("1.1")


def test_a_record_elsewhere_or_itself_is_not_replaced() -> None:
    for reference in ("http://other.test/fhir/Observation/o1", "Observation/o2", "#o1", "Condition/o1"):
        extension = [{"url": REPLACES, "valueReference": {"reference": reference}}]
        found = fill_slot(observation(), replacing(effectiveDateTime="2024-05-02T08:00:00Z") | {"extension": extension})
        assert found.value == mg("2.2")
        assert len(facts_of(observation(), concepts=(CREATININE,)).facts["serum-creatinine"]) == 1


def panel(value: object = 120, **changes: Any) -> dict[str, Any]:
    part = {"code": codeable_concept("8480-6"), "valueQuantity": quantity(value, "mm[Hg]")}
    return observation(id="panel", code=codeable_concept("85354-9"), valueQuantity=None, component=[part], **changes)


def systolic(value: object = 120, **changes: Any) -> dict[str, Any]:
    return observation(id="alone", code=codeable_concept("8480-6"), valueQuantity=quantity(value, "mm[Hg]"), **changes)


IDENTIFIER = [{"system": "urn:lab", "value": "17"}]
OTHER = [{"system": "urn:lab", "value": "18"}]
TWICE: dict[str, tuple[list[dict[str, Any]], bool]] = {
    "a component and a record of its own": ([panel(), systolic()], True),
    "one identifier": ([systolic(identifier=IDENTIFIER), systolic(identifier=IDENTIFIER) | {"id": "again"}], True),
    "other identifiers": (
        [
            systolic(identifier=IDENTIFIER),
            systolic(identifier=OTHER) | {"id": "again"},
        ],
        False,
    ),
    "no identifiers": ([systolic(), systolic() | {"id": "again"}], False),
}


@pytest.mark.parametrize("name", TWICE)
@pytest.mark.parametrize("select", [Select.LATEST, Select.SERIES])
def test_one_measurement_recorded_twice_is_one_ground_that_names_both(name: str, select: Select) -> None:
    records, once = TWICE[name]
    for ordered in (records, records[::-1]):
        found = fill_slot(*ordered, of=slot(SYSTOLIC, select=select))
        if select is Select.SERIES:
            assert isinstance(found.value, Series)
            assert len(found.value.points) == 1
        else:
            assert found.value == Quantity(Decimal(120), "mm[Hg]")
        assert len(found.resources) == (1 if once else 2)
        notes = " ".join(note for each in found.resources for note in each.notes)
        assert ("The same measurement is also on record as Observation/" in notes) is once


@pytest.mark.parametrize("name", ["a component and a record of its own", "one identifier"])
@pytest.mark.parametrize("select", [Select.LATEST, Select.SERIES])
def test_what_should_be_one_and_is_not_equal_is_a_contradiction(name: str, select: Select) -> None:
    first, second = TWICE[name][0]
    changed = second | {"valueQuantity": quantity(130, "mm[Hg]")}
    found = fill_slot(first, changed, of=slot(SYSTOLIC, select=select))
    assert found.value == Absent(AbsentReason.CONFLICTING)
    assert len(found.resources) == 2
    told = next(issue.text for issue in found.issues if issue.code == "conflicting")
    assert "120 mm[Hg]" in told
    assert "130 mm[Hg]" in told


def test_a_contradiction_leaves_the_rest_of_a_series_and_is_told() -> None:
    later = systolic(110, effectiveDateTime="2024-05-02T08:00:00Z") | {"id": "later"}
    found = fill_slot(panel(), systolic(130), later, of=slot(SYSTOLIC, select=Select.SERIES))
    assert isinstance(found.value, Series)
    assert [number for _, number in found.value.points] == [110]
    assert {"conflicting", "left-out"} <= set(issue_codes(found))


def test_more_samples_than_are_read_in_one_search_are_refused_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observations, "MAX_SAMPLES_IN_SEARCH", 4)
    course = {"origin": quantity(0), "period": 1000, "dimensions": 1, "data": "1 2"}
    records = [
        observation(
            id=f"o{day}", valueQuantity=None, valueSampledData=course, effectiveDateTime=f"2024-05-0{day}T08:00:00Z"
        )
        for day in range(1, 5)
    ]
    assert isinstance(fill_slot(*records[:2], of=SERIES).value, Series)
    found = fill_slot(*records, of=SERIES)
    # A course without its end would be a wrong one.
    assert found.value == UNREADABLE
    assert any("Observation/o3" in issue.text and "samples than are read" in issue.text for issue in found.issues)

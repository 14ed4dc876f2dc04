"""Which fact fills a slot, as of a time, and what is told of it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ontology.evaluation import Severity
from ontology.slots import Select, Slot
from ontology.values import Absent, AbsentReason, Bound, Quantity, Series, Value
from tests.support.collector_inputs import (
    AT,
    CREATININE,
    OXYGEN,
    SYSTOLIC,
    codeable_concept,
    facts_of,
    fill_slot,
    issue_codes,
    observation,
    quantity,
    slot,
)

YEAR = timedelta(days=365)
QUARTER = timedelta(days=90)


def mg(value: str) -> Quantity:
    return Quantity(Decimal(value), "mg/dL")


def on(day: str, value: object = "1.1", **changes: Any) -> dict[str, Any]:
    """A creatinine of this day, at eight o'clock; its id is the day's."""
    return observation(value, **{"id": day, "effectiveDateTime": f"{day}T08:00:00Z", **changes})


def unknown(day: str, **changes: Any) -> dict[str, Any]:
    return on(day, valueQuantity=None, dataAbsentReason={"text": "refused"}, **changes)


def absent(reason: str) -> Absent:
    return Absent(AbsentReason(reason))


LATEST = slot()
WITHIN = slot(window=QUARTER)
STEPPING = slot(window=QUARTER, step_back=True)
OLD, MID, NEW = on("2023-01-01", "0.8"), on("2024-04-01", "1.0"), on("2024-05-01", "1.2")
STRANGE = on("2024-05-02", "900")
LITRES = on("2024-05-02", valueQuantity=quantity(1, "g/L"))

CASES: dict[str, tuple[Slot, list[dict[str, Any]], Value, list[str]]] = {
    "latest": (LATEST, [OLD, NEW, MID], mg("1.2"), []),
    "earliest": (slot(select=Select.EARLIEST), [MID, OLD, NEW], mg("0.8"), []),
    "earliest in the window": (slot(select=Select.EARLIEST, window=QUARTER), [MID, OLD, NEW], mg("1.0"), []),
    "nothing": (LATEST, [], absent("NOT_FOUND"), ["not-found"]),
    "stale only where older data is there": (WITHIN, [OLD], absent("STALE"), ["stale"]),
    "older unknowns are not stale": (WITHIN, [unknown("2023-01-01")], absent("NOT_FOUND"), ["not-found"]),
    "the future is not known": (LATEST, [MID, on("2024-07-01", "9")], mg("1.0"), []),
    "nor what was issued later": (
        LATEST,
        [MID, on("2024-05-01", "9", issued="2024-07-01T08:00:00Z")],
        mg("1.0"),
        ["not-yet-issued"],
    ),
    "steps back past unknown": (WITHIN, [MID, unknown("2024-05-02")], mg("1.0"), ["stepped-back"]),
    "but only inside the window": (
        WITHIN,
        [OLD, unknown("2024-05-02")],
        absent("RECORDED_UNKNOWN"),
        ["recorded-unknown"],
    ),
    "stops at implausible": (WITHIN, [MID, STRANGE], absent("IMPLAUSIBLE"), ["implausible"]),
    "stops at another unit": (WITHIN, [MID, LITRES], absent("UNCONVERTIBLE"), ["unconvertible"]),
    "steps past implausible where allowed": (STEPPING, [MID, STRANGE], mg("1.0"), ["stepped-back"]),
    "steps past another unit where allowed": (STEPPING, [MID, LITRES], mg("1.0"), ["stepped-back"]),
    "stops at implausible behind unknown": (
        WITHIN,
        [MID, STRANGE, unknown("2024-05-03")],
        absent("IMPLAUSIBLE"),
        ["implausible", "stepped-back"],
    ),
    "contradiction": (LATEST, [NEW, on("2024-05-01", "1.3", id="x")], absent("CONFLICTING"), ["conflicting"]),
    "the same twice": (LATEST, [NEW, on("2024-05-01", "1.20", id="x")], mg("1.2"), []),
    "the same in another unit": (
        LATEST,
        [NEW, on("2024-05-01", id="x", valueQuantity=quantity(106, "umol/L"))],
        mg("1.2"),
        [],
    ),
    "not the same in another unit": (
        LATEST,
        [on("2024-05-01", "1.20"), on("2024-05-01", id="x", valueQuantity=quantity("101.2", "umol/L"))],
        absent("CONFLICTING"),
        ["conflicting"],
    ),
    "final before preliminary": (
        LATEST,
        [NEW, on("2024-05-01", "1.3", id="x", status="preliminary")],
        mg("1.2"),
        ["other-record"],
    ),
    "preliminary": (LATEST, [on("2024-05-01", status="preliminary")], mg("1.1"), ["preliminary"]),
    "code with a caution": (LATEST, [on("2024-05-01", code=codeable_concept("38483-4"))], mg("1.1"), ["code-caution"]),
    "code of lower rank": (
        LATEST,
        [on("2024-05-01", "1.3", id="x", code=codeable_concept("38483-4")), NEW],
        mg("1.2"),
        ["other-record"],
    ),
    "unreadable beside a value": (LATEST, [NEW, on("2024-05-01", "900", id="x")], mg("1.2"), ["left-out"]),
    "outside the validated range": (slot(maximum=Decimal(1)), [NEW], mg("1.2"), ["outside-validated-range"]),
    "bound where none is taken": (
        WITHIN,
        [MID, on("2024-05-02", valueQuantity=quantity("0.2", comparator="<"))],
        absent("UNCONVERTIBLE"),
        ["bound-not-usable"],
    ),
    "bound where one is taken": (
        slot(accepts_bound=True),
        [on("2024-05-02", valueQuantity=quantity("0.2", comparator="<"))],
        Bound("<", Decimal("0.2"), "mg/dL"),
        [],
    ),
    "undated": (LATEST, [NEW, observation("5", id="x", effectiveDateTime=None)], mg("1.2"), ["undated"]),
    "a month counts from its end": (
        LATEST,
        [MID, observation("5", id="x", effectiveDateTime="2024-06")],
        mg("1.0"),
        ["time-imprecise"],
    ),
    # Perhaps within the time asked for: neither "no creatinine" nor "the latest is of".
    "a month that is not over": (
        LATEST,
        [observation("5", id="x", effectiveDateTime="2024-06")],
        absent("UNCONVERTIBLE"),
        ["time-imprecise"],
    ),
    "a month that is not over, and an older one": (
        slot(window=timedelta(days=40)),
        [OLD, observation("5", id="x", effectiveDateTime="2024-06")],
        absent("UNCONVERTIBLE"),
        ["time-imprecise"],
    ),
    "a series of a month that is not over": (
        slot(select=Select.SERIES),
        [observation("5", id="x", effectiveDateTime="2024-06")],
        absent("UNCONVERTIBLE"),
        ["time-imprecise"],
    ),
    "a month ages from its start": (
        slot(window=timedelta(days=40)),
        [observation("5", id="x", effectiveDateTime="2024-04")],
        absent("STALE"),
        ["stale"],
    ),
    "a number beyond reason": (
        LATEST,
        [on("2024-05-01", Decimal("1e400"))],
        absent("UNCONVERTIBLE"),
        ["unconvertible"],
    ),
    "which came last cannot be told": (
        LATEST,
        [observation("5", id="x", effectiveDateTime="2024-05-01"), NEW],
        mg("5"),
        ["order-uncertain"],
    ),
    "invalid": (LATEST, [MID, on("2024-05-01", foo=1)], mg("1.0"), ["invalid-record"]),
    "other unit asked for": (
        slot(unit="umol/L"),
        [on("2024-05-01", valueQuantity=quantity("97.3", "umol/L"))],
        Quantity(Decimal("97.3"), "umol/L"),
        [],
    ),
    "series": (
        slot(select=Select.SERIES, window=YEAR),
        [NEW, OLD, MID],
        Series(
            (
                (datetime(2024, 4, 1, 8, tzinfo=UTC), Decimal("1.0")),
                (datetime(2024, 5, 1, 8, tzinfo=UTC), Decimal("1.2")),
            ),
            "mg/dL",
        ),
        [],
    ),
    "series without the unreadable": (
        slot(select=Select.SERIES, step_back=True),
        [MID, STRANGE, unknown("2024-05-03")],
        Series(((datetime(2024, 4, 1, 8, tzinfo=UTC), Decimal("1.0")),), "mg/dL"),
        ["left-out"],
    ),
    "series whose newest says unknown": (
        slot(select=Select.SERIES),
        [MID, unknown("2024-05-03")],
        Series(((datetime(2024, 4, 1, 8, tzinfo=UTC), Decimal("1.0")),), "mg/dL"),
        ["left-out"],
    ),
    "no older series in place of an unreadable one under an unknown": (
        slot(select=Select.SERIES),
        [MID, STRANGE, unknown("2024-05-03")],
        absent("IMPLAUSIBLE"),
        ["left-out"],
    ),
    "no older series in place of an unreadable newest": (
        slot(select=Select.SERIES),
        [MID, STRANGE],
        absent("IMPLAUSIBLE"),
        ["left-out"],
    ),
    "series of nothing but unreadable": (slot(select=Select.SERIES), [STRANGE], absent("IMPLAUSIBLE"), ["left-out"]),
    "series of nothing": (slot(select=Select.SERIES, window=QUARTER), [OLD], absent("STALE"), ["stale"]),
    "any": (
        slot(OXYGEN, Select.ANY),
        [on("2024-05-01", code=codeable_concept("57485-5"), valueQuantity=None, valueBoolean=True)],
        True,
        [],
    ),
    "any, recorded no": (
        slot(OXYGEN, Select.ANY),
        [on("2024-05-01", code=codeable_concept("57485-5"), valueQuantity=None, valueBoolean=False)],
        False,
        [],
    ),
    "any, not recorded": (slot(OXYGEN, Select.ANY), [], absent("NOT_FOUND"), ["not-recorded"]),
}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    wanted, records, value, told = CASES[name]
    for order in (records, records[::-1]):
        selected = fill_slot(*order, of=wanted)
        assert selected.value == value
        assert issue_codes(selected) == told
        assert all(issue.slot == "input" for issue in selected.issues)


def test_stepping_back_names_the_record_its_time_and_what_it_said() -> None:
    (issue,) = fill_slot(MID, unknown("2024-05-02"), of=WITHIN).issues
    assert issue.severity is Severity.WARNING
    assert issue.text == (
        "Observation/2024-05-02 of 2024-05-02 08:00 UTC says unknown (refused); earlier records were used instead."
    )


def test_implausible_shows_the_value() -> None:
    (issue,) = fill_slot(STRANGE).issues
    assert "900 mg/dL" in issue.text


def test_bound_is_shown_as_written() -> None:
    (issue,) = fill_slot(on("2024-05-02", valueQuantity=quantity(5, comparator="<"))).issues
    assert "<5 mg/dL" in issue.text


def test_contradiction_shows_both_and_names_both_records() -> None:
    selected = fill_slot(NEW, on("2024-05-01", "1.3", id="x"))
    assert "1.2 mg/dL" in selected.issues[0].text
    assert "1.3 mg/dL" in selected.issues[0].text
    assert len(selected.resources) == 2


def test_what_yields_says_that_it_is_preliminary() -> None:
    found = fill_slot(on("2024-05-01", "1.3", id="x", status="preliminary"), on("2024-05-01", "1.1"))
    (issue,) = found.issues
    assert issue.code == "other-record" and issue.text.endswith("says 1.3 mg/dL (preliminary).")


def test_the_same_measurement_through_two_records_names_both() -> None:
    assert len(fill_slot(NEW, on("2024-05-01", "1.2", id="x")).resources) == 2


def test_window_is_named_where_nothing_is_found() -> None:
    assert "90 days" in fill_slot(of=WITHIN).issues[0].text


def test_stale_says_when_the_last_one_was() -> None:
    assert "2023-01-01" in fill_slot(OLD, on("2022-01-01"), of=WITHIN).issues[0].text


def test_invalid_record_names_the_element_but_not_its_content() -> None:
    (issue,) = fill_slot(on("2024-05-01", foo="secret"), MID).issues
    assert "foo" in issue.text
    assert "secret" not in issue.text


def test_what_was_not_searched_is_not_queried() -> None:
    selected = facts_of(NEW, concepts=(CREATININE,)).select(slot(SYSTOLIC), AT, AT)
    assert selected.value == absent("NOT_QUERIED")
    assert issue_codes(selected) == ["not-queried"]


def test_window_counts_to_the_very_end() -> None:
    record = on("2024-05-01")
    at = datetime(2024, 5, 2, 8, tzinfo=UTC)
    day = slot(window=timedelta(days=1))
    assert fill_slot(record, of=day, at=at).value == mg("1.1")
    assert fill_slot(record, of=day, at=at + timedelta(microseconds=1)).value == absent("STALE")


def test_known_at_differs_from_as_of() -> None:
    facts = facts_of(MID, on("2024-05-01", "9", issued="2024-05-20T08:00:00Z"), concepts=(CREATININE,))
    as_of = datetime(2024, 5, 10, tzinfo=UTC)
    assert facts.select(LATEST, as_of, as_of).value == mg("1.0")
    assert facts.select(LATEST, as_of, AT).value == mg("9")


def test_times_are_those_of_usable_facts() -> None:
    facts = facts_of(OLD, MID, NEW, STRANGE, unknown("2024-05-03"), concepts=(CREATININE,))
    since = datetime(2024, 1, 1, tzinfo=UTC)
    assert facts.times((CREATININE,), since, AT) == (
        datetime(2024, 4, 1, 8, tzinfo=UTC),
        datetime(2024, 5, 1, 8, tzinfo=UTC),
    )
    assert len(facts.times((CREATININE,), None, AT)) == 3
    assert facts.times((CREATININE,), None, datetime(2023, 6, 1, tzinfo=UTC)) == (datetime(2023, 1, 1, 8, tzinfo=UTC),)

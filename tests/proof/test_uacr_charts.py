"""The albumin-creatinine ratio from charts in FHIR: which specimen is used, and which are never mixed."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ontology.values import Absent, Bound, Quantity
from server.explain.explain import explain
from server.explain.results import AnswerResult, Status
from tests.support.charts import creatinine, lab, patient, uacr
from tests.support.engine_questions import Asker, Record, open_asker

ALBUMIN, CREATININE, TIMED = "14957-5", "2161-8", "20624-3"
MORNING, MINUTE_LATER, DAY = "2026-06-20T08:00:00Z", "2026-06-20T08:01:00Z", "2026-06-20"
S1: dict[str, Any] = {"specimen": {"reference": "Specimen/s1"}}
S2: dict[str, Any] = {"specimen": {"reference": "Specimen/s2"}}
# Contained in each record: one name, and no one specimen.
INSIDE: dict[str, Any] = {
    "specimen": {"reference": "#s"},
    "contained": [{"resourceType": "Specimen", "id": "s"}],
}


def numbered(number: str) -> dict[str, Any]:
    """The specimen by its number in the laboratory alone."""
    return {"specimen": {"identifier": {"system": "urn:lab", "value": number}}}


OID = "urn:oid:2.16.840.1.113883.6.1"


@pytest.fixture
async def ask() -> AsyncIterator[Asker]:
    async with open_asker(cache={"enabled": False}) as asker:
        yield asker


async def answer(ask: Asker, concept: str, *records: Record) -> AnswerResult:
    (result,) = explain(await ask([patient(), *records], concept))
    return result


def albumin(value: float, when: str, **more: Any) -> Record:
    return lab(ALBUMIN, value, "mg/L", when, **more)


def urine_creatinine(value: float, when: str, unit: str = "mg/dL", code: str = CREATININE, **more: Any) -> Record:
    return lab(code, value, unit, when, **more)


def number(result: AnswerResult) -> Decimal | None:
    return round(result.value.value, 1) if isinstance(result.value, Quantity) else None


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        # One time.
        ([albumin(60, MORNING), urine_creatinine(150, MORNING)], Decimal("40.0")),
        ([albumin(100, MORNING), urine_creatinine(10, MORNING, "mmol/L", "14683-7")], Decimal("88.4")),
        ([albumin(60, MORNING), urine_creatinine(150, MINUTE_LATER)], None),
        # A day is no time.
        ([albumin(60, DAY), urine_creatinine(150, DAY)], None),
        # One specimen reference, whatever the times.
        ([albumin(60, MORNING, **S1), urine_creatinine(150, MINUTE_LATER, **S1)], Decimal("40.0")),
        ([albumin(60, DAY, **S1), urine_creatinine(150, DAY, **S1)], Decimal("40.0")),
        # Two specimens at one time.
        ([albumin(60, MORNING, **S1), urine_creatinine(150, MORNING, **S2)], None),
        ([albumin(60, MORNING, **numbered("1")), urine_creatinine(150, MORNING, **numbered("2"))], None),
        ([albumin(60, MORNING, **numbered("1")), urine_creatinine(150, MINUTE_LATER, **numbered("1"))], 40),
        # Names of two kinds do not tell them apart; their time does.
        ([albumin(60, MORNING, **numbered("1")), urine_creatinine(150, MORNING, **S1)], 40),
        ([albumin(60, MORNING, **numbered("1")), urine_creatinine(150, MINUTE_LATER, **S1)], None),
        # A specimen inside its record is that of no other record.
        ([albumin(100, "2026-01-10T08:00:00Z", **INSIDE), urine_creatinine(50, MORNING, **INSIDE)], None),
        ([albumin(60, MORNING, **INSIDE), urine_creatinine(150, MORNING, **INSIDE)], 40),
        # A spot sample and a collection are never one, however the code system is written.
        ([albumin(60, MORNING), urine_creatinine(150, MORNING, code=TIMED)], None),
        ([albumin(60, MORNING), lab(TIMED, 150, "mg/dL", MORNING, system=OID)], None),
        ([albumin(60, MORNING, **S1), urine_creatinine(150, MORNING, code=TIMED, **S1)], None),
        # The newest specimen with both parts; a lone newer albumin is no ratio.
        (
            [albumin(60, "2026-05-01T08:00:00Z"), urine_creatinine(150, "2026-05-01T08:00:00Z"), albumin(900, MORNING)],
            40,
        ),
        # A recorded ratio first; the later specimen where both are there.
        ([uacr(45, MORNING), albumin(48, MORNING), urine_creatinine(100, MORNING)], Decimal("45.0")),
        ([uacr(45, "2026-05-01T08:00:00Z"), albumin(60, MORNING), urine_creatinine(150, MORNING)], Decimal("40.0")),
        ([uacr(45, MORNING), albumin(60, "2026-05-01T08:00:00Z"), urine_creatinine(150, "2026-05-01T08:00:00Z")], 45),
        # Protein is no albumin.
        ([lab("2888-6", 60, "mg/L", MORNING), urine_creatinine(150, MORNING)], None),
        ([lab("2890-2", 60, "mg/g", MORNING)], None),
    ],
)
async def test_which_specimen_gives_the_ratio(ask: Asker, records: list[Record], expected: Decimal | None) -> None:
    result = await answer(ask, "uacr", *records)
    assert number(result) == expected
    assert result.status is (Status.INSUFFICIENT if expected is None else Status.COMPLETE)


async def test_a_newer_specimen_that_gives_no_ratio_hides_no_recorded_one(ask: Asker) -> None:
    unreadable = lab(ALBUMIN, None, None, MORNING, valueString="see comment")
    records = [uacr(450, "2026-05-01T08:00:00Z"), unreadable, urine_creatinine(50, MORNING)]
    result = await answer(ask, "uacr", *records)
    assert number(result) == Decimal("450.0")
    assert {"stepped-back", "unconvertible"} <= {issue.code for issue in result.issues}
    assert result.effective == datetime(2026, 5, 1, 8, tzinfo=UTC)
    category = await answer(ask, "albuminuria-category", *records)
    assert category.text.startswith("Albuminuria category is A3")
    assert "stepped-back" in {issue.code for issue in category.issues}


async def test_one_record_is_one_specimen(ask: Asker) -> None:
    parts = [
        {"code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "valueQuantity": quantity}
        for code, quantity in (
            (ALBUMIN, {"value": 60, "unit": "mg/L", "system": "http://unitsofmeasure.org", "code": "mg/L"}),
            (CREATININE, {"value": 150, "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL"}),
        )
    ]
    panel = lab("34535-5", None, None, DAY, component=parts)
    assert number(await answer(ask, "uacr", panel)) == Decimal("40.0")


async def test_disagreement_is_told_only_of_one_specimen(ask: Asker) -> None:
    parts = [albumin(60, MORNING, **S1), urine_creatinine(150, MORNING, **S1)]
    same = await answer(ask, "uacr", uacr(20, MORNING, **S1), *parts)
    other = await answer(ask, "uacr", uacr(20, MINUTE_LATER, **S2), *parts)
    assert "uacr-disagrees" in {issue.code for issue in same.issues}
    assert "uacr-disagrees" not in {issue.code for issue in other.issues}
    assert number(same) == number(other) == Decimal("20.0")


async def test_a_bound_is_handed_on(ask: Asker) -> None:
    below: dict[str, Any] = {"valueQuantity": {"value": 3, "comparator": "<", "unit": "mg/L", "code": "mg/L"}}
    records = [lab(ALBUMIN, None, None, MORNING, **below), urine_creatinine(100, MORNING)]
    result = await answer(ask, "uacr", *records)
    assert result.value == Bound("<", Decimal(3), "mg/g")
    assert (await answer(ask, "albuminuria-category", *records)).text.startswith("Albuminuria category is A1")


async def test_what_is_missing_is_said_once(ask: Asker) -> None:
    result = await answer(ask, "uacr")
    assert isinstance(result.value, Absent)
    assert "no urine albumin-creatinine ratio in the last 365 days" in result.text


@pytest.mark.parametrize(
    ("earlier", "code"),
    [
        ([], "confirm-albuminuria"),
        ([uacr(50, "2026-03-22T08:00:00Z")], "albuminuria-confirmed"),
        ([uacr(50, "2026-03-23T08:00:00Z")], "albuminuria-not-confirmed"),
        ([uacr(29, "2026-01-02T08:00:00Z")], "confirm-albuminuria"),
        ([albumin(60, "2026-01-02T08:00:00Z"), urine_creatinine(150, "2026-01-02T08:00:00Z")], "albuminuria-confirmed"),
        ([uacr(50, "2024-06-20T08:00:00Z")], "albuminuria-confirmed"),
        ([uacr(50, "2024-06-18T08:00:00Z")], "confirm-albuminuria"),
    ],
)
async def test_confirmation_by_an_earlier_ratio(ask: Asker, earlier: list[Record], code: str) -> None:
    result = await answer(ask, "albuminuria-category", *earlier, uacr(120, MORNING))
    states = {"confirm-albuminuria", "albuminuria-not-confirmed", "albuminuria-confirmed"}
    assert {issue.code for issue in result.issues} & states == {code}


async def test_the_risk_of_kidney_failure_takes_the_computed_ratio(ask: Asker) -> None:
    parts = [albumin(450, MORNING), urine_creatinine(150, MORNING)]
    trace = await ask(
        [patient(), creatinine(2.4, MORNING), *parts], "kidney-failure-risk-5y", assume={"north-america": True}
    )
    recorded = await ask(
        [patient(), creatinine(2.4, MORNING), uacr(300, MORNING)],
        "kidney-failure-risk-5y",
        assume={"north-america": True},
    )
    (one,), (other,) = explain(trace), explain(recorded)
    assert one.value == other.value

"""Whose records are in a Bundle of two servers: references are resolved by full URL, and nobody is mixed or lost."""

from decimal import Decimal
from typing import Any

import pytest

from collectors.errors import SuppliedRecordsError
from collectors.facts import SlotSelection
from collectors.reading.supplied import encode_resource
from collectors.supplied_records import OFFLINE, from_prefetch, from_records
from ontology.values import Quantity
from tests.support.collector_inputs import (
    AT,
    CREATININE,
    FIBRILLATION,
    PATIENT,
    SEX,
    condition,
    observation,
    searches,
    slot,
)
from tests.support.multi_source_servers import Servers

Json = dict[str, Any]
A, B = "https://a.example/fhir", "https://b.example/fhir"
URN = "urn:uuid:0b2c8a8e-6d3c-4f6b-9f54-0c5b8a3f0001"


def entry(base: str | None, record: Json) -> Json:
    """An entry with the full URL that it has on a server (None: without one)."""
    return {"resource": record} | ({"fullUrl": f"{base}/{record['resourceType']}/{record['id']}"} if base else {})


def creatinine(value: str, id_: str = "o1", subject: str = "Patient/p", **more: Any) -> Json:
    return observation(value, id=id_, subject={"reference": subject}, **more)


def handed(*entries: Json, kind: str = "collection") -> bytes:
    return encode_resource({"resourceType": "Bundle", "type": kind, "entry": list(entries)})


async def selected(*entries: Json) -> tuple[SlotSelection, list[str]]:
    """The creatinine that is used, and the issues of the question."""
    supplied = from_records(handed(*entries), ("Observation", "Condition"), "p")
    facts = await Servers().facts(source=OFFLINE, supplied=supplied)
    return facts.select(slot(), AT, AT), [f"{issue.code}: {issue.text}" for issue in facts.issues]


LEFT_OUT = "wrong-subject: 1 Observation record left out: of a person who is not in the Bundle"
MINE = entry(A, dict(PATIENT))
# What lies beside the patient's own record, the value that is used (None: none), and what is reported.
CASES: dict[str, tuple[tuple[Json, ...], str | None, list[str]]] = {
    "of the patient's server": ((MINE, entry(A, creatinine("1.1"))), "1.1", []),
    "of another server's patient of this id": ((MINE, entry(B, creatinine("3.0"))), None, [LEFT_OUT]),
    "both": ((MINE, entry(A, creatinine("1.1")), entry(B, creatinine("3.0", "o2"))), "1.1", [LEFT_OUT]),
    "both, of one id": ((MINE, entry(A, creatinine("1.1")), entry(B, creatinine("3.0"))), "1.1", [LEFT_OUT]),
    "both, the other one first": ((MINE, entry(B, creatinine("3.0")), entry(A, creatinine("1.1"))), "1.1", [LEFT_OUT]),
    "of another server, by full address": ((MINE, entry(B, creatinine("3.0", subject=f"{A}/Patient/p"))), "3.0", []),
    "by full address, of a version": (
        (MINE, entry(B, creatinine("3.0", subject=f"{A}/Patient/p/_history/2"))), "3.0", []),
    "http and https are one": ((MINE, entry(A.replace("https", "http"), creatinine("1.1"))), "1.1", []),
    "a path more is another server": ((MINE, entry(f"{A}/x", creatinine("1.1"))), None, [LEFT_OUT]),
    "without a full URL": ((MINE, entry(None, creatinine("1.1"))), "1.1", []),
    "a full URL with another id": (
        (MINE, {"fullUrl": f"{A}/Observation/other", "resource": creatinine("1.1")}), "1.1", []),
    "a full URL of another server with another id": (
        (MINE, {"fullUrl": f"{B}/Observation/other", "resource": creatinine("1.1")}), None, [LEFT_OUT]),
    "a full URL that is no record's": (
        (MINE, {"fullUrl": f"{B}/Observation/o1/x", "resource": creatinine("1.1")}), "1.1", []),
    "the patient by a URN, the record by it": (
        ({"fullUrl": URN, "resource": dict(PATIENT)}, entry(B, creatinine("1.1", subject=URN))), "1.1", []),
    "the patient by a URN, the record by a server's": (
        ({"fullUrl": URN, "resource": dict(PATIENT)}, entry(B, creatinine("1.1"))), None, [LEFT_OUT]),
    "the patient without, records of one server": (
        (entry(None, dict(PATIENT)), entry(B, creatinine("1.1"))), "1.1", []),
    "the patient without, records of two": (
        (entry(None, dict(PATIENT)), entry(A, creatinine("1.1")), entry(B, creatinine("3.0", "o2"))), None,
        [LEFT_OUT.replace("1 Observation record ", "2 Observation records ")]),
    "another patient of the same server": (
        (MINE, entry(A, dict(PATIENT, id="q")), entry(A, creatinine("1.1")),
         entry(A, creatinine("3.0", "o2", "Patient/q"))), "1.1",
        ["wrong-subject: 1 Observation record left out: not naming this patient"]),
    "in a Bundle inside": (
        (MINE, {"resource": {"resourceType": "Bundle", "type": "searchset", "entry": [entry(B, creatinine("3.0"))]}}),
        None, [LEFT_OUT]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
async def test_whose_record_it_is(name: str) -> None:
    entries, expected, issues = CASES[name]
    found, reported = await selected(*entries)
    assert (found.value.value if isinstance(found.value, Quantity) else None) == (
        Decimal(expected) if expected else None
    )
    assert reported == issues


async def test_what_is_left_out_rules_nothing_out() -> None:
    entries = (MINE, entry(B, condition("38341003")))
    supplied = from_records(handed(*entries), ("Observation", "Condition"), "p")
    found = (await Servers().facts(source=OFFLINE, supplied=supplied)).select(
        slot(FIBRILLATION, closed_world=True), AT, AT
    )
    assert found.value is not False and [issue.code for issue in found.issues] == ["codes-unreadable"]


OTHER = dict(PATIENT, birthDate="1990-01-01")
REFUSED: dict[str, tuple[tuple[Json, ...], str]] = {
    "two persons of two servers": ((MINE, entry(B, OTHER)), r"2 Patient records .*\(a.example/fhir, b.example/fhir\)"),
    "two persons that look alike": ((MINE, entry(B, dict(PATIENT))), "2 Patient records"),
    "two persons by URNs": (
        tuple({"fullUrl": f"urn:uuid:{n}", "resource": each} for n, each in enumerate((PATIENT, OTHER))), "2 Patient"),
    "one person, one without a full URL": ((MINE, entry(None, OTHER)), "conflicting versions"),
    "two records of one id, both the patient's": (
        (MINE, entry(A, creatinine("1.1")), entry(B, creatinine("3.0", subject=f"{A}/Patient/p"))),
        "two Observation records with one id and different full URLs"),
    "one URN for two records": (
        tuple({"fullUrl": URN, "resource": each} for each in (PATIENT, creatinine("1.1"))), "conflicting"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_by_name(name: str) -> None:
    entries, text = REFUSED[name]
    with pytest.raises(SuppliedRecordsError, match=text):
        from_records(handed(*entries), (), "p")


async def test_a_prefetch_of_two_servers() -> None:
    wanted = searches(CREATININE, SEX)
    page = {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [entry(A, creatinine("1.1")), entry(B, creatinine("3.0"))],
    }
    mixed = from_prefetch({"patient": PATIENT, "observation": page}, wanted, "p")
    by_type = {each.description.resource_type: each for each in wanted}
    assert mixed.records_for(by_type["Observation"]) is None and mixed.records_for(by_type["Patient"])
    assert "records of another patient" in mixed.missing_reason(by_type["Observation"])
    two = {"resourceType": "Bundle", "type": "collection", "entry": [MINE, entry(B, OTHER)]}
    refused = from_prefetch({"patient": two, "observation": page}, wanted, "p")
    assert "2 Patient records" in refused.missing_reason(wanted[0])

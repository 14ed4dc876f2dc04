"""Medications: named by reference, contained or not, and what several types of record say together."""

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from collectors.capability.capability_cache import CapabilityCache
from collectors.collector import ReferencedRecords, begin_reading
from collectors.facts import Failure
from collectors.gatherer import Gatherer
from collectors.reading.readout import PatientContext, parse_record
from collectors.reading.records import Record
from collectors.reading.supplied import encode_resource
from collectors.search import Search
from collectors.source_facts import SourceFacts
from ontology.concepts import Origin
from ontology.slots import Select, Slot
from ontology.values import Absent, AbsentReason, Value
from tests.support.collector_inputs import AT, PATIENT, SOURCE, issue_codes
from tests.support.event_records import ON_RECORD, RXNORM, ask, catalog, coding, event
from tests.support.searching_server import SearchingServer, capability_statement, server_with_records

UNREADABLE = (ON_RECORD, ["codes-unreadable"])
YES: tuple[Value, list[str]] = (True, [])
NO: tuple[Value, list[str]] = (False, ["closed-world"])


def medication(number: str = "11289", /, **changes: Any) -> dict[str, Any]:
    return {"resourceType": "Medication", "id": "m1", "code": coding(number, RXNORM)} | changes


def request(reference: Any = "Medication/m1", **changes: Any) -> dict[str, Any]:
    referred = {"reference": reference} if isinstance(reference, str) else reference
    return event("MedicationRequest", medicationCodeableConcept=None, medicationReference=referred, **changes)


CASES: dict[str, tuple[list[dict[str, Any]], tuple[Value, list[str]]]] = {
    "relative": ([request(), medication()], YES),
    "with a version": ([request("Medication/m1/_history/3"), medication()], YES),
    "absolute": ([request(f"{SOURCE.base_url}/Medication/m1"), medication()], YES),
    "urn": ([request("urn:uuid:m1"), medication()], YES),
    "contained": ([request("#m1", contained=[medication()])], YES),
    "another medication": ([request(), medication("860975")], NO),
    "not had": ([request()], UNREADABLE),
    "of another source": ([request("http://other.test/fhir/Medication/m1"), medication()], UNREADABLE),
    "of another type": ([request("Substance/m1"), medication()], UNREADABLE),
    "contained, and not there": ([request("#m2", contained=[medication()]), medication()], UNREADABLE),
    "contained, of another type": (
        [request("#m1", contained=[medication(resourceType="Substance")])], UNREADABLE,
    ),
    "a reference without an id": ([request("Medication/"), medication()], UNREADABLE),
    "by an identifier only": ([request({"identifier": {"value": "1"}}), medication()], UNREADABLE),
    "without a code": ([request(), medication(code=None)], UNREADABLE),
    "with a code that is none": ([request(), medication(code="warfarin")], UNREADABLE),
    "entered in error": ([request(), medication(status="entered-in-error")], UNREADABLE),
    "inactive is still what was prescribed": ([request(), medication(status="inactive")], YES),
    "meant otherwise": ([request(), medication(modifierExtension=[{"url": "urn:x"}])], UNREADABLE),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_named(name: str) -> None:
    records, (value, told) = CASES[name]
    found = ask(*records, concept="oral-anticoagulant")
    assert (found.value, issue_codes(found)) == (value, told)


@pytest.mark.parametrize(
    ("kind", "code", "system", "known"),
    [
        ("MedicationRequest", "B01AF02", "http://www.whocc.no/atc", True),
        ("MedicationStatement", "b01af02", "http://www.whocc.no/atc", True),
        ("MedicationRequest", "B01AC06", "http://www.whocc.no/atc", False),
        ("MedicationRequest", "B01AE06", "http://www.whocc.no/atc", False),
        ("MedicationStatement", "855332", RXNORM, True),
    ],
)
def test_codes(kind: str, code: str, system: str, known: bool) -> None:
    record = event(kind, medicationCodeableConcept=coding(code, system))
    assert ask(record, concept="oral-anticoagulant").value is known


@pytest.mark.parametrize(
    ("code", "counts"),
    # Vaptans (C03XA) are diuretics of another kind: given for a low sodium, not for the pressure.
    [("C03AA03", True), ("C03CA01", True), ("C03DA01", True), ("C03XA01", False), ("C02KX01", False)],
)
def test_what_lowers_the_pressure(code: str, counts: bool) -> None:
    record = event("MedicationStatement", medicationCodeableConcept=coding(code, "http://www.whocc.no/atc"))
    assert ask(record, concept="antihypertensive").value is counts


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"status": "on-hold"}, "MedicationRequest/e1 of 2024-01-10 (status order, on-hold)"),
        ({"status": "stopped"}, "MedicationRequest/e1 of 2024-01-10 (status order, stopped)"),
        (
            {
                "dosageInstruction": [
                    {"timing": {"repeat": {"boundsPeriod": {"start": "2024-01-10", "end": "2024-02"}}}}
                ]
            },
            "MedicationRequest/e1 of 2024-01-10 (status order, active, until 2024-02)",
        ),
    ],
)
def test_what_is_over_says_in_which_state_it_is_and_until_when_it_was(changes: dict[str, Any], told: str) -> None:
    issues = ask(event("MedicationRequest", **changes), concept="oral-anticoagulant").issues
    assert [each.text for each in issues if each.code == "over"] == [f"Recorded as ended or inactive: {told}."]


def begun(*records: dict[str, Any]) -> Any:
    description = catalog().collectors["medication-request"]
    search = Search(description, (catalog().concepts["oral-anticoagulant"],), (), None)
    return begin_reading([made(record) for record in records], search, PatientContext.for_patient(SOURCE, "p"))


def made(record: dict[str, Any]) -> Record:
    found = parse_record(encode_resource(record), SOURCE)
    assert found is not None
    return found


def test_what_is_needed_besides_is_asked_for_by_id_and_only_then() -> None:
    assert begun(event("MedicationRequest")).needed_references == {}
    assert begun(request("#m1")).needed_references == {}
    assert begun(request("http://other.test/Medication/m1")).needed_references == {}
    assert begun(request(), request("Medication/m2", id="e2")).needed_references == {
        "Medication": frozenset({"m1", "m2"})
    }
    undated = event("MedicationRequest", authoredOn=None, encounter={"reference": "Encounter/e"})
    assert begun(undated).needed_references == {"Encounter": None}
    assert begun(event("MedicationRequest", authoredOn=None)).needed_references == {}


def test_a_medication_that_could_not_be_had_is_of_unknown_code() -> None:
    failed = ReferencedRecords(failures={"Medication": Failure(AbsentReason.NOT_PERMITTED, "no")})
    readout = begun(request()).finish(failed)
    assert readout.facts == {}
    assert [entry.whole.codes for entry in readout.coded_entries] == [frozenset()]


def test_that_it_was_prescribed_or_stated_is_told() -> None:
    found = ask(
        event("MedicationRequest", reportedBoolean=True),
        event("MedicationStatement", id="e2"),
        concept="oral-anticoagulant",
    )
    assert found.value is True
    assert {resource.source.type: resource.notes for resource in found.resources if resource.source} == {
        "MedicationRequest": (
            "Prescribed: whether it was taken is not on this record.",
            "Reported by others than the prescriber.",
        ),
        "MedicationStatement": ("Stated to be taken: as its source told it.",),
    }


def test_prescribed_and_said_not_to_be_taken() -> None:
    """A prescription is a yes; that it is not taken is told beside it."""
    found = ask(
        event("MedicationRequest"),
        event("MedicationStatement", id="e2", status="not-taken"),
        concept="oral-anticoagulant",
    )
    assert (found.value, issue_codes(found)) == (True, ["negated"])
    assert "MedicationStatement/e2" in found.issues[0].text
    assert "not-taken" in found.issues[0].text


def test_administrations_are_read_on_request_only() -> None:
    record = event("MedicationAdministration")
    assert ask(record, concept="oral-anticoagulant").value is True
    assert ask(record, concept="oral-anticoagulant", source=SOURCE).value is False


def test_the_zone_of_the_source_is_taken_for_times_without_one() -> None:

    source = replace(SOURCE, zone=ZoneInfo("Pacific/Auckland"))
    record = event("MedicationRequest", authoredOn="2024-06-01")
    assert ask(record, concept="oral-anticoagulant", source=source).value is True
    assert ask(record, concept="oral-anticoagulant").value is not True
    assert PATIENT["id"] == "p"
    assert AT.date().isoformat() == "2024-06-01"


async def gathered(server: SearchingServer) -> SourceFacts:
    """What is gathered for oral anticoagulants over HTTP."""
    concept = catalog().concepts["oral-anticoagulant"]
    collectors = [each for each in catalog().collectors.values() if each.origin in (concept.origin, Origin.PATIENT)]
    searches = tuple(Search(each, (concept,) if each.origin is concept.origin else (), (), None) for each in collectors)
    async with server.client() as http:
        gatherer = Gatherer(http, CapabilityCache(first_wait=1))
        facts = await gatherer.gather(SOURCE, "p", searches, AT, 5)
        await gatherer.aclose()
    return facts


ANTICOAGULANT = Slot("input", catalog().concepts["oral-anticoagulant"], Select.ANY, True, closed_world=True)
OFFERED: dict[str, tuple[str, ...]] = {"Patient": ("_id",), "MedicationRequest": ("patient",), "Medication": ("_id",)}


async def test_over_http_medications_are_fetched_by_id() -> None:
    server = server_with_records(request(), medication(), metadata=capability_statement(OFFERED))
    facts = await gathered(server)
    assert facts.select(ANTICOAGULANT, AT, AT).value is True
    assert [dict(asked)["_id"] for asked in server.of("Medication")] == ["m1"]
    assert server.of("MedicationAdministration") == []


async def test_a_type_that_the_source_does_not_have_hides_nothing() -> None:
    """No MedicationStatement there: what is prescribed decides."""
    server = server_with_records(event("MedicationRequest", status="draft"), metadata=capability_statement(OFFERED))
    facts = await gathered(server)
    assert server.of("MedicationStatement") == []
    found = facts.select(ANTICOAGULANT, AT, AT)
    assert (found.value, issue_codes(found)) == (False, ["closed-world", "doubted"])
    assert [issue.code for issue in facts.issues] == ["not-offered"]


async def test_nothing_is_known_where_the_source_has_none_of_the_types() -> None:
    server = server_with_records(metadata=capability_statement({"Patient": ("_id",)}))
    found = (await gathered(server)).select(ANTICOAGULANT, AT, AT)
    assert found.value == Absent(AbsentReason.NOT_QUERIED)


def test_no_module_takes_a_medication_that_is_not_recorded_for_one_that_is_not_taken() -> None:
    """Of products only some codes are listed: one that is not must never read as "no"."""
    slots = [slot for module in catalog().modules.values() for slot in module.slots]
    asked = [slot for slot in slots if slot.concept.origin is Origin.MEDICATION]
    assert asked
    assert [slot.name for slot in asked if slot.closed_world] == []

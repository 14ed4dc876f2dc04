"""Results that come in reports: named or contained, once, and never worth more than their report."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from collectors.assembly import facts_from_resources
from collectors.gatherer import Gatherer
from collectors.reading.supplied import encode_resource
from collectors.search import CollectorDescription, Search
from collectors.settings import Source
from collectors.source_facts import SourceFacts
from ontology.concepts import Origin
from ontology.values import Absent, AbsentReason, Quantity, Value
from tests.support.collector_inputs import (
    AT,
    CREATININE,
    LOINC,
    PATIENT,
    SOURCE,
    codeable_concept,
    observation,
    searches,
    slot,
    with_changes,
)
from tests.support.engine_questions import shipped
from tests.support.misbehaving_server import MisbehavingServer, bundle, client_of

REPORTS = CollectorDescription(
    "#d", "diagnostic-report", Origin.OBSERVATION, "DiagnosticReport", "patient", None, None, "", "diagnostic_report",
    on_request=True,
)  # fmt: skip
SEARCHED = Search(REPORTS, (CREATININE,), (), None)
ASKED = replace(SOURCE, collectors=("diagnostic-report",))


def mg(value: str) -> Quantity:
    return Quantity(Decimal(value), "mg/dL")


def report(*results: str, **changes: Any) -> dict[str, Any]:
    record = {
        "resourceType": "DiagnosticReport",
        "id": "r1",
        "status": "final",
        "code": codeable_concept("24323-8", LOINC),
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": "2024-05-01T08:00:00Z",
        "result": [{"reference": each} for each in results],
    }
    return with_changes(record, changes)


def known(*records: Mapping[str, Any], alone: bool = False) -> SourceFacts:
    """What is read where only reports are searched for, or reports and Observations."""
    both = (*searches(CREATININE), SEARCHED)
    return facts_from_resources(ASKED, "p", (SEARCHED,) if alone else both, [PATIENT, *records])


def value(facts: SourceFacts) -> Value:
    return facts.select(slot(), AT, AT).value


def inside(**changes: Any) -> dict[str, Any]:
    """A contained creatinine without patient and time of its own."""
    return observation(id="c1", subject=None, effectiveDateTime=None, **changes)


MONTHS = {"start": "2024", "end": "2024-03"}
NOT_FOUND = Absent(AbsentReason.NOT_FOUND)
UNREADABLE = Absent(AbsentReason.UNCONVERTIBLE)
ALONE: dict[str, tuple[list[dict[str, Any]], Value]] = {
    "named": ([report("Observation/o1"), observation()], mg("1.1")),
    "named absolutely": ([report("http://ehr.test/fhir/Observation/o1"), observation()], mg("1.1")),
    "elsewhere": ([report("http://other.test/fhir/Observation/o1"), observation()], NOT_FOUND),
    "not named": ([report("Observation/o2"), observation()], NOT_FOUND),
    "not counting itself": ([report("Observation/o1"), observation(status="cancelled")], NOT_FOUND),
    "contained": ([report("#c1", contained=[inside()])], mg("1.1")),
    "contained, not a result": ([report(contained=[inside()])], NOT_FOUND),
    "contained, of another patient": (
        [report("#c1", contained=[inside() | {"subject": {"reference": "Patient/q"}}])],
        NOT_FOUND,
    ),
    "contained, in error": ([report("#c1", contained=[inside(status="entered-in-error")])], NOT_FOUND),
    "contained, unsound": ([report("#c1", contained=[inside(nonsense=1)])], UNREADABLE),
    "contained, without any time": ([report("#c1", contained=[inside()], effectiveDateTime=None)], NOT_FOUND),
    "contained, in the report's period": (
        [report("#c1", contained=[inside()], effectiveDateTime=None, effectivePeriod=MONTHS)],
        mg("1.1"),
    ),
    "no results": ([report(result=None)], NOT_FOUND),
    "of another patient": ([report("#c1", contained=[inside()], subject={"reference": "Patient/q"})], NOT_FOUND),
    "of unknown meaning": ([report("#c1", contained=[inside()], implicitRules="urn:x")], NOT_FOUND),
    "registered": ([report("#c1", contained=[inside()], status="registered")], NOT_FOUND),
    "broken": ([report("#c1", contained=[inside()], result="c1")], NOT_FOUND),
    "contained is no list": ([report("#c1", contained={"id": "c1"})], NOT_FOUND),
}  # fmt: skip


@pytest.mark.parametrize("name", ALONE)
def test_results_of_reports(name: str) -> None:
    records, expected = ALONE[name]
    assert value(known(*records, alone=True)) == expected


def test_a_contained_result_leads_to_its_report() -> None:
    (resource,) = known(report("#c1", contained=[inside()]), alone=True).gathered_facts.resources["serum-creatinine"]
    assert resource.iri == "http://ehr.test/fhir/DiagnosticReport/r1#c1"
    assert resource.source is not None
    assert resource.source.type == "DiagnosticReport"


def test_a_result_that_comes_by_both_ways_is_one_fact() -> None:
    facts = known(report("Observation/o1"), observation())
    assert len(facts.facts["serum-creatinine"]) == 1
    found = facts.select(slot(), AT, AT)
    assert found.value == mg("1.1")
    assert not found.issues


@pytest.mark.parametrize("status", ["preliminary", "partial"])
def test_the_result_of_an_early_report_is_preliminary(status: str) -> None:
    named = [report("Observation/o1", status=status), observation()]
    for records in (named, [report("#c1", contained=[inside()], status=status)]):
        found = known(*records).select(slot(), AT, AT)
        assert found.value == mg("1.1")
        assert [issue.code for issue in found.issues] == ["preliminary"]


@pytest.mark.parametrize(("status", "words"), [("entered-in-error", "entered in error"), ("cancelled", "cancelled")])
def test_a_result_does_not_count_where_its_report_does_not(status: str, words: str) -> None:
    facts = known(report("Observation/o1", status=status), observation())
    assert value(facts) == NOT_FOUND
    (issue,) = facts.issues
    assert issue.code == "withdrawn"
    assert words in issue.text
    assert value(known(report("#c1", contained=[inside()], status=status))) == NOT_FOUND


def test_a_result_counts_where_another_report_that_counts_names_it() -> None:
    wrong = report("Observation/o1", status="entered-in-error", id="r2")
    for records in ([wrong, report("Observation/o1")], [report("Observation/o1"), wrong]):
        facts = known(*records, observation())
        assert value(facts) == mg("1.1")
        assert not facts.issues
    early = report("Observation/o1", status="partial", id="r3")
    found = known(early, report("Observation/o1"), observation()).select(slot(), AT, AT)
    assert not found.issues


async def gathered(source: Source, **answers: Any) -> tuple[SourceFacts, MisbehavingServer]:
    server = MisbehavingServer(**answers)
    async with client_of(server) as http:
        return await Gatherer(http).gather(source, "p", (*searches(CREATININE), SEARCHED), AT, 5), server


async def test_reports_are_asked_for_only_where_the_settings_say_so() -> None:
    answers = {
        "Observation": lambda _: bundle(),
        "DiagnosticReport": lambda _: bundle(report("#c1", contained=[inside()])),
    }
    facts, _ = await gathered(SOURCE, **answers)
    assert value(facts) == NOT_FOUND
    facts, _ = await gathered(ASKED, **answers)
    assert value(facts) == mg("1.1")


async def test_named_results_are_fetched_by_id() -> None:
    def observations(request: Any) -> Any:
        return bundle(observation()) if "_id" in request.query_params else bundle()

    facts, _ = await gathered(
        ASKED, Observation=observations, DiagnosticReport=lambda _: bundle(report("Observation/o1"))
    )
    assert value(facts) == mg("1.1")


def test_the_collector_is_described_as_tested() -> None:
    described = shipped().collectors["diagnostic-report"]
    assert replace(described, iri="#d", digest="") == REPORTS


def test_reports_that_were_handed_in_are_read_only_where_the_settings_say_so() -> None:
    both = (*searches(CREATININE), SEARCHED)
    assert value(facts_from_resources(SOURCE, "p", both, [PATIENT, report("#c1", contained=[inside()])])) == NOT_FOUND


def test_decimals_of_contained_results_stay_as_written() -> None:
    raw = encode_resource(report("#c1", contained=[inside(valueQuantity={"value": Decimal("1.10"), "code": "mg/dL"})]))
    found = facts_from_resources(ASKED, "p", (SEARCHED,), [PATIENT, raw]).select(slot(), AT, AT).value
    assert str(found) == str(mg("1.10"))

"""Whatever a source does, the answer is typed, names the fault, loses nothing elsewhere, and ends in time."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from collectors.errors import PatientNotFoundError
from collectors.facts import SlotSelection
from collectors.fetching import transport
from collectors.gatherer import Gatherer
from collectors.settings import Source
from collectors.source_facts import SourceFacts
from ontology.slots import Select
from ontology.values import Absent, AbsentReason
from tests.support.collector_inputs import (
    AT,
    BASE,
    CREATININE,
    FIBRILLATION,
    PATIENT,
    SEX,
    condition,
    issue_codes,
    observation,
    searches,
    slot,
)
from tests.support.misbehaving_server import MisbehavingServer, bundle, client_of
from tests.support.source_faults import FAULTS, SearchOutcome

ALL = searches(CREATININE, FIBRILLATION, SEX)
SMALL = Source(id="ehr", base_url=BASE, max_pages=3, max_bytes=20_000, max_records=6, timeout=0.5)
NUMBER, PRESENCE, OF_PATIENT = slot(), slot(FIBRILLATION, Select.ANY, closed_world=True), slot(SEX)
GOOD: Mapping[str, Mapping[str, Any]] = {"Observation": observation(), "Condition": condition(), "Patient": PATIENT}
SLOTS = {"Observation": NUMBER, "Condition": PRESENCE, "Patient": OF_PATIENT}
UNREACHABLE, NOT_PERMITTED = Absent(AbsentReason.UNREACHABLE), Absent(AbsentReason.NOT_PERMITTED)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_FIRST_BACKOFF", 0.001)


async def under(name: str, kind: str, *records: Mapping[str, Any]) -> SourceFacts:
    """What is gathered where one type is at fault.  A hang fails, as does what goes on after."""
    well = {each: lambda _, record=record: bundle(record) for each, record in GOOD.items()}
    server = MisbehavingServer(**{**well, kind: FAULTS[name].make(records)})
    async with asyncio.timeout(10), client_of(server) as http:
        try:
            return await Gatherer(http).gather(SMALL, "p", ALL, AT, 5)
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            assert asyncio.all_tasks() == {asyncio.current_task()}


def filling(facts: SourceFacts, kind: str) -> SlotSelection:
    return facts.select(SLOTS[kind], AT, AT)


def check_others(facts: SourceFacts, kind: str) -> None:
    for other in SLOTS.keys() - {kind}:
        assert not isinstance(filling(facts, other).value, Absent), other


@pytest.mark.parametrize("kind", ["Observation", "Condition", "Patient"])
@pytest.mark.parametrize("name", FAULTS)
async def test_fault_of_one_search_costs_only_its_concepts(name: str, kind: str) -> None:
    fault = FAULTS[name]
    if fault.ends is SearchOutcome.NOT_THERE and kind == "Patient":
        with pytest.raises(PatientNotFoundError):
            await under(name, kind, GOOD[kind])
        return
    facts = await under(name, kind, GOOD[kind])
    check_others(facts, kind)
    selected = filling(facts, kind)
    told = [issue.code for issue in facts.issues if issue.code != "search-remark"]
    match fault.ends:
        case SearchOutcome.LOST | SearchOutcome.NOT_THERE:
            assert selected.value == UNREACHABLE
            assert fault.named in selected.issues[0].text
            assert (issue_codes(selected), told) == (["unreachable"], ["source-unreachable"])
        case SearchOutcome.REFUSED:
            assert selected.value == NOT_PERMITTED
            assert fault.named in selected.issues[0].text
            assert (issue_codes(selected), told) == (["not-permitted"], ["source-refused"])
        case SearchOutcome.IN_PART:
            assert not isinstance(selected.value, Absent)
            assert told == ["source-incomplete"]
            assert any(fault.named in issue.text for issue in facts.issues)
            # A yes stands whatever else there is; a single value might be another one.
            assert ("part-missing" in issue_codes(selected)) == (kind == "Observation")
        case SearchOutcome.READ:
            assert not isinstance(selected.value, Absent)
            assert told == []


@pytest.mark.parametrize("name", FAULTS)
async def test_what_did_not_come_is_no_only_where_all_is_well(name: str) -> None:
    facts = await under(name, "Condition")
    selected = filling(facts, "Condition")
    if FAULTS[name].ends is SearchOutcome.READ:
        assert (selected.value, issue_codes(selected)) == (False, ["closed-world"])
    else:
        assert selected.value == (NOT_PERMITTED if FAULTS[name].ends is SearchOutcome.REFUSED else UNREACHABLE)
        assert FAULTS[name].named in " ".join(issue.text for issue in selected.issues)


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.ends is SearchOutcome.IN_PART])
async def test_a_patient_who_may_be_among_what_is_missing_is_not_denied(name: str) -> None:
    facts = await under(name, "Patient")
    check_others(facts, "Patient")
    assert filling(facts, "Patient").value == UNREACHABLE


def test_there_are_at_least_thirty() -> None:
    assert len(FAULTS) >= 30

"""A capability is read once, by one request, costs no question its answer, and decides what is asked at all."""

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from collectors.capability.capability_cache import FAILURE_TTL, CapabilityCache
from collectors.errors import SourceUnreachableError
from collectors.fetching.query import TOO_MANY_CODES
from collectors.gatherer import Gatherer
from collectors.settings import Source
from collectors.source_facts import SourceFacts
from ontology.slots import Select
from ontology.values import Absent, AbsentReason, Coding
from tests.support.collector_inputs import (
    AT,
    BASE,
    CREATININE,
    FIBRILLATION,
    SEX,
    condition,
    issue_codes,
    observation,
    searches,
    slot,
)
from tests.support.searching_server import SearchingServer, capability_statement, server_with_records

SOURCE = Source(id="ehr", base_url=BASE)
NEEDS = searches(CREATININE, FIBRILLATION, SEX, window=timedelta(days=90))
PRESENCE = slot(FIBRILLATION, Select.ANY, closed_world=True)
STATEMENT = b'{"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [{"mode": "server", "resource": ['
GOOD = STATEMENT + b'{"type": "Patient"}]}]}'


class Metadata:
    """Gives a statement when it is let go on, and counts how often it was asked."""

    def __init__(self, body: bytes | Exception = GOOD) -> None:
        self.body = body
        self.requests = 0
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self, address: httpx.URL) -> tuple[bytes, int]:
        if not address.path.endswith("/metadata"):
            raise SourceUnreachableError("nothing there")
        self.requests += 1
        await self.open.wait()
        if isinstance(self.body, Exception):
            raise self.body
        return self.body, 1


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_one_request_for_all_who_ask_at_once_and_none_until_it_expires() -> None:
    clock, metadata = Clock(), Metadata()
    capabilities = CapabilityCache(clock=clock)
    known = await asyncio.gather(*(capabilities.get(SOURCE, metadata) for _ in range(5)))
    assert {each.capability is not None for each in known} == {True}
    clock.now = SOURCE.capability_ttl.total_seconds() - 1
    await capabilities.get(SOURCE, metadata)
    assert metadata.requests == 1
    capabilities.observed(SOURCE).sort.proven = True
    clock.now += 2
    assert (await capabilities.get(SOURCE, metadata)).capability is not None, "the former is used meanwhile"
    await asyncio.sleep(0)
    await capabilities.read(SOURCE, metadata)
    assert metadata.requests == 2
    assert capabilities.observed(SOURCE).sort.proven is None, "what was learned expires with it"


async def test_a_failure_is_remembered_briefly_and_loses_nothing_that_was_known() -> None:
    clock, metadata = Clock(), Metadata(SourceUnreachableError("down"))
    capabilities = CapabilityCache(clock=clock)
    for _ in range(3):
        assert (await capabilities.get(SOURCE, metadata)).remark is not None
    assert metadata.requests == 1
    metadata.body = GOOD
    clock.now = FAILURE_TTL + 1
    await capabilities.read(SOURCE, metadata)
    assert metadata.requests == 2
    metadata.body = SourceUnreachableError("down")
    clock.now += SOURCE.capability_ttl.total_seconds() + 1
    assert (await capabilities.read(SOURCE, metadata)).capability is not None
    assert metadata.requests == 3


async def test_a_question_waits_but_a_moment_and_what_comes_later_is_kept() -> None:
    metadata = Metadata()
    metadata.open.clear()
    capabilities = CapabilityCache(first_wait=0.01)
    assert (await capabilities.get(SOURCE, metadata)).capability is None
    metadata.open.set()
    assert (await capabilities.read(SOURCE, metadata)).capability is not None
    assert metadata.requests == 1


async def test_closing_ends_what_is_being_read() -> None:
    metadata = Metadata()
    metadata.open.clear()
    capabilities = CapabilityCache()
    capabilities.warm(SOURCE, metadata)
    await asyncio.sleep(0)
    await capabilities.aclose()
    assert capabilities.cached(SOURCE) is None


async def ask(
    server: SearchingServer, times: int = 1, source: Source = SOURCE, needs: Any = NEEDS
) -> tuple[SourceFacts, CapabilityCache]:
    """The facts of the last of several questions, and what is known then."""
    capabilities = CapabilityCache()
    async with server.client() as http:
        gatherer = Gatherer(http, capabilities)
        for _ in range(times):
            server.requests.clear()
            facts = await gatherer.gather(source, "p", needs, AT, 5)
        await gatherer.trials.wait()
        await gatherer.aclose()
    return facts, capabilities


@pytest.mark.parametrize(
    "metadata",
    [
        b"<html>",
        b"",
        {"resourceType": "OperationOutcome"},
        capability_statement(rest=[]),
        capability_statement({"Observation": ("code",)}),
    ],
    ids=["HTML", "nothing", "an outcome", "empty", "no Patient"],
)
async def test_a_bad_statement_costs_no_answer(metadata: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    facts, capabilities = await ask(server_with_records(observation(), condition(), metadata=metadata))
    assert facts.select(slot(), AT, AT).issues == ()
    assert facts.select(PRESENCE, AT, AT).value is True
    assert facts.issues == ()
    known = capabilities.cached(SOURCE)
    assert known is not None
    assert known.remark is not None
    assert known.remark in caplog.text


async def test_metadata_costs_no_further_request_of_a_second_question() -> None:
    server = server_with_records(observation(), condition())
    await ask(server, times=2)
    assert sorted(path for path, _ in server.requests) == ["Condition", "Observation", "Patient"]


async def test_another_version_of_fhir_is_not_asked() -> None:
    server = server_with_records(observation(), condition(), metadata=capability_statement(fhirVersion="5.0.0"))
    facts, _ = await ask(server)
    assert {path for path, _ in server.requests} == {"metadata", ".well-known/smart-configuration"}
    selected = facts.select(slot(), AT, AT)
    assert selected.value == Absent(AbsentReason.NOT_QUERIED)
    assert "R5" in selected.issues[0].text
    assert "R4 endpoint" in selected.issues[0].text
    assert [issue.code for issue in facts.issues] == ["source-version"]


async def test_what_a_version_that_came_too_late_gave_is_not_read() -> None:
    server = server_with_records(observation(), condition(), metadata=capability_statement(fhirVersion="5.0.0"))
    capabilities = CapabilityCache(first_wait=0)
    async with server.client() as http:
        gatherer = Gatherer(http, capabilities)
        facts = await gatherer.gather(SOURCE, "p", NEEDS, AT, 5)
        await gatherer.aclose()
    assert server.of("Observation")
    assert facts.select(slot(), AT, AT).value == Absent(AbsentReason.NOT_QUERIED)


async def test_a_type_that_is_not_offered_is_not_asked_for_and_never_no() -> None:
    declared = {"Patient": ("_id",), "Observation": ("patient", "code", "date")}
    server = server_with_records(observation(), condition(), metadata=capability_statement(declared))
    facts, _ = await ask(server)
    assert server.of("Condition") == []
    selected = facts.select(PRESENCE, AT, AT)
    assert selected.value == Absent(AbsentReason.NOT_QUERIED)
    assert "The source does not offer Condition." in selected.issues[0].text
    assert issue_codes(facts.select(slot(), AT, AT)) == []
    assert [issue.code for issue in facts.issues] == ["not-offered"]


async def test_an_encounter_that_is_not_offered_is_not_asked_for() -> None:
    undated = condition(onsetDateTime=None, recordedDate=None, encounter={"reference": "Encounter/e1"})
    server = server_with_records(undated)
    facts, _ = await ask(server)
    assert server.of("Encounter") == []
    assert isinstance(facts.select(PRESENCE, AT, AT).value, Absent)


@pytest.mark.parametrize(
    ("declared", "sent"),
    [
        (("patient", "code", "date"), {"patient", "code", "date", "_count"}),
        (("subject", "code", "date"), {"subject", "code", "date", "_count"}),
        (("patient", "subject", "category"), {"patient", "_count"}),
        (("code",), {"patient", "code", "_count"}),
        ((), {"patient", "code", "date", "_count"}),
    ],
)
async def test_the_parameters_that_are_declared_are_sent(declared: tuple[str, ...], sent: set[str]) -> None:
    types = {"Patient": ("_id",), "Observation": declared, "Condition": ("patient",)}
    server = server_with_records(
        observation(), observation(id="x", code={"coding": []}), metadata=capability_statement(types)
    )
    facts, _ = await ask(server)
    (asked,) = server.of("Observation")
    assert set(asked) == sent
    assert asked.get("subject", "Patient/p") == "Patient/p"
    assert len(facts.gathered_facts.resources["serum-creatinine"]) == 1


async def test_a_source_that_wants_a_code_whatever_it_declares_is_given_one() -> None:
    types = {"Patient": ("_id",), "Observation": ("patient",), "Condition": ("patient",)}
    many = tuple(Coding("urn:x", str(number)) for number in range(TOO_MANY_CODES)) + NEEDS[1].codes
    for needs, metadata in (
        (NEEDS, capability_statement(types)),
        ((NEEDS[0], replace(NEEDS[1], codes=many)), capability_statement()),
    ):
        server = server_with_records(observation(), metadata=metadata, needed=frozenset({"code"}))
        facts, _ = await ask(server, needs=needs)
        assert "code" not in server.of("Observation")[0]
        assert all("code" in asked for asked in server.of("Observation")[1:])
        assert facts.select(slot(), AT, AT).issues == ()


async def test_elements_are_asked_for_only_where_the_settings_say_so() -> None:
    needs = tuple(
        replace(each, description=replace(each.description, elements=("status", "value")))
        if each.description.id == "observation"
        else each
        for each in NEEDS
    )
    for elements in (False, True):
        server = server_with_records(observation(), ignored=frozenset({"_elements"}))
        await ask(server, source=replace(SOURCE, elements=elements), needs=needs)
        (asked,) = server.of("Observation")
        assert asked.get("_elements") == ("status,value" if elements else None)


@pytest.mark.parametrize(
    ("ignored", "named", "counted"),
    [
        ({"code"}, "(code)", "2 under other codes"),
        ({"date"}, "(date)", "1 from before the window"),
        ({"code", "date"}, "(code, date)", "2 under other codes and 1 from before the window"),
        ({"code", "self"}, "(code)", "2 under other codes"),
        ({"patient"}, "(patient)", "The records were filtered here"),
    ],
)
async def test_an_ignored_parameter_is_told_once_and_nothing_else_counts(
    ignored: set[str], named: str, counted: str
) -> None:
    other = {"coding": [{"system": "http://loinc.org", "code": "9269-2"}]}
    records = (
        observation(),
        observation(id="g1", code=other),
        observation(id="g2", code=other),
        observation(id="old", effectiveDateTime="2023-01-01T08:00:00Z"),
    )
    facts, capabilities = await ask(server_with_records(*records, ignored=frozenset(ignored)))
    (told,) = [issue for issue in facts.issues if issue.code == "parameters-ignored" and "Observation" in issue.text]
    assert named in told.text
    assert counted in told.text
    expected = {("Observation", name) for name in ignored - {"self"}}
    assert {each for each in capabilities.observed(SOURCE).ignored_parameters if each[0] == "Observation"} == expected
    assert len(facts.select(slot(window=timedelta(days=90)), AT, AT).resources) == 1


async def test_a_search_that_is_heeded_is_not_remarked_on() -> None:
    facts, capabilities = await ask(
        server_with_records(observation(), observation(id="x", effectiveDateTime="2024-03"))
    )
    assert facts.issues == ()
    assert capabilities.observed(SOURCE).ignored_parameters == set()

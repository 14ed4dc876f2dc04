"""How requests are sent, shared, paged, and kept from going wrong; what each fault leads to is in another file."""

import asyncio
import logging
from functools import partial
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from collectors.errors import PatientNotFoundError
from collectors.fetching import transport
from collectors.fetching.access import CallerAccess
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
    SEX,
    SOURCE,
    condition,
    issue_codes,
    observation,
    searches,
    slot,
)
from tests.support.misbehaving_server import Answer, MisbehavingServer, bundle, client_of, refusing

ALL = searches(CREATININE, FIBRILLATION, SEX)
SMALL = Source(id="ehr", base_url=BASE, max_pages=3, max_bytes=20_000, max_records=6, timeout=0.5)
PRESENCE = slot(FIBRILLATION, Select.ANY, closed_world=True)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_FIRST_BACKOFF", 0.001)


async def gather(
    server: MisbehavingServer, source: Source = SMALL, deadline: float = 5, patient: str = "p"
) -> SourceFacts:
    async with client_of(server) as http:
        return await Gatherer(http).gather(source, patient, ALL, AT, deadline)


def page(request: Request) -> int:
    return int(request.query_params.get("page", "1"))


async def slow(_: Request) -> Response:
    await asyncio.sleep(30)
    return bundle()


FHIR = "application/fhir+json"


@pytest.mark.parametrize(("status", "headers"), [(429, {"Retry-After": "0"}), (503, {}), (502, {}), (429, {})])
async def test_tries_again_when_the_source_is_overloaded(status: int, headers: dict[str, str]) -> None:
    server = MisbehavingServer(Observation=refusing(status, headers, times=2, then=[observation()]))
    facts = await gather(server)
    assert facts.select(slot(), AT, AT).issues == ()
    assert len(server.of("Observation")) == 3
    assert facts.requests == 5


async def test_a_source_that_is_down_is_typed_for_every_concept() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as http:
        facts = await Gatherer(http).gather(SMALL, "p", ALL, AT, 5)
    for concept in (CREATININE, SEX, FIBRILLATION):
        assert facts.select(slot(concept), AT, AT).value == Absent(AbsentReason.UNREACHABLE)
    assert {issue.code for issue in facts.issues} == {"source-unreachable"}


async def test_deadline_ends_all_fetches() -> None:
    patient_source = Source(id="ehr", base_url=BASE, timeout=30)
    facts = await gather(MisbehavingServer(Observation=slow), patient_source, deadline=0.2)
    selected = facts.select(slot(), AT, AT)
    assert "deadline" in selected.issues[0].text
    assert issue_codes(facts.select(slot(SEX), AT, AT)) == ["administrative-gender"]


@pytest.mark.parametrize("answer", [refusing(404), refusing(410), lambda _: bundle()], ids=["404", "410", "empty"])
async def test_missing_patient(answer: Answer) -> None:
    with pytest.raises(PatientNotFoundError):
        await gather(MisbehavingServer(Patient=answer))


@pytest.mark.parametrize("patient", ["", "a/b", "a?b", "x" * 65, "../p", "a b", "ä"])
async def test_what_cannot_be_an_id_is_never_sent(patient: str) -> None:
    server = MisbehavingServer()
    with pytest.raises(PatientNotFoundError) as caught:
        await gather(server, patient=patient)
    assert server.requests == []
    assert not patient or patient not in str(caught.value)


async def test_another_patient_in_the_answer_is_not_the_patient() -> None:
    with pytest.raises(PatientNotFoundError):
        await gather(MisbehavingServer(Patient=lambda _: bundle({"resourceType": "Patient", "id": "q"})))


async def test_remark_of_the_server_is_told_and_results_are_filtered_here() -> None:
    outcome = {"resource": {"resourceType": "OperationOutcome"}, "search": {"mode": "outcome"}}
    other = {"resource": observation(id="x", subject={"reference": "Patient/x"})}
    mine = {"resource": observation(), "search": {"mode": "match"}}
    for remark in (outcome, {"resource": outcome["resource"]}):
        await told_and_filtered([mine, other, remark])


async def told_and_filtered(entries: list[dict[str, Any]]) -> None:
    facts = await gather(MisbehavingServer(Observation=lambda _: bundle(entry=entries)))
    assert [each.iri for each in facts.gathered_facts.resources["serum-creatinine"]] == [f"{BASE}/Observation/o1"]
    assert {issue.code for issue in facts.issues} == {"search-remark", "wrong-subject"}


async def test_other_types_among_the_entries_are_passed_over() -> None:
    records = (
        {"resourceType": "Device", "id": "d"},
        {"resourceType": "Unheard", "id": "o1"},
        {"id": "?"},
        observation(),
    )
    facts = await gather(MisbehavingServer(Observation=lambda _: bundle(*records)))
    assert len(facts.gathered_facts.resources["serum-creatinine"]) == 1
    assert [issue.code for issue in facts.issues] == ["unreadable-record"]


async def test_pages_are_followed_to_the_end() -> None:
    def paged(request: Request) -> Response:
        number = page(request)
        following = f"{BASE}/Observation?page={number + 1}" if number < 3 else None
        return bundle(observation(id=f"o{number}"), observation(id="o1"), following=following)

    facts = await gather(MisbehavingServer(Observation=paged))
    assert len(facts.gathered_facts.resources["serum-creatinine"]) == 3
    assert facts.requests == 5


async def test_relative_link_to_the_next_page() -> None:
    def paged(request: Request) -> Response:
        return bundle(
            observation(id=f"o{page(request)}"), following="Observation?page=2" if page(request) < 2 else None
        )

    facts = await gather(MisbehavingServer(Observation=paged))
    assert len(facts.gathered_facts.resources["serum-creatinine"]) == 2


def send(record: dict[str, Any], _: Request) -> Response:
    return bundle(record)


async def test_encounters_are_fetched_only_where_a_condition_has_no_date() -> None:
    undated = condition(onsetDateTime=None, recordedDate=None, encounter={"reference": "Encounter/e1"})
    visit = {"resourceType": "Encounter", "id": "e1", "period": {"start": "2024-05-01", "end": "2024-05-02"}}
    for record, times in ((condition(), 0), (undated, 1)):
        server = MisbehavingServer(Condition=partial(send, record), Encounter=lambda _: bundle(visit))
        facts = await gather(server)
        assert facts.select(PRESENCE, AT, AT).value is True
        assert len(server.of("Encounter")) == times


async def test_encounters_that_cannot_be_had_leave_the_condition_unknown() -> None:
    undated = condition(onsetDateTime=None, recordedDate=None, encounter={"reference": "Encounter/e1"})
    facts = await gather(MisbehavingServer(Condition=lambda _: bundle(undated), Encounter=refusing(403)))
    assert facts.select(PRESENCE, AT, AT).value == Absent(AbsentReason.UNCONVERTIBLE)
    assert [issue.code for issue in facts.issues] == ["source-refused"]


async def test_identical_requests_under_way_are_shared() -> None:
    async def answer(_: Request) -> Response:
        await asyncio.sleep(0.05)
        return bundle(observation())

    server = MisbehavingServer(Observation=answer)
    async with client_of(server) as http:
        gatherer = Gatherer(http)
        both = await asyncio.gather(*(gatherer.gather(SOURCE, "p", ALL, AT, 5) for _ in range(2)))
        assert [len(each.gathered_facts.resources["serum-creatinine"]) for each in both] == [1, 1]
        assert len(server.of("Observation")) == 1
        await gatherer.gather(SOURCE, "p", ALL, AT, 5)
    assert len(server.of("Observation")) == 2


async def test_callers_with_other_rights_never_share() -> None:
    async def answer(request: Request) -> Any:
        await asyncio.sleep(0.05)
        return bundle(observation()) if request.headers["authorization"] == "Bearer a" else refusing(403)(request)

    server = MisbehavingServer(Observation=answer)
    async with client_of(server) as http:
        gatherer = Gatherer(http)
        calls = (gatherer.gather(SOURCE, "p", ALL, AT, 5, CallerAccess(token, token)) for token in "ab")
        allowed, refused = await asyncio.gather(*calls)
    assert allowed.select(slot(), AT, AT).issues == ()
    assert refused.select(slot(), AT, AT).value == Absent(AbsentReason.NOT_PERMITTED)


async def test_one_who_gives_up_does_not_end_the_request_of_another() -> None:
    async def answer(_: Request) -> Response:
        await asyncio.sleep(0.2)
        return bundle(observation())

    server = MisbehavingServer(Observation=answer)
    async with client_of(server) as http:
        gatherer = Gatherer(http)
        hasty, patient = await asyncio.gather(
            gatherer.gather(SOURCE, "p", ALL, AT, 0.05), gatherer.gather(SOURCE, "p", ALL, AT, 5)
        )
    assert hasty.select(slot(), AT, AT).value == Absent(AbsentReason.UNREACHABLE)
    assert patient.select(slot(), AT, AT).issues == ()
    assert len(server.of("Observation")) == 1


async def test_no_more_requests_at_once_than_the_source_allows() -> None:
    running = most = 0

    async def answer(_: Request) -> Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return bundle()

    source = Source(id="ehr", base_url=BASE, concurrency=1)
    await gather(MisbehavingServer(Observation=answer, Condition=answer), source)
    assert most == 1


async def test_asks_for_fresh_fhir_json() -> None:
    server = MisbehavingServer()
    await gather(server)
    for request in server.requests:
        assert request.headers["accept"] == "application/fhir+json"
        assert request.headers["cache-control"] == "no-cache"


async def test_nothing_of_the_patient_is_logged_or_in_a_fault(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "patient-4711"
    record: dict[str, Any] = {"resourceType": "Patient", "id": secret}
    server = MisbehavingServer(
        Patient=lambda _: bundle(record),
        Observation=refusing(500),
        Condition=lambda _: Response(secret, media_type=FHIR),
    )
    facts = await gather(server, patient=secret)
    assert len(facts.failures) == 2
    assert not any(secret in failure.text for failure in facts.gathered_facts.failures.values())
    assert secret not in caplog.text

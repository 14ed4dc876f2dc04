"""Calls from the request to the answer: what each fault is told as, and that none becomes an answer without cards."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import httpx
import pytest

from collectors.errors import PatientNotFoundError, TokenRequiredError
from server.catalog.services import Hook, Service
from server.errors import CompileError, QuestionError
from server.hooks.clients import HookClient
from server.hooks.endpoint import LARGE_BODY
from server.hooks.errors import ForbiddenServerError, MalformedCallError, UnobtainedError
from tests.support.hook_calls import Answers, Ehr, Json, hook_site, make_body, make_service, serving_hooks
from tests.support.settings import make_settings
from tests.support.token_issuer import TokenIssuer

AS_JSON = {"Content-Type": "application/json"}
VIEW, SIGN = make_service(), make_service(Hook.ORDER_SIGN, "renal-sign")
SOURCES = [{"id": "ehr", "base_url": "https://ehr.example/fhir"}, {"id": "lab", "base_url": "https://lab.example/fhir"}]
CARD = {"uuid": "u", "summary": "Kidneys work badly.", "indicator": "warning", "source": {"label": "CKD-EPI"}}


@pytest.fixture
def answers() -> Answers:
    return Answers(VIEW, SIGN)


@pytest.fixture
async def client(answers: Answers) -> AsyncIterator[httpx.AsyncClient]:
    """Of a server on loopback that asks nobody."""
    settings = make_settings(sources=SOURCES, cache={"enabled": False}, hooks={"max_bytes": 200_000})
    async with serving_hooks(settings, answers) as made:
        yield made


def outcome(answer: httpx.Response, status: int, code: str | None = None) -> str:
    """The texts of the OperationOutcome that an answer is."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    told: Json = answer.json()
    assert told["resourceType"] == "OperationOutcome"
    assert told["issue"]
    for issue in told["issue"]:
        assert issue["severity"] == "error"
        assert issue["code"] == (code or issue["code"])
    return "\n".join(issue["diagnostics"] for issue in told["issue"])


async def test_cards_are_an_answer_and_none_are_one(client: httpx.AsyncClient, answers: Answers) -> None:
    """CDS-16: the address of a service ends in its id.  CDS-74: 200 with an array of cards."""
    silent = await client.post("/cds-services/egfr-view", content=make_body(), headers=AS_JSON)
    assert (silent.status_code, silent.json()) == (200, {"cards": []})
    assert silent.headers["content-type"] == "application/json"
    answers.cards = [CARD]
    body = make_body(Hook.ORDER_SIGN)
    told = await client.post("/cds-services/renal-sign", content=body, headers=AS_JSON)
    assert told.json() == {"cards": [CARD]}
    services = [service.id for service, *_ in answers.calls]
    assert services == ["egfr-view", "renal-sign"]
    _, request, caller, at = answers.calls[0]
    assert (request.patient, caller) == ("p1", HookClient("", frozenset({"ehr", "lab"})))
    assert at.tzinfo is not None


async def test_feedback_is_taken(client: httpx.AsyncClient, answers: Answers) -> None:
    path = "/cds-services/egfr-view/feedback"
    taken = await client.post(path, json={"feedback": [{"card": "u", "outcome": "accepted"}]})
    assert (taken.status_code, taken.content) == (200, b"")
    body, service, caller = answers.feedback[0]
    assert body == {"feedback": [{"card": "u", "outcome": "accepted"}]}
    assert (service, caller.id) == (VIEW, "")
    answers.fault = lambda: MalformedCallError("feedback must be an array")
    assert outcome(await client.post(path, json={}), 400) == "feedback must be an array"
    outcome(await client.post(path, content=b"{", headers=AS_JSON), 400, "structure")
    outcome(await client.post("/cds-services/none/feedback", json={}), 404, "not-found")


async def test_what_is_malformed_is_told_by_member(client: httpx.AsyncClient, answers: Answers) -> None:
    path = "/cds-services/egfr-view"
    other = await client.post(path, content=make_body(Hook.ORDER_SIGN), headers=AS_JSON)
    assert "`hook`" in outcome(other, 400, "value")
    secret = make_body(context={"patientId": "Patient/hunter2"})
    assert "hunter2" not in outcome(await client.post(path, content=secret, headers=AS_JSON), 400)
    for body in (b"", b"{", b"[" * 100_000, make_body()[:-1] + b',"hook":"patient-view"}', make_body() + b"NaN"):
        outcome(await client.post(path, content=body, headers=AS_JSON), 400, "structure")
    outcome(await client.post("/cds-services/hunter2", content=make_body(), headers=AS_JSON), 404, "not-found")
    assert answers.calls == []


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"Content-Type": "text/plain"}, {"Content-Type": "application/fhir+json"},
        {"Content-Type": "application/json; charset=utf-16"}, {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json, text/plain"}, {**AS_JSON, "Content-Encoding": "gzip"},
        {**AS_JSON, "Content-Encoding": "br, gzip"},
    ],
)  # fmt: skip
async def test_a_body_is_json_and_says_so(client: httpx.AsyncClient, answers: Answers, headers: dict[str, str]) -> None:
    """CDS-1: what is exchanged is JSON."""
    for path in ("/cds-services/egfr-view", "/cds-services/egfr-view/feedback"):
        outcome(await client.post(path, content=make_body(), headers=headers), 415, "not-supported")
    assert (answers.calls, answers.feedback) == ([], [])


async def test_a_body_that_is_too_large_is_not_read(client: httpx.AsyncClient, answers: Answers) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(640):
            taken += 65_536
            yield b" " * 65_536

    path = "/cds-services/egfr-view"
    # Forty megabytes, without a length (chunked), and with one that is told, or is false.
    assert "200000 bytes" in outcome(await client.post(path, content=endless(), headers=AS_JSON), 413, "too-long")
    assert taken < 1_000_000
    for declared in ("41943040", "9" * 30):
        headers = {**AS_JSON, "Content-Length": declared}
        answer = await client.post(path, content=make_body(), headers=headers)
        outcome(answer, 413)
    assert answers.calls == []
    exact = make_body(prefetch={"a": {"t": ""}})
    exact = exact.replace(b'"t": ""', b'"t": "' + b"x" * (200_000 - len(exact)) + b'"')
    assert len(exact) == 200_000 > LARGE_BODY
    assert (await client.post(path, content=exact, headers=AS_JSON)).status_code == 200


FAULTS: list[tuple[Callable[[], Exception], int, str, str]] = [
    (lambda: UnobtainedError((("observation", "was not sent"),)), 412, "incomplete", "observation: was"),
    (lambda: UnobtainedError(()), 412, "incomplete", "neither prefetched nor fetched"),
    (lambda: ForbiddenServerError("`fhirServer` is not the client's"), 400, "forbidden", "fhirServer"),
    (lambda: PatientNotFoundError("the source ehr has no such patient"), 412, "incomplete", "no such patient"),
    (lambda: TokenRequiredError("source ehr needs a token"), 412, "incomplete", "needs a token"),
    (lambda: QuestionError("too-long", "the answer takes too long"), 503, "too-costly", "too long"),
    (lambda: CompileError("no module computes egfr"), 500, "exception", "egfr"),
    (lambda: RuntimeError("p1-hunter2"), 500, "exception", "internal error "),
    (lambda: KeyError("p1-hunter2"), 500, "exception", "internal error "),
    (lambda: TimeoutError("p1-hunter2"), 500, "exception", "internal error "),
]


@pytest.mark.parametrize(("fault", "status", "code", "says"), FAULTS)
async def test_no_fault_is_an_answer_without_cards(
    client: httpx.AsyncClient, answers: Answers, caplog: pytest.LogCaptureFixture,
    fault: Callable[[], Exception], status: int, code: str, says: str,
) -> None:  # fmt: skip
    """CDS-54: 412 where data that is needed can be had in no way."""
    answers.fault = fault
    answer = await client.post("/cds-services/egfr-view", content=make_body(), headers=AS_JSON)
    assert says in outcome(answer, status, code)
    assert "hunter2" not in answer.text + caplog.text


async def test_each_search_that_is_missing_is_an_issue_of_its_own(client: httpx.AsyncClient, answers: Answers) -> None:
    answers.fault = lambda: UnobtainedError((("patient", "was not sent"), ("observation", "came in part")))
    answer = await client.post("/cds-services/egfr-view", content=make_body(), headers=AS_JSON)
    assert outcome(answer, 412).splitlines() == ["patient: was not sent", "observation: came in part"]


class Watched:
    """A service that notes in which thread a body is compared with it."""

    id = "egfr-view"

    def __init__(self) -> None:
        self.threads: set[int] = set()

    @property
    def hook(self) -> Hook:
        self.threads.add(threading.get_ident())
        return Hook.PATIENT_VIEW


@pytest.mark.parametrize("size", [100, LARGE_BODY + 1])
async def test_a_large_body_is_read_beside_the_event_loop(answers: Answers, size: int) -> None:
    watched = Watched()
    body = make_body(prefetch={"a": {"text": "x" * size}})
    settings = make_settings(sources=SOURCES, cache={"enabled": False})
    async with serving_hooks(settings, answers) as client:
        answers.services["egfr-view"] = cast(Service, watched)
        watched.threads.clear()
        answer = await client.post("/cds-services/egfr-view", content=body, headers=AS_JSON)
    assert answer.status_code == 200
    assert (watched.threads == {threading.get_ident()}) is (size < LARGE_BODY)


async def test_a_call_is_a_question_and_waits_for_its_turn(answers: Answers) -> None:
    server = {"max_questions_per_caller": 1, "max_rate": 3}
    settings = make_settings(sources=SOURCES, cache={"enabled": False}, server=server)
    async with serving_hooks(settings, answers) as client:
        path = "/cds-services/egfr-view"
        let_in = 0
        while (answer := await client.post(path, content=make_body(), headers=AS_JSON)).status_code == 200:
            let_in += 1
        assert 3 <= let_in < 100
        assert "a second" in outcome(answer, 429, "throttled")
        assert answer.headers["retry-after"] == "1"


async def test_clients_are_counted_apart() -> None:
    answers = Answers(VIEW)
    async with TokenIssuer.listening() as issuer:
        one, two = Ehr(issuer, "one"), Ehr(issuer, "two")
        settings = hook_site(one.settings(), two.settings(), server={"max_rate": 1})
        async with serving_hooks(settings, answers) as client:

            async def status(ehr: Ehr) -> int:
                headers = {**AS_JSON, "Authorization": f"Bearer {ehr.token()}"}
                return (await client.post("/cds-services/egfr-view", content=make_body(), headers=headers)).status_code

            first = [await status(one) for _ in range(20)]
            assert first[0] == 200
            assert 429 in first
            assert await status(two) == 200
    assert {caller.id for _, _, caller, _ in answers.calls} == {"one", "two"}


async def test_who_calls_is_known_before_anything_is_read() -> None:
    answers = Answers(VIEW)
    async with TokenIssuer.listening() as issuer:
        ehr = Ehr(issuer)
        async with serving_hooks(hook_site(ehr.settings()), answers) as client:
            read = False

            async def body() -> AsyncIterator[bytes]:
                nonlocal read
                read = True
                yield make_body()

            path = "/cds-services/egfr-view"
            for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Bearer {ehr.token('/other')}"}):
                refused = await client.post(path, content=body(), headers={**AS_JSON, **headers})
                assert (refused.status_code, refused.content) == (401, b"")
                assert refused.headers["www-authenticate"].startswith("Bearer")
                assert "content-type" not in refused.headers
            assert not read
            token = ehr.token()
            headers = {**AS_JSON, "Authorization": f"Bearer {token}"}
            same = [client.post(path, content=make_body(), headers=headers) for _ in range(8)]
            statuses = [each.status_code for each in await asyncio.gather(*same)]
            assert sorted(statuses) == [200] + [401] * 7
            _, _, caller, _ = answers.calls[0]
            assert caller == HookClient("ehr-client", frozenset({"ehr"}))
            # A token for a call is none for feedback on it.
            feedback = {"Authorization": f"Bearer {ehr.token()}"}
            assert (await client.post(f"{path}/feedback", json={}, headers=feedback)).status_code == 401
            own = {"Authorization": f"Bearer {ehr.token('/egfr-view/feedback')}"}
            assert (await client.post(f"{path}/feedback", json={}, headers=own)).status_code == 200


async def test_keys_that_cannot_be_had_are_no_refusal() -> None:
    async def hang_up(writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with TokenIssuer.listening() as issuer:
        ehr = Ehr(issuer)
        issuer.misbehave = hang_up
        async with serving_hooks(hook_site(ehr.settings())) as client:
            headers = {**AS_JSON, "Authorization": f"Bearer {ehr.token()}"}
            answer = await client.post("/cds-services/egfr-view", content=make_body(), headers=headers)
            outcome(answer, 503, "transient")
            assert int(answer.headers["retry-after"]) > 0


async def test_calls_of_two_clients_never_mix() -> None:
    answers = Answers(VIEW, SIGN)

    async def turn() -> None:
        await asyncio.sleep(0)

    answers.wait = turn
    async with TokenIssuer.listening() as issuer:
        ehrs = [Ehr(issuer, "one"), Ehr(issuer, "two")]
        settings = hook_site(*(each.settings() for each in ehrs), server={"max_rate": 1000})
        async with serving_hooks(settings, answers) as client:

            async def call(number: int) -> None:
                headers = {**AS_JSON, "Authorization": f"Bearer {ehrs[number % 2].token()}"}
                body = make_body(context={"patientId": f"p{number}"})
                answer = await client.post("/cds-services/egfr-view", content=body, headers=headers)
                assert answer.status_code == 200

            await asyncio.gather(*map(call, range(40)))
    callers: dict[str, Any] = {request.patient: caller.id for _, request, caller, _ in answers.calls}
    assert callers == {f"p{number}": ("one", "two")[number % 2] for number in range(40)}


def test_a_body_of_a_call_is_json_as_ehrs_write_it() -> None:
    assert json.loads(make_body())["hook"] == "patient-view"

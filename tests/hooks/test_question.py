"""The question of a call: of which source, by whose token, and by prefetch, by fetch or by both the same answers."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from collectors.supplied_records import OFFLINE
from ontology.values import Absent, AbsentReason, Value
from server.catalog.catalog import ROOT
from server.catalog.services import Hook
from server.executor.engine import Engine
from server.executor.trace import Trace
from server.explain.explain import explain
from server.hooks.clients import HookClient
from server.hooks.errors import ForbiddenServerError, MalformedCallError
from server.hooks.question import NO_SERVER, hook_question
from tests.support.authorisation_server import ec_key, pem
from tests.support.charts import creatinine
from tests.support.charts import patient as person
from tests.support.draft_bundles import draft, drafts
from tests.support.hook_ehr import (
    AT,
    BASE,
    CLIENT,
    TOKEN,
    Ehr,
    Json,
    ask,
    authorization,
    call,
    chart,
    fetching,
    hook_engine,
    service,
)

KIDNEY = service("egfr")
CREATININE = creatinine(1.1, "2026-06-01T08:30:00Z", id="o1", of="p")
MINE = [person(id="p"), CREATININE]
CALLERS = {"id": "ehr", "base_url": BASE, "auth": "caller"}
OPEN = {"id": "ehr", "base_url": BASE}
ALIASED = {**CALLERS, "aliases": ["https://old.example/r4"]}
LAB = {"id": "lab", "base_url": "https://lab.example/fhir"}
NOT_QUERIED, NOT_PERMITTED = AbsentReason.NOT_QUERIED, AbsentReason.NOT_PERMITTED


def value(trace: Trace, place: int = 0) -> Value:
    return explain(trace)[place].value


def told(trace: Trace) -> str:
    """Everything that is said of what could not be had."""
    return " ".join([*(each.text for each in trace.issues), *(i.text for r in explain(trace) for i in r.issues)])


# ── Which source


@pytest.mark.parametrize("server", [BASE, f"{BASE}/", "https://old.example/r4", "https://old.example/r4/"])
async def test_the_server_is_a_base_url_or_an_alias_and_a_slash_makes_no_difference(server: str) -> None:
    ehr = Ehr(MINE)
    async with hook_engine(ehr, ALIASED) as engine:
        trace = await ask(engine, KIDNEY, fetching(server=server))
    assert not isinstance(value(trace), Absent)
    # Whichever name was used, the token goes to the base URL of the settings.
    assert ehr.credentials() == {("ehr.example", f"Bearer {TOKEN}")}


@pytest.mark.parametrize(
    "server",
    [
        f"{BASE}//",
        f"{BASE}/.",
        f"{BASE}/../fhir",
        f"{BASE}/Patient",
        f"{BASE}?x=1",
        f"{BASE}#x",
        f"{BASE}%2f",
        f" {BASE}",
        f"{BASE}\n",
        BASE.upper(),
        "http://ehr.example/fhir",
        "https://ehr.example",
        "https://ehr.example:443/fhir",
        "https://ehr.example./fhir",
        "https://ehr.example/fhi",
        "https://user@ehr.example/fhir",
        "https://ehr.example@evil.example/fhir",
        "https://ehr.example.evil.example/fhir",
        "http://169.254.169.254/latest",
        "http://127.0.0.1/fhir",
        "https://lab.example/fhir",
        "ehr",
        "/",
        "",
    ],
)
async def test_any_other_server_is_refused_and_nothing_is_sent(server: str) -> None:
    ehr = Ehr(MINE)
    async with hook_engine(ehr, CALLERS, LAB) as engine:
        ehr.seen.clear()
        with pytest.raises(ForbiddenServerError) as raised:
            hook_question(engine, KIDNEY, fetching(server=server), CLIENT, AT)
    assert raised.value.status == 400 and (not server.strip("/ ") or server not in str(raised.value))
    assert ehr.searched() == []


@pytest.mark.parametrize("of", ["q", "P", "p ", ""])
async def test_a_token_for_another_patient_is_refused(of: str) -> None:
    async with hook_engine(Ehr(MINE)) as engine:
        with pytest.raises(MalformedCallError) as raised:
            hook_question(engine, KIDNEY, fetching(authorization=authorization(of=of)), CLIENT, AT)
        assert raised.value.status == 400
        assert hook_question(engine, KIDNEY, fetching(authorization=authorization(of="p")), CLIENT, AT)


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "a\n", "a  b", "", "tökén", "x" * 20_000])
async def test_a_token_that_is_none_is_refused_and_never_shown(token: str) -> None:
    async with hook_engine(Ehr(MINE)) as engine:
        with pytest.raises(MalformedCallError) as raised:
            hook_question(engine, KIDNEY, fetching(authorization=authorization(token)), CLIENT, AT)
    assert not token or token not in str(raised.value)


# ── What is fetched, and by whose rights


async def test_without_a_server_nothing_is_fetched() -> None:
    for sources in ((OPEN,), (CALLERS,)):
        ehr = Ehr(MINE, tokens=None)
        async with hook_engine(ehr, *sources) as engine:
            ehr.seen.clear()
            trace = await ask(engine, KIDNEY, call(authorization=authorization()))
        assert isinstance(value(trace), Absent) and trace.source == "ehr"
        assert ehr.searched() == [] and NO_SERVER in told(trace) and '"observation" was not supplied' in told(trace)


async def test_without_a_server_and_with_several_sources_it_is_of_none() -> None:
    both = HookClient("c", frozenset({"ehr", "lab"}))
    ehr = Ehr(MINE, tokens=None)
    async with hook_engine(ehr, OPEN, LAB) as engine:
        ehr.seen.clear()
        given = ehr.prefetch(engine.catalog, KIDNEY, "p")
        trace = await ask(engine, KIDNEY, call(prefetch=given), both)
        assert trace.source == OFFLINE.id and not isinstance(value(trace), Absent)
        # References under the base URL of any of its sources mean the patient.
        theirs = {**CREATININE, "subject": {"reference": "https://lab.example/fhir/Patient/p"}}
        given["observation"]["entry"][0]["resource"] = theirs
        assert not isinstance(value(await ask(engine, KIDNEY, call(prefetch=given), both)), Absent)
    assert ehr.searched() == []


async def test_a_patient_of_the_same_id_at_another_server_of_the_client_is_another_patient() -> None:
    """H97: the call names its server, so that what lies under the base URL of another is of somebody else."""
    both = HookClient("c", frozenset({"ehr", "lab"}))
    ordered = service("draft-metformin", hook=Hook.ORDER_SIGN)
    for base, is_read in (("https://lab.example/fhir", False), (BASE, True)):
        ehr = Ehr(MINE)
        async with hook_engine(ehr, OPEN, LAB) as engine:
            subject = {"reference": f"{base}/Patient/p"}
            given = ehr.prefetch(engine.catalog, KIDNEY, "p")
            given["observation"]["entry"][0]["resource"] = {**CREATININE, "subject": subject}
            asked = fetching(prefetch=given, draft_orders=drafts(draft(subject=subject)))
            assert not isinstance(value(await ask(engine, KIDNEY, asked, both)), Absent)
            assert ("Observation" not in ehr.searched()) is is_read, "what is somebody else's is fetched instead"
            assert (value(await ask(engine, ordered, asked, both)) is True) is is_read


@pytest.mark.parametrize(
    ("auth", "fetched"),
    [({}, True), ({"auth": "caller"}, False)],
    ids=["none", "caller"],
)
async def test_without_a_token_only_a_source_that_asks_for_none_is_asked(auth: Json, fetched: bool) -> None:
    ehr = Ehr(MINE, tokens=None)
    async with hook_engine(ehr, {"id": "ehr", "base_url": BASE, **auth}) as engine:
        trace = await ask(engine, KIDNEY, fetching(authorization=None))
    assert isinstance(value(trace), Absent) is not fetched
    assert bool(ehr.searched()) is fetched
    assert fetched or "no token came with the call" in told(trace)


@pytest.mark.parametrize("source", [OPEN, CALLERS])
async def test_the_token_of_the_call_is_the_only_one_and_goes_to_that_source_alone(source: Json) -> None:
    """CDS-61: each request for records bears it."""
    ehr = Ehr(MINE)
    async with hook_engine(ehr, source, LAB) as engine:
        ehr.seen.clear()
        trace = await ask(engine, KIDNEY, fetching())
    assert not isinstance(value(trace), Absent)
    assert ehr.credentials() == {("ehr.example", f"Bearer {TOKEN}")}


async def test_at_a_source_of_backend_services_our_own_token_is_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EHR_KEY", pem(ec_key()))
    backend = {"client_id": "c", "key_env": "EHR_KEY", "token_url": "https://as.example/token"}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "as.example":
            return httpx.Response(200, json={"access_token": "ours", "token_type": "Bearer", "expires_in": 300})
        return ehr(request)

    ehr = Ehr(MINE, tokens=frozenset({TOKEN, "ours"}))
    async with hook_engine(answer, {**CALLERS, "auth": "backend", "backend": backend}) as engine:
        assert isinstance(value(await ask(engine, KIDNEY, fetching(authorization=None))), Absent)
        assert isinstance(value(await ask(engine, KIDNEY, call())), Absent)
        assert ehr.credentials() == set()
        assert not isinstance(value(await ask(engine, KIDNEY, fetching())), Absent)
        assert isinstance(value(await ask(engine, KIDNEY, fetching(authorization=authorization("no")))), Absent)
    assert ehr.credentials() == {("ehr.example", f"Bearer {TOKEN}"), ("ehr.example", "Bearer no")}


@pytest.mark.parametrize(
    ("scope", "types"),
    [
        ("patient/*.rs", ["Condition", "Observation", "Patient", "Procedure"]),
        ("patient/*.read", ["Condition", "Observation", "Patient", "Procedure"]),
        ("user/Observation.read user/Patient.read", ["Observation", "Patient"]),
        ("patient/Observation.rs", ["Observation"]),
        ("patient/Observation.r patient/Observation.s", ["Observation"]),
        ("patient/Observation.rs?category=laboratory", []),
        ("patient/Observation.r", []),
        ("patient/*.write launch openid fhirUser", []),
        ("", []),
    ],
)
async def test_scopes_are_heeded(scope: str, types: list[str]) -> None:
    ehr = Ehr(MINE)
    async with hook_engine(ehr) as engine:
        trace = await ask(engine, KIDNEY, fetching(authorization=authorization(scope=scope)))
    assert sorted(set(ehr.searched())) == types
    if "Observation" not in types:
        assert isinstance(value(trace), Absent)
        assert "the token that came with the call does not permit it (scope Observation.rs)" in told(trace)


async def test_a_refused_token_is_a_failed_search_and_is_told_nowhere() -> None:
    ehr = Ehr(MINE)
    async with hook_engine(ehr) as engine:
        trace = await ask(engine, KIDNEY, fetching(authorization=authorization("other.token")))
    assert isinstance(value(trace), Absent) and "not permitted (401)" in told(trace)
    assert "other.token" not in repr(trace) + told(trace)


def elsewhere(request: httpx.Request) -> httpx.Response:
    return httpx.Response(302, headers={"location": "https://evil.example/fhir/Observation"})


def next_elsewhere(request: httpx.Request) -> httpx.Response:
    link = [{"relation": "next", "url": "https://evil.example/fhir/Observation?page=2"}]
    body = {"resourceType": "Bundle", "type": "searchset", "link": link, "entry": [{"resource": CREATININE}]}
    return httpx.Response(200, json=body, headers={"content-type": "application/fhir+json"})


@pytest.mark.parametrize("answer", [elsewhere, next_elsewhere])
async def test_a_next_page_or_a_redirect_elsewhere_is_a_failed_search(answer: Any) -> None:
    ehr = Ehr(MINE, answers={"Observation": answer})
    async with hook_engine(ehr) as engine:
        trace = await ask(engine, KIDNEY, fetching())
    assert isinstance(value(trace), Absent)
    assert {each.url.host for each in ehr.seen} == {"ehr.example"}


async def test_what_one_token_fetched_is_never_anothers() -> None:
    kept = {**CALLERS, "freshness": {"observation": "PT5M", "patient": "PT5M"}}
    ehr = Ehr(MINE, tokens=frozenset({TOKEN, "ehr.token.2"}))
    async with hook_engine(ehr, kept) as engine:
        for token, client in ((TOKEN, CLIENT), (TOKEN, CLIENT), ("ehr.token.2", CLIENT)):
            trace = await ask(engine, KIDNEY, fetching(authorization=authorization(token)), client)
            assert not isinstance(value(trace), Absent)
        once = ehr.searched().count("Observation")
        assert once == 2
        # Nor that of the same token at another client, nor what it fetched under other scopes.
        await ask(engine, KIDNEY, fetching(), HookClient("other", CLIENT.sources))
        narrow = authorization(scope="patient/Observation.rs")
        await ask(engine, KIDNEY, fetching(authorization=narrow))
        assert ehr.searched().count("Observation") == once + 2


# ── What was prefetched is used


async def test_what_was_prefetched_is_not_fetched_and_the_rest_is() -> None:
    ehr = Ehr(MINE)
    async with hook_engine(ehr) as engine:
        given = ehr.prefetch(engine.catalog, KIDNEY, "p")
        for key in given:
            ehr.seen.clear()
            trace = await ask(engine, KIDNEY, fetching(prefetch={**given, key: None}))
            assert not isinstance(value(trace), Absent)
            assert ehr.searched() == ([] if key == "all-encounter" else [given_type(key)])


def given_type(key: str) -> str:
    return {"patient": "Patient", "observation": "Observation", "condition": "Condition", "procedure": "Procedure"}[key]


CONCEPTS = ("egfr", "news2", "cha2ds2-vasc", "aki-stage", "oral-anticoagulant", "metformin", "serum-creatinine")
PATIENTS = sorted(path.stem for path in (ROOT / "fixtures" / "patients").glob("*.json") if path.stem != "index")


def shown(trace: Trace) -> list[Any]:
    """All of the results that a card could rest on."""
    return [
        (
            each.concept.id,
            each.status,
            each.value,
            each.bounds,
            each.text,
            each.fingerprint,
            sorted({(record.type, record.id, record.version) for step in each.chain for g in step.grounds
                    for record in g.records}, key=str),
            sorted((issue.code, issue.text) for issue in each.issues),
        )
        for each in explain(trace)
    ]  # fmt: skip


@pytest.mark.parametrize("name", PATIENTS)
async def test_by_prefetch_by_fetch_and_by_both_the_answers_are_the_same(name: str) -> None:
    ehr, wanted = Ehr(chart(name)), service(*CONCEPTS, compared_with=timedelta(days=1))
    async with hook_engine(ehr) as engine:
        given = ehr.prefetch(engine.catalog, wanted, name)
        by_fetch = await ask(engine, wanted, fetching(name))
        ehr.seen.clear()
        by_prefetch = await ask(engine, wanted, call(name, prefetch=given))
        assert "Observation" not in ehr.searched() and "Patient" not in ehr.searched()
        half = {key: each for place, (key, each) in enumerate(sorted(given.items())) if place % 2}
        by_both = await ask(engine, wanted, fetching(name, prefetch=half))
    assert shown(by_fetch) == shown(by_both)
    assert shown(by_fetch) == shown(by_prefetch)
    assert [shown(each) for each in by_fetch.earlier_traces.values()] == [
        shown(each) for each in by_prefetch.earlier_traces.values()
    ]


async def test_a_product_that_was_not_included_leaves_the_prescription_unclear_never_absent() -> None:
    ehr, wanted = Ehr(chart("af-stroke")), service("oral-anticoagulant", "metformin")
    async with hook_engine(ehr) as engine:
        given = ehr.prefetch(engine.catalog, wanted, "af-stroke", products=False)
        alone = await ask(engine, wanted, call("af-stroke", prefetch=given))
        assert [value(alone, place) for place in (0, 1)] == [Absent(AbsentReason.UNCONVERTIBLE)] * 2
        assert "Medication could not be retrieved" in told(alone)
        # With a token only the product is fetched, by its id.
        ehr.seen.clear()
        assert value(await ask(engine, wanted, fetching("af-stroke", prefetch=given))) is True
        assert ehr.searched() == ["Medication"]


# ── Draft orders


async def orders(engine: Engine, **more: Any) -> Value:
    wanted = service("draft-metformin", hook=Hook.ORDER_SELECT)
    return value(await ask(engine, wanted, call(**more)))


async def test_drafts_of_the_context_and_of_a_selection_count() -> None:
    bundle = drafts(draft(subject={"reference": f"{BASE}/Patient/p"}), draft("C10AA05", id="d2"))
    given = {"patient": person(id="p")}
    async with hook_engine(Ehr(MINE)) as engine:
        assert await orders(engine, prefetch=given, draft_orders=bundle) is True
        selected = ("MedicationRequest/d2",)
        found = await orders(engine, prefetch=given, draft_orders=bundle, selections=selected)
        assert found == Absent(AbsentReason.NOT_FOUND)
        assert await orders(engine, prefetch=given, draft_orders=drafts()) == Absent(AbsentReason.NOT_FOUND)
        # A hook without drafts.
        assert await orders(engine, prefetch=given) == Absent(NOT_QUERIED)


async def test_a_draft_has_its_reference_among_the_grounds() -> None:
    wanted = service("draft-metformin", hook=Hook.ORDER_SIGN)
    async with hook_engine(Ehr(MINE)) as engine:
        request = call(prefetch={"patient": person(id="p")}, draft_orders=drafts(draft()))
        (result,) = explain(await ask(engine, wanted, request))
    assert result.leaf is not None
    assert [(each.type, each.id) for each in result.leaf.records] == [("MedicationRequest", "d1")]


async def test_the_question_is_of_this_patient_and_time_alone() -> None:
    async with hook_engine(Ehr(MINE)) as engine:
        asked = hook_question(engine, service("egfr", compared_with=timedelta(days=1)), fetching(), CLIENT, AT)
    question = asked.question
    assert (question.patient, question.concepts, question.at, question.source) == ("p", ("egfr",), AT, "ehr")
    assert question.earlier_times == (AT - timedelta(days=1),)
    assert question.caller is not None and question.caller.may_ask("ehr", "p")
    assert not question.caller.may_ask("ehr", "q") and not question.caller.may_ask("lab", "p")
    assert TOKEN not in repr(asked)

"""A checked token's caller gets the answers of its patient, and nobody else's, in whatever way it asks."""

import ast
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from collectors.auth.authorisations import Caller
from server.access.grant import Grant, caller_of
from server.errors import QuestionError
from server.executor.engine import Engine
from server.executor.question import Question
from tests.support.granted_questions import (
    DAY,
    KEPT,
    TOKEN,
    SeenRequests,
    codes,
    granted_app,
    kidney,
    make_grant,
    query,
    source,
)

MINE, THEIRS = kidney("p1", 1.618), kidney("p2", 2.718, birth="1931-07-11")
RESULTS = f'results(of: ["egfr"], at: "{DAY}") {{ text }}'
OFF = {"enabled": False}
OWN = f'own: patient(id: "p1") {{ {RESULTS} }}'
TIMELINE = f'timeline(of: "egfr", from: "2026-01-01T00:00:00Z", to: "{DAY}") {{ points {{ text }} }}'

OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": (f'{{ patient(id: "p2") {{ {RESULTS} }} }}', {}),
    "nothing but its name": ('{ patient(id: "p2") { __typename } }', {}),
    "nothing but its address": ('{ patient(id: "p2") { id reference } }', {}),
    "alias": (f'{{ other: patient(id: "p2") {{ {RESULTS} }} }}', {}),
    "alias beside one's own": (f'{{ {OWN} other: patient(id: "p2") {{ {RESULTS} }} }}', {}),
    "alias before one's own": (f'{{ other: patient(id: "p2") {{ {RESULTS} }} {OWN} }}', {}),
    "fragment": (
        'query { ...F } fragment F on Query { patient(id: "p2") { ...G } } '
        f"fragment G on Patient {{ {RESULTS} }}",
        {},
    ),
    "inline fragment": (f'{{ ... on Query {{ patient(id: "p2") {{ ... on Patient {{ {RESULTS} }} }} }} }}', {}),
    "timeline": (f'{{ patient(id: "p2") {{ {TIMELINE} }} }}', {}),
    "variable": (f"query ($id: ID!) {{ patient(id: $id) {{ {RESULTS} }} }}", {"id": "p2"}),
    "default of a variable": (f'query ($id: ID! = "p2") {{ patient(id: $id) {{ {RESULTS} }} }}', {}),
    "directive": (
        f'query ($x: Boolean!) {{ patient(id: "p1") @skip(if: $x) {{ {RESULTS} }} '
        f'other: patient(id: "p2") @include(if: $x) {{ {RESULTS} }} }}',
        {"x": True},
    ),
}
FORMS = (
    "Patient/p2",
    "/Patient/p2",
    "Patient/p2/_history/1",
    "https://ehr.example/fhir/Patient/p2",
    "https://ehr.example/fhir/Patient/p1/../p2",
    "http://ehr.example/fhir/Patient/p2",
    "../Patient/p2",
    "p1/../p2",
    "p1/../../Patient/p2",
    "p1%2F..%2Fp2",
    "p1,p2",
    "p1&_id=p2",
    "p1?_id=p2",
    "p2#p1",
    "p1 ",
    "P1",
    "ehr|p2",
    "Patient?identifier=urn:mrn|17-A",
    "urn:uuid:p2",
    "",
)
OTHERS |= {f"as {form!r}": (f"query ($id: ID!) {{ patient(id: $id) {{ {RESULTS} }} }}", {"id": form}) for form in FORMS}


def is_about_others(servers: SeenRequests) -> bool:
    """Whether anything of anybody but p1 was searched for."""
    return any(who not in ("p1", "Patient/p1") for _, _, who in servers.searched())


@pytest.mark.parametrize("name", OTHERS)
async def test_another_patient_is_refused_in_any_way_of_asking(name: str) -> None:
    servers = SeenRequests(ehr=[*MINE, *THEIRS])
    asked, variables = OTHERS[name]
    async with granted_app(servers, cache=OFF) as app:
        told = await app.ask(make_grant(), asked, variables)
    assert codes(told) == ["other-patient"]
    assert not is_about_others(servers)
    (error,) = told["errors"]
    assert len(error["path"]) == 1
    if told["data"] is not None:
        # Null at its place, and what is beside it is answered.
        assert told["data"].pop(error["path"][0]) is None
        assert all(each["results"] for each in told["data"].values())
    shown = json.dumps(told)
    assert "2.718" not in shown and "p2" not in shown and TOKEN not in shown


async def test_ones_own_patient_is_answered_as_without_issuers() -> None:
    answers = []
    for grant in (make_grant(), None):
        async with granted_app(SeenRequests(ehr=[*MINE, *THEIRS]), cache=OFF) as app:
            answers.append(await app.ask(grant, query()))
    assert answers[0] == answers[1] and "1.618" in json.dumps(answers[0])


async def test_a_warm_cache_of_another_patient_is_not_even_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    servers = SeenRequests(ehr=[*MINE, *THEIRS])
    async with granted_app(servers, source("ehr", freshness=KEPT)) as app:
        theirs = make_grant("p2", subject="user-2")
        await app.results(theirs, query("p2"))
        egfr, _ = await app.results(theirs, query("p2"))
        # It is warm: for its own caller nothing runs again.
        assert {step["reason"] for step in egfr["chain"]} == {"reused"}
        await app.engine.memory.store.flush()
        servers.requests.clear()
        looked_up: list[str] = []
        get_many = app.engine.memory.store.get_many

        async def kept(names: Any) -> Any:
            looked_up.extend(names)
            return await get_many(names)

        monkeypatch.setattr(app.engine.memory.store, "get_many", kept)
        told = await app.ask(make_grant(), query("p2"))
        assert codes(told) == ["other-patient"]
        assert servers.requests == [] and looked_up == []
        # One's own is computed from one's own records, and nothing is reused.
        egfr, creatinine = await app.results(make_grant(), query("p1"))
        assert {step["reason"] for step in egfr["chain"]} == {"first seen"}
        assert creatinine["value"] == {"value": 1.618}
        assert {who for _, _, who in servers.searched()} == {"p1"}


@pytest.mark.parametrize("patient", ["p1", None])
async def test_what_a_wider_caller_was_shown_serves_no_narrower_one(patient: str | None) -> None:
    servers = SeenRequests(ehr=MINE)
    wide = make_grant(patient, any_patient=patient is None)
    narrow = replace(wide, scope="patient/Patient.rs patient/Condition.rs")
    async with granted_app(servers, source("ehr", freshness=KEPT)) as app:
        await app.results(wide, query())
        egfr, _ = await app.results(wide, query())
        assert {step["reason"] for step in egfr["chain"]} == {"reused"}
        await app.engine.memory.store.flush()
        servers.requests.clear()
        egfr, creatinine = await app.results(narrow, query())
        assert creatinine["value"] == {"reason": "NOT_PERMITTED"} and creatinine["records"] == []
        assert "1.618" not in json.dumps([egfr, creatinine])
        # What it may see is fetched for it, since what was kept is kept for the wider one.
        assert {kind for _, kind, _ in servers.searched()} == {"Patient", "Condition"}
        # It ran with what is missing, and is not compared with what the wider one was shown.
        reasons = {step["module"]["id"]: step["reason"] for step in egfr["chain"]}
        assert reasons["egfr"] == "first seen"
        # And the wider one is not compared with that.
        egfr, _ = await app.results(wide, query())
        assert {step["reason"] for step in egfr["chain"]} == {"reused"}


@pytest.mark.parametrize(
    "other", [{"issuer": "as2"}, {"subject": "user-2"}, {"client": "app-2"}, {"sources": frozenset({"ehr", "lab"})}]
)
async def test_why_it_ran_is_not_told_from_what_another_caller_was_shown(other: dict[str, Any]) -> None:
    servers = SeenRequests(ehr=MINE)
    async with granted_app(servers) as app:
        await app.results(make_grant(), query())
        servers.records["ehr"] = tuple(kidney("p1", 3.142))
        egfr, _ = await app.results(make_grant(**other), query())
        assert "1.618" not in json.dumps(egfr["chain"])
        # One's own renewed token, with the same scopes in another writing, is compared with one's own last answer.
        servers.records["ehr"] = tuple(kidney("p1", 4.669))
        egfr, _ = await app.results(make_grant(scope="patient/*.read", token="renewed"), query())
        assert "from 1.618 mg/dL to 4.669 mg/dL" in json.dumps(egfr["chain"])


ANY = replace(make_grant(None), any_patient=True)
ISSUED = make_grant(None, audience=frozenset({"https://ehr.example/fhir"}), own_audience=frozenset())


@pytest.mark.parametrize(
    ("grant", "asked", "code"),
    [
        (make_grant(), query(source="lab"), "source-not-permitted"),
        (ANY, query(source="lab"), "source-not-permitted"),
        # What is joined is found by identifiers: the same id is somebody else's there.
        (make_grant(sources=frozenset({"ehr", "lab"})), query(source="lab"), "source-not-permitted"),
        (make_grant(sources=frozenset({"ehr", "lab"}), any_patient=True), query(source="lab"), "source-not-permitted"),
        # Two issuers whose patients have the same id: each speaks for its own source.
        (make_grant(issuer="lab-as", sources=frozenset({"lab"})), query(source="ehr"), "source-not-permitted"),
        (make_grant(sources=frozenset()), query(source="ehr"), "source-not-permitted"),
        (make_grant(), query(source="no-such"), "unknown-source"),
        # That the token is for one source only names none.
        (make_grant(), query(), "source-required"),
        (ANY, query(), "source-required"),
        (None, query(), "source-required"),
        (make_grant(None), query(source="ehr"), "patient-required"),
        (make_grant(None), query("Patient/p1", source="ehr"), "patient-required"),
    ],
)
async def test_another_source_or_no_patient_is_refused(grant: Grant | None, asked: str, code: str) -> None:
    servers = SeenRequests(ehr=MINE, lab=kidney("p1", 2.718))
    async with granted_app(servers, source("ehr"), source("lab"), cache=OFF) as app:
        told = await app.ask(grant, asked)
    assert codes(told) == [code] and not (told["data"] or {}).get("patient")
    assert servers.searched() == []


async def test_of_two_issuers_with_one_patient_id_each_gets_its_own() -> None:
    servers = SeenRequests(ehr=MINE, lab=kidney("p1", 2.718))
    lab = make_grant(issuer="lab-as", sources=frozenset({"lab"}))
    async with granted_app(servers, source("ehr"), source("lab"), cache=OFF) as app:
        for grant, name, value in ((make_grant(), "ehr", 1.618), (lab, "lab", 2.718)):
            _, creatinine = await app.results(grant, query(source=name))
            assert creatinine["value"] == {"value": value}


async def test_without_a_patient_an_issuer_for_any_patient_is_answered() -> None:
    servers = SeenRequests(ehr=[*MINE, *THEIRS])
    async with granted_app(servers, cache=OFF) as app:
        for of, value in (("p1", 1.618), ("p2", 2.718)):
            _, creatinine = await app.results(ANY, query(of))
            assert creatinine["value"] == {"value": value}
        # But a token that names somebody is bound to them.
        assert codes(await app.ask(make_grant(any_patient=True), query("p2"))) == ["other-patient"]


@pytest.mark.parametrize(
    "grant", [make_grant(), make_grant(None), make_grant(scope=""), make_grant(sources=frozenset())]
)
async def test_what_is_on_offer_is_answered_to_every_valid_token(grant: Grant) -> None:
    servers = SeenRequests()
    async with granted_app(servers, source("ehr"), source("lab"), cache=OFF) as app:
        told = await app.ask(grant, '{ modules { id } plan(of: ["egfr"]) { searches } }')
    assert "errors" not in told and told["data"]["modules"] and told["data"]["plan"]["searches"]
    assert servers.searched() == []


async def test_a_token_goes_to_the_source_that_it_was_issued_for() -> None:
    servers = SeenRequests(ehr=MINE, lab=kidney("p1", 2.718))
    sources = [source(name, auth="caller") for name in ("ehr", "lab")]
    both = replace(ISSUED, sources=frozenset({"ehr", "lab"}), audience=frozenset({"https://ehr.example/fhir/"}))
    async with granted_app(servers, *sources, cache=OFF) as app:
        _, creatinine = await app.results(both, query(source="ehr"))
        assert creatinine["value"] == {"value": 1.618}
        assert set(servers.tokens) == {("ehr", f"Bearer {TOKEN}")}
        servers.requests.clear()
        told = await app.ask(both, query(source="lab"))
        assert codes(told) == ["token-required"] and "not passed on" in told["errors"][0]["message"]
        assert servers.searched() == [] and TOKEN not in json.dumps(told)


async def test_a_token_for_this_server_is_not_passed_on() -> None:
    servers = SeenRequests(ehr=MINE)
    for audience in ({"https://cds.example/graphql"}, {"https://cds.example/graphql", "https://ehr.example/fhir"}):
        async with granted_app(servers, source("ehr", auth="caller"), cache=OFF) as app:
            told = await app.ask(make_grant(audience=frozenset(audience)), query())
        assert codes(told) == ["token-required"]
    assert servers.searched() == [] and servers.tokens == []


async def test_a_token_is_not_sent_where_the_source_asks_for_none() -> None:
    servers = SeenRequests(ehr=MINE)
    grant = make_grant(audience=frozenset({"https://ehr.example/fhir"}), own_audience=frozenset())
    async with granted_app(servers, cache=OFF) as app:
        await app.results(grant, query())
    assert servers.searched() and servers.tokens == []


async def test_the_engine_refuses_a_question_whose_caller_is_bound_to_another() -> None:
    servers = SeenRequests(ehr=[*MINE, *THEIRS])
    async with granted_app(servers, source("ehr"), source("lab"), cache=OFF) as app:
        ehr = app.engine.source("ehr")
        bound = caller_of(make_grant(), None, ehr, "p1")
        for caller, of, name in (
            (bound, "p2", "ehr"),
            (bound, "p1", "lab"),
            (Caller(sources=frozenset({"ehr"})), "p1", "ehr"),
            (replace(bound, sources=frozenset({"lab"})), "p1", "ehr"),
        ):
            asked = Question(of, ("egfr",), source=name, caller=caller)
            for way in (app.engine.ask(asked), app.engine.timeline(asked, 5), app.engine.ask_with_facts(asked)):
                with pytest.raises(QuestionError) as caught:
                    await way
                assert caught.value.code == "other-patient"
    assert servers.searched() == []


def test_every_question_of_the_edge_carries_its_caller() -> None:
    """Held in the text of the edge: a question that is built there without a caller would be the operator's."""
    folder = Path(__file__).parents[2] / "server/graphql"
    calls = [
        node
        for path in sorted(folder.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Question", "Patient")
    ]
    assert {node.func.id for node in calls if isinstance(node.func, ast.Name)} == {"Question", "Patient"}
    assert all("caller" in [each.arg for each in node.keywords] for node in calls)


async def test_another_engine_than_ours_is_asked_with_the_caller_too(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Question] = []
    ask = Engine.ask

    async def kept(self: Engine, question: Question, supplied: Any = None) -> Any:
        asked.append(question)
        return await ask(self, question, supplied)

    monkeypatch.setattr(Engine, "ask", kept)
    async with granted_app(SeenRequests(ehr=MINE), cache=OFF) as app:
        await app.results(make_grant(), query())
    (question,) = asked
    assert question.caller is not None and question.caller.patient == ("ehr", "p1")
    assert "p1" not in repr(question.caller) and TOKEN not in repr(question)

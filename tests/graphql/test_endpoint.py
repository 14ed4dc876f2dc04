import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collectors.errors import PatientNotFoundError
from ontology.values import Absent, AbsentReason, Bound, Coding, Date, Quantity, Series
from server.errors import UnknownConceptError
from server.explain.explain import explain
from server.graphql import errors
from server.graphql.documents import KEPT
from server.graphql.endpoint import GraphQL
from server.graphql.whole import WHOLE
from server.settings import ServerSettings
from tests.support import traces as t
from tests.support.fake_engine import FakeEngine

Json = dict[str, Any]
POSTED = {"type": "http", "method": "POST", "path": "/", "headers": [(b"content-type", b"application/json")]}
TEXT = '{ patient(id: "p-17") { results(of: ["egfr"]) { text } } }'


def endpoint(engine: FakeEngine | None = None, **settings: Any) -> GraphQL:
    return GraphQL(engine or FakeEngine(), ServerSettings(**settings))


async def ask(query: str, engine: FakeEngine | None = None, variables: Json | None = None, **settings: Any) -> Json:
    told, _ = await endpoint(engine, **settings).run(query, variables)
    json.dumps(told)
    return told


def codes(told: Json) -> list[str]:
    return [error["extensions"]["code"] for error in told.get("errors", [])]


@pytest.mark.parametrize("name", sorted(t.EVERY_TRACE))
async def test_the_whole_of_every_answer_crosses_the_wire(name: str) -> None:
    trace = t.EVERY_TRACE[name]()
    told = await ask(WHOLE, FakeEngine(lambda: trace), {"patient": "p-17", "of": ["egfr"]})
    assert "errors" not in told
    results = told["data"]["patient"]["results"]
    expected = explain(trace)
    assert [r["status"] for r in results] == [e.status.value for e in expected]
    assert [r["text"] for r in results] == [e.text for e in expected]
    assert [[s["module"]["id"] for s in r["chain"]] for r in results] == [
        [step.module.id for step in e.chain] for e in expected
    ]


async def test_every_kind_of_value_crosses_the_wire() -> None:
    coded = t.Slot("c", t.replace(t.CREATININE, id="coded"), t.Select.LATEST, True)
    values = [
        (Quantity(Decimal("1.50"), "mg/dL"), {"__typename": "Quantity", "value": 1.5, "unit": "mg/dL"}),
        (False, {"__typename": "Flag", "is": False}),
        (Coding("s", "c", "d"), {"__typename": "Coding", "system": "s", "code": "c", "display": "d"}),
        (Absent(AbsentReason.STALE), {"__typename": "Absent", "reason": "STALE"}),
        (
            Date(datetime(1960, 1, 1).date(), datetime(1960, 12, 31).date()),
            {"__typename": "Date", "start": "1960-01-01", "end": "1960-12-31"},
        ),
        (
            Bound("<", Decimal(5), "mg/g"),
            {"__typename": "Bound", "comparator": "<", "value": 5.0, "unit": "mg/g"},
        ),
        (
            Series(((t.DRAWN, Decimal("1.1")),), "mg/dL"),
            {"__typename": "Series", "unit": "mg/dL", "points": [{"time": "2026-06-01T08:30:00+00:00", "value": 1.1}]},
        ),
    ]
    trace = t.trace((), leaves=tuple(t.filled(coded, value) for value, _ in values))
    told = await ask(WHOLE, FakeEngine(lambda: trace), {"patient": "p-17", "of": ["egfr"]})
    assert [r["value"] for r in told["data"]["patient"]["results"]] == [wire for _, wire in values]


async def test_all_concepts_of_one_call_are_one_question_and_the_patient_alone_is_none() -> None:
    engine = FakeEngine()
    results = 'results(of: ["egfr", "uacr"], at: "2026-06-01T10:00:00+02:00") { text }'
    query = f'{{ patient(id: "p-17") {{ id reference {results} }} }}'
    told = await ask(query, engine)
    assert told["data"]["patient"]["reference"] == "http://127.0.0.1:8191/fhir/Patient/p-17"
    assert [(q.patient, q.of, q.source, q.at) for q in engine.asked] == [
        ("p-17", ("egfr", "uacr"), "ehr", datetime(2026, 6, 1, 8, tzinfo=UTC))
    ]
    alone = FakeEngine()
    await ask('{ patient(id: "p-17") { id reference } }', alone)
    assert alone.asked == []


async def test_the_chain_as_rdf_and_as_fhir() -> None:
    query = (
        '{ patient(id: "p-17") { results(of: ["egfr"]) { provenance ld: provenance(format: JSON_LD) '
        "other: provenance(format: null) fhir } } }"
    )
    (result,) = (await ask(query))["data"]["patient"]["results"]
    assert result["provenance"].startswith("@prefix")
    assert result["other"] == result["provenance"]
    assert json.loads(result["ld"])
    assert result["fhir"]["resourceType"] == "Bundle"


async def test_modules_and_one_concept_of_them() -> None:
    query = (
        "query M($of: ID) { modules(produces: $of) "
        "{ id kind citation produces { id } turtle slots { name select window required unit } } }"
    )
    everything = (await ask(query))["data"]["modules"]
    assert [m["id"] for m in everything] == sorted(t.MODULES)
    (egfr,) = (await ask(query, variables={"of": "egfr"}))["data"]["modules"]
    assert egfr["slots"][0] == {
        "name": "creatinine",
        "select": "latest",
        "window": "P90D",
        "required": True,
        "unit": "mg/dL",
    }
    assert codes(await ask(query, variables={"of": "nothing"})) == ["unknown-concept"]


@pytest.mark.parametrize("at", ["2026-06-01T08:30:00", "yesterday", "2026-13-01T00:00:00Z", 5, True])
async def test_a_time_without_a_zone_is_refused(at: Any) -> None:
    query = 'query T($at: DateTime) { patient(id: "p-17") { results(of: ["egfr"], at: $at) { text } } }'
    engine = FakeEngine()
    told = await ask(query, engine, {"at": at})
    assert codes(told) == ["invalid-query"]
    assert "DateTime" in told["errors"][0]["message"]
    assert engine.asked == []


@pytest.mark.parametrize("value", ["1e999", "-1e999"])
async def test_numbers_that_are_not_finite_are_refused(value: str) -> None:
    engine = FakeEngine()
    told = await ask(
        '{ patient(id: "p-17") { results(of: ["egfr"], assume: '
        f'[{{concept: "serum-creatinine", quantity: {{value: {value}, unit: "mg/dL"}}}}]) {{ text }} }} }}',
        engine,
    )
    assert "errors" in told
    assert engine.asked == []


@pytest.mark.parametrize(
    ("raised", "code", "text"),
    [
        (UnknownConceptError("no concept has this id"), "unknown-concept", "no concept has this id"),
        (
            PatientNotFoundError("the source holds no such patient"),
            "patient-not-found",
            "the source holds no such patient",
        ),
    ],
)
async def test_our_own_errors_keep_their_words(raised: Exception, code: str, text: str) -> None:
    told = await ask(TEXT, FakeEngine(raised))
    assert told["errors"][0]["message"] == text
    assert codes(told) == [code]


async def test_any_other_error_is_an_id_and_its_text_goes_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told = await ask(TEXT, FakeEngine(RuntimeError("p-17 has a creatinine of 1.6")))
    (error,) = told["errors"]
    assert codes(told) == ["internal"]
    assert error["message"] == f"internal error {error['extensions']['id']}"
    assert error["extensions"]["id"] in caplog.text
    assert "RuntimeError" in caplog.text
    assert "p-17" not in caplog.text + json.dumps(told["errors"])
    assert "creatinine" not in caplog.text


async def test_nothing_is_logged_of_a_question_or_a_refused_one(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await ask(TEXT)
    await ask('{ patient(id: "p-17") { nothing } }')
    await ask(TEXT, FakeEngine(UnknownConceptError("no concept has this id")))
    assert "p-17" not in caplog.text


async def test_the_value_of_a_refused_variable_is_not_repeated() -> None:
    query = 'query T($of: [ID!]!, $a: [Assumption!]) { patient(id: "p-17") { results(of: $of, assume: $a) { text } } }'
    assumption = {"concept": "uacr", "quantity": {"value": "Jane", "unit": 1}, "Doe": "Jane"}
    for variables in ({"of": {"name": "Jane Doe"}}, {"of": ["egfr"], "a": [assumption]}):
        told = await ask(query, variables=variables)
        assert "Jane" not in json.dumps(told)
        assert set(codes(told)) == {"invalid-query"}
    told = await ask('{ patient(id: {name: "Jane"}) { results(of: [{name: "Jane"}]) { text } } }')
    assert "Jane" not in json.dumps(told)


@pytest.mark.parametrize("of", ["[]", json.dumps(["egfr"] * 51)])
async def test_a_question_names_at_least_one_concept_and_not_too_many(of: str) -> None:
    engine = FakeEngine()
    told = await ask(f'{{ patient(id: "p-17") {{ results(of: {of}) {{ text }} }} }}', engine)
    assert codes(told)[0] in {"no-concepts", "too-many-concepts"}
    assert engine.asked == []


async def test_a_source_must_be_said_where_there_are_several() -> None:
    two = FakeEngine(sources=("a", "b"))
    told = await ask(TEXT, two)
    assert codes(told) == ["source-required"]
    assert "a, b" in told["errors"][0]["message"]
    assert codes(await ask('{ patient(id: "p-17", source: "c") { id } }', two)) == ["unknown-source"]
    assert "errors" not in await ask('{ patient(id: "p-17", source: "b") { id } }', two)


@pytest.mark.parametrize("patient", ["a/b", "a?b", "", "x" * 65, "..%2f"])
async def test_an_id_that_is_none_is_refused_and_not_repeated(patient: str) -> None:
    told = await ask("query P($id: ID!) { patient(id: $id) { reference } }", variables={"id": patient})
    assert codes(told) == ["patient-not-found"]
    assert not patient or patient not in told["errors"][0]["message"]


@pytest.mark.parametrize(
    ("query", "settings", "code"),
    [
        (TEXT, {"max_depth": 2}, "query-too-deep"),
        (
            f"query A {{ {' '.join(f'm{i}: modules {{ id }}' for i in range(4))} }}",
            {"max_aliases": 3},
            "too-many-aliases",
        ),
        ("{ modules { id iri title version kind citation turtle } }", {"max_complexity": 10}, None),
        (
            "{ modules { id iri title version kind citation turtle slots { name select } } }",
            {"max_complexity": 10},
            "query-too-complex",
        ),
        ("query { ...a } fragment a on Query { modules { id } ...a }", {}, "invalid-query"),
        ("{ modules { nothing } }", {}, "invalid-query"),
        ("{ modules {", {}, "invalid-query"),
        ("{" * 9000, {}, "invalid-query"),
        ("{ modules { id } }" + "#\n" * 9000, {}, "invalid-query"),
        ("mutation { patient }", {}, "invalid-query"),
    ],
)
async def test_what_a_query_may_cost(query: str, settings: Json, code: str | None) -> None:
    assert codes(await ask(query, **settings))[:1] == ([code] if code else [])


async def test_selections_count_once_for_each_concept() -> None:
    literal = '{ patient(id: "p-17") { results(of: ["egfr","uacr","egfr","uacr"]) { text status effective } } }'
    variable = 'query V($of: [ID!]!) { patient(id: "p-17") { results(of: $of) { text status effective } } }'
    engine = FakeEngine()
    assert codes(await ask(literal, engine, max_complexity=13)) == ["query-too-complex"]
    assert codes(await ask(variable, engine, {"of": ["egfr"] * 4}, max_complexity=13)) == ["query-too-complex"]
    assert engine.asked == []
    assert codes(await ask(literal, max_complexity=14)) == []
    assert codes(await ask(variable, variables={"of": ["egfr"] * 4}, max_complexity=14)) == []


async def test_the_default_of_a_variable_counts_as_its_value_would() -> None:
    body = '{ patient(id: "p-17") { results(of: $of) { text status effective } } }'
    query = f'query V($of: [ID!]! = ["egfr","uacr","egfr","uacr"]) {body}'
    engine = FakeEngine()
    assert codes(await ask(query, engine, max_complexity=13)) == ["query-too-complex"]
    assert engine.asked == []
    assert codes(await ask(query, max_complexity=14)) == []
    assert codes(await ask(query, variables={"of": ["egfr"]}, max_complexity=10)) == []
    behind = f"query W {{ modules {{ id }} }} {query}"
    for operation, code in (("V", ["query-too-complex"]), ("W", [])):
        told, _ = await endpoint(max_complexity=13).run(behind, {}, operation)
        assert codes(told) == code


@pytest.mark.parametrize("name", ["provenance", "fhir", "argument"])
async def test_a_field_that_is_a_document_counts_as_many(name: str) -> None:
    query = f'{{ patient(id: "p-17") {{ results(of: ["egfr"]) {{ {name} }} }} }}'
    assert codes(await ask(query, max_complexity=21)) == ["query-too-complex"]
    assert codes(await ask(query, max_complexity=22)) == []


async def test_fragments_that_spread_each_other_are_reckoned_without_running() -> None:
    # Each level doubles the one below: 2^40 fields, which nobody may wait for.
    doubling = " ".join(f"fragment f{i} on Query {{ ...f{i + 1} ...f{i + 1} }}" for i in range(40))
    told = await ask(f"query {{ ...f0 }} {doubling} fragment f40 on Query {{ modules {{ id }} }}")
    assert codes(told) == ["query-too-complex"]


async def test_a_query_is_read_once_and_few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    over = endpoint()
    read: list[str] = []
    original: Callable[[str], Any] = over.documents._read
    monkeypatch.setattr(over.documents, "_read", lambda query: read.append(query) or original(query))
    asked = "query($p: ID!) { patient(id: $p) { id } }"
    for _ in range(3):
        await over.run(asked, {"p": "p-17"})
    assert read == [asked]
    for number in range(KEPT + 5):
        await over.run(f"query Q{number} {{ modules {{ id }} }}")
    assert len(over.documents._known) == KEPT


@pytest.mark.parametrize(
    "query",
    [
        TEXT,
        'query($p: ID! = "p-17") { patient(id: $p) { id } }',
        'query($p: ID!) { patient(id: $p) { results(of: ["egfr"], at: "2026-06-30T12:00:00Z") { text } } }',
        'query($p: ID!) { patient(id: $p) { results(of: ["egfr"], assume: []) { text } } }',
        'query { patient(id: "p-17") { nothing } }',
        "query { modules { id } } # " + "p-17 " * 5_000,
    ],
)
async def test_a_query_that_may_name_a_patient_is_forgotten(query: str) -> None:
    over = endpoint()
    await over.run(query, {"p": "p-17"} if "$p: ID!)" in query else {})
    assert not over.documents._known


async def test_equal_fields_are_not_compared_without_end() -> None:
    # The comparison of fields of one name grows with the square of their number.
    assert codes(await ask("{ " + 'patient(id: "x") { id } ' * 850 + "}", max_complexity=10_000)) == ["invalid-query"]


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
async def test_a_body_that_nests_too_deeply_is_none(opening: str, closing: str) -> None:
    body = f'{{"query": "{{ __typename }}", "variables": {{"a": {opening * 9_000}1{closing * 9_000}}}}}'

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body.encode()}

    answer = await endpoint()(Request(POSTED, receive))
    assert (answer.status_code, codes(json.loads(bytes(answer.body)))) == (400, ["bad-request"])


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def never() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    answer = await endpoint(deadline=0.01)(Request(POSTED, never))
    assert (answer.status_code, codes(json.loads(bytes(answer.body)))) == (408, ["body-too-slow"])


async def test_an_unknown_operation_and_a_missing_variable() -> None:
    over = endpoint()
    told, status = await over.run("query A { modules { id } } query B { modules { id } }", {}, "C")
    assert (codes(told), status) == (["invalid-query"], 400)
    told, status = await over.run("query A($id: ID!) { patient(id: $id) { id } }", {})
    assert (codes(told), status) == (["invalid-query"], 400)


async def test_introspection_works() -> None:
    told = await ask("{ __schema { queryType { name } types { name } } }")
    assert told["data"]["__schema"]["queryType"] == {"name": "Query"}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    over = GraphQL(FakeEngine(), ServerSettings(max_query_bytes=2048))

    async def serve(request: Request) -> Response:
        return await over(request)

    app = Starlette(routes=[Route("/graphql", serve, methods=["GET", "POST", "PUT"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://medtwin") as made:
        yield made


async def in_pieces() -> AsyncIterator[bytes]:
    yield b" " * 1500
    yield b" " * 1500


async def test_a_query_over_http(client: httpx.AsyncClient) -> None:
    body = {"query": TEXT, "operationName": None, "variables": None, "extensions": {}}
    answer = await client.post("/graphql", json=body)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["data"]["patient"]["results"][0]["text"].startswith("Kidney failure risk")


AS_JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("method", "sent", "status", "code"),
    [
        ("GET", {"params": {"query": TEXT}}, 405, "method-not-allowed"),
        ("PUT", {"json": {"query": TEXT}}, 405, "method-not-allowed"),
        ("POST", {"json": [{"query": TEXT}]}, 400, "bad-request"),
        ("POST", {"json": {"query": 1}}, 400, "bad-request"),
        ("POST", {"json": {}}, 400, "bad-request"),
        ("POST", {"content": b"{", "headers": AS_JSON}, 400, "bad-request"),
        ("POST", {"content": b'{"query":"\xff"}', "headers": AS_JSON}, 400, "bad-request"),
        ("POST", {"data": {"query": TEXT}}, 415, "content-type"),
        ("POST", {"json": {"query": " " * 3000}}, 413, "query-too-large"),
        ("POST", {"content": None, "headers": AS_JSON}, 413, "query-too-large"),
        ("POST", {"json": {"query": "{ nothing }"}}, 400, "invalid-query"),
    ],
)
async def test_requests_that_are_none(
    client: httpx.AsyncClient, method: str, sent: dict[str, Any], status: int, code: str
) -> None:
    # A body in pieces declares no length.
    sent = {**sent, "content": in_pieces()} if sent.get("content", b"") is None else sent
    answer = await client.request(method, "/graphql", **sent)
    assert (answer.status_code, codes(answer.json())) == (status, [code])


def test_the_code_of_an_error_without_one_is_its_name() -> None:
    assert errors.code_of(PatientNotFoundError("x")) == "patient-not-found"
    assert errors.code_of(UnknownConceptError("x")) == "unknown-concept"

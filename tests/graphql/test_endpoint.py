import json
import logging
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from collectors.errors import PatientNotFoundError
from ontology.slots import Select, Slot
from ontology.values import Absent, AbsentReason, Bound, Coding, Date, Quantity, Series, Value
from server.errors import UnknownConceptError
from server.explain.explain import explain
from server.graphql import errors
from server.graphql.full_query import FULL_QUERY
from tests.support import traces as t
from tests.support.fake_engine import TEXT, FakeEngine, ask, endpoint, error_codes


@pytest.mark.parametrize("name", sorted(t.EVERY_TRACE))
async def test_the_whole_of_every_answer_crosses_the_wire(name: str) -> None:
    trace = t.EVERY_TRACE[name]()
    told = await ask(FULL_QUERY, FakeEngine(lambda: trace), {"patient": "p-17", "of": ["egfr"]})
    assert "errors" not in told
    results = told["data"]["patient"]["results"]
    expected = explain(trace)
    assert [r["status"] for r in results] == [e.status.value for e in expected]
    assert [r["text"] for r in results] == [e.text for e in expected]
    assert [[s["module"]["id"] for s in r["chain"]] for r in results] == [
        [step.module.id for step in e.chain] for e in expected
    ]


async def test_every_kind_of_value_crosses_the_wire() -> None:
    coded = Slot("c", replace(t.CREATININE, id="coded"), Select.LATEST, True)
    values: list[tuple[Value, dict[str, Any]]] = [
        (
            Quantity(Decimal("1.50"), "mg/dL"),
            {"__typename": "Quantity", "value": 1.5, "unit": "mg/dL", "text": "1.5 mg/dL"},
        ),
        (False, {"__typename": "Flag", "is": False}),
        (Coding("s", "c", "d"), {"__typename": "Coding", "system": "s", "code": "c", "display": "d"}),
        (Absent(AbsentReason.STALE), {"__typename": "Absent", "reason": "STALE"}),
        (
            Date(datetime(1960, 1, 1).date(), datetime(1960, 12, 31).date()),
            {"__typename": "DateRange", "start": "1960-01-01", "end": "1960-12-31"},
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
    told = await ask(FULL_QUERY, FakeEngine(lambda: trace), {"patient": "p-17", "of": ["egfr"]})
    assert [r["value"] for r in told["data"]["patient"]["results"]] == [wire for _, wire in values]


async def test_all_concepts_of_one_call_are_one_question_and_the_patient_alone_is_none() -> None:
    engine = FakeEngine()
    results = 'results(of: ["egfr", "uacr"], at: "2026-06-01T10:00:00+02:00") { text }'
    query = f'{{ patient(id: "p-17") {{ id reference {results} }} }}'
    told = await ask(query, engine)
    assert told["data"]["patient"]["reference"] == "http://127.0.0.1:8191/fhir/Patient/p-17"
    assert [(q.patient, q.concepts, q.source, q.at) for q in engine.questions] == [
        ("p-17", ("egfr", "uacr"), "ehr", datetime(2026, 6, 1, 8, tzinfo=UTC))
    ]
    alone = FakeEngine()
    await ask('{ patient(id: "p-17") { id reference } }', alone)
    assert alone.questions == []


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
    assert error_codes(await ask(query, variables={"of": "nothing"})) == ["unknown-concept"]


@pytest.mark.parametrize("at", ["2026-06-01T08:30:00", "yesterday", "2026-13-01T00:00:00Z", 5, True])
async def test_a_time_without_a_zone_is_refused(at: Any) -> None:
    query = 'query T($at: DateTime) { patient(id: "p-17") { results(of: ["egfr"], at: $at) { text } } }'
    engine = FakeEngine()
    told = await ask(query, engine, {"at": at})
    assert error_codes(told) == ["invalid-query"]
    assert "DateTime" in told["errors"][0]["message"]
    assert engine.questions == []


@pytest.mark.parametrize("value", ["1e999", "-1e999"])
async def test_numbers_that_are_not_finite_are_refused(value: str) -> None:
    engine = FakeEngine()
    told = await ask(
        '{ patient(id: "p-17") { results(of: ["egfr"], assume: '
        f'[{{concept: "serum-creatinine", quantity: {{value: {value}, unit: "mg/dL"}}}}]) {{ text }} }} }}',
        engine,
    )
    assert "errors" in told
    assert engine.questions == []


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
    assert error_codes(told) == [code]


async def test_any_other_error_is_an_id_and_its_text_goes_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told = await ask(TEXT, FakeEngine(RuntimeError("p-17 has a creatinine of 1.6")))
    (error,) = told["errors"]
    assert error_codes(told) == ["internal"]
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
        assert set(error_codes(told)) == {"invalid-query"}
    told = await ask('{ patient(id: {name: "Jane"}) { results(of: [{name: "Jane"}]) { text } } }')
    assert "Jane" not in json.dumps(told)


@pytest.mark.parametrize("of", ["[]", json.dumps(["egfr"] * 51)])
async def test_a_question_names_at_least_one_concept_and_not_too_many(of: str) -> None:
    engine = FakeEngine()
    told = await ask(f'{{ patient(id: "p-17") {{ results(of: {of}) {{ text }} }} }}', engine)
    assert error_codes(told)[0] in {"no-concepts", "too-many-concepts"}
    assert engine.questions == []


async def test_a_source_must_be_said_where_there_are_several() -> None:
    two = FakeEngine(sources=("a", "b"))
    told = await ask(TEXT, two)
    assert error_codes(told) == ["source-required"]
    assert "a, b" in told["errors"][0]["message"]
    assert error_codes(await ask('{ patient(id: "p-17", source: "c") { id } }', two)) == ["unknown-source"]
    assert "errors" not in await ask('{ patient(id: "p-17", source: "b") { id } }', two)


@pytest.mark.parametrize("patient", ["a/b", "a?b", "", "x" * 65, "..%2f"])
async def test_an_id_that_is_none_is_refused_and_not_repeated(patient: str) -> None:
    told = await ask("query P($id: ID!) { patient(id: $id) { reference } }", variables={"id": patient})
    assert error_codes(told) == ["patient-not-found"]
    assert not patient or patient not in told["errors"][0]["message"]


async def test_an_unknown_operation_and_a_missing_variable() -> None:
    over = endpoint()
    told, status = await over.run("query A { modules { id } } query B { modules { id } }", {}, "C")
    assert (error_codes(told), status) == (["invalid-query"], 400)
    told, status = await over.run("query A($id: ID!) { patient(id: $id) { id } }", {})
    assert (error_codes(told), status) == (["invalid-query"], 400)


async def test_introspection_works() -> None:
    told = await ask("{ __schema { queryType { name } types { name } } }")
    assert told["data"]["__schema"]["queryType"] == {"name": "Query"}


def test_the_code_of_an_error_without_one_is_its_name() -> None:
    assert errors.error_code(PatientNotFoundError("x")) == "patient-not-found"
    assert errors.error_code(UnknownConceptError("x")) == "unknown-concept"

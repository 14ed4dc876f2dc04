"""Records themselves, asked for with answers: whose they are, in which version, and what is requested for them."""

import asyncio
import json
import logging
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest
from graphql import GraphQLObjectType

from server.executor.record_question import MOST_RECORDS
from server.explain.prov import Form, serialize_record
from server.graphql import originals
from server.graphql.endpoint import GraphQL
from server.graphql.schema import build_core_schema
from tests.support.charts import creatinine, patient
from tests.support.fake_fhir_servers import application_client
from tests.support.granted_questions import TOKEN, WHEN, Json, codes, granted_app, make_grant, source
from tests.support.readable_servers import GONE, MISSING, Answer, ReadableServers, answering, versioned

OFF = {"enabled": False}
DAY = "2026-06-02T12:00:00Z"
FIELDS = "type logicalId resource rdf"
MRN = [{"system": "urn:mrn", "value": "17-A"}]


def chart(of: str = "p1", value: str = "1.10", **more: Any) -> list[Json]:
    """A patient with one creatinine, in versions, its number as it is written."""
    quantity = {"value": Decimal(value), "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL"}
    found = creatinine(1, WHEN, id=f"o-{of}", of=of, valueQuantity=quantity)
    return [versioned(patient(id=of, **more)), versioned(found, "2")]


def query(fields: str = FIELDS, of: str = "p1", concept: str = "serum-creatinine") -> str:
    return (
        f'{{ patient(id: "{of}", source: "ehr") {{ results(of: ["{concept}"], at: "{DAY}") {{'
        f" status records {{ {fields} }} }} }} }}"
    )


def records(response: Json) -> list[Json]:
    found: list[Json] = response["data"]["patient"]["results"][0]["records"]
    return found


async def test_the_record_is_given_as_it_came() -> None:
    servers = ReadableServers(ehr=chart())
    async with granted_app(servers, cache=OFF) as app, application_client(app.engine) as client:
        sent = await client.post("/graphql", json={"query": query()}, headers={"host": "localhost"})
    assert b'"value":1.10,' in sent.content.replace(b" ", b"")
    (found,) = records(sent.json())
    assert found["resource"]["id"] == found["logicalId"] == "o-p1"
    assert found["resource"]["meta"]["versionId"] == "2"
    assert '"1.10"^^xsd:decimal' in found["rdf"] or "fhir:value 1.10" in found["rdf"]
    # Both fields are one request, for the version that was read.
    assert servers.reads == [("ehr", "Observation/o-p1/_history/2")]


async def test_nothing_is_requested_that_nobody_asks_for() -> None:
    servers = ReadableServers(ehr=chart())
    async with granted_app(servers, cache=OFF) as app:
        assert "errors" not in await app.ask(None, query("url"))
    assert servers.reads == []


async def test_a_record_without_a_version_is_read_as_it_is_now() -> None:
    servers = ReadableServers(ehr=[patient(), creatinine(1.5, WHEN, id="o-p1")])
    async with granted_app(servers, cache=OFF) as app:
        assert "errors" not in await app.ask(None, query())
    assert servers.reads == [("ehr", "Observation/o-p1")]


async def test_nothing_is_kept_between_requests() -> None:
    servers = ReadableServers(ehr=chart())
    async with granted_app(servers) as app:
        for _ in range(2):
            assert "errors" not in await app.ask(None, query())
    assert len(servers.reads) == 2


VREAD, READ = ("ehr", "Observation/o-p1/_history/2"), ("ehr", "Observation/o-p1")
NO_FHIR = answering(b"<html>SECRET", 404, **{"content-type": "text/html"})
OTHERS = {**chart("p2")[1], "id": "o-p1", "note": [{"text": "SECRET of another"}]}


def redirected(request: httpx.Request) -> httpx.Response:
    return httpx.Response(302, headers={"location": "https://evil.example/fhir/Observation/o-p1"})


def unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused SECRET", request=request)


async def never(_: httpx.Request) -> httpx.Response:
    await asyncio.sleep(60)
    raise AssertionError("nobody waits for so long")


@pytest.mark.parametrize(
    ("faults", "code", "reads"),
    [
        ({VREAD: MISSING, READ: MISSING}, "version-gone", 2),
        ({VREAD: GONE, READ: GONE}, "version-gone", 2),
        ({VREAD: MISSING, READ: answering(versioned(chart()[1], "3"))}, "version-gone", 2),
        ({VREAD: answering(versioned(chart()[1], "3"))}, "version-gone", 1),
        ({VREAD: answering({**chart()[1], "meta": {}})}, "version-gone", 1),
        # A source that keeps no versions may still have this one.
        ({VREAD: MISSING}, None, 2),
        ({VREAD: answering({}, 400)}, None, 2),
        ({VREAD: answering({}, 405)}, None, 2),
        ({VREAD: NO_FHIR}, None, 2),
        ({VREAD: answering({}, 405), READ: answering(versioned(chart()[1], "3"))}, "version-gone", 2),
        ({VREAD: answering({}, 405), READ: MISSING}, "version-gone", 2),
        ({VREAD: NO_FHIR, READ: NO_FHIR}, "source-answer", 2),
        # Found by a search as the patient's, and another's when it is read.
        ({VREAD: answering(OTHERS)}, "other-patient", 1),
        ({VREAD: answering({**OTHERS, "subject": None})}, "other-patient", 1),
        ({VREAD: answering({**chart()[1], "id": "o-x"})}, "source-answer", 1),
        ({VREAD: answering({**chart()[1], "resourceType": "Condition"})}, "source-answer", 1),
        ({VREAD: answering(b"SECRET")}, "source-answer", 1),
        ({VREAD: answering(b'{"resourceType":"Observation","SECRET":1')}, "source-answer", 1),
        ({VREAD: answering(chart()[1], 200, **{"content-type": "text/html"})}, "source-answer", 1),
        ({VREAD: answering(b"x" * (3 * 1024 * 1024))}, "source-answer", 1),
        ({VREAD: answering(chart()[1], 401)}, "source-refused", 1),
        ({VREAD: answering(chart()[1], 403)}, "source-refused", 1),
        ({VREAD: answering(chart()[1], 500)}, "source-unreachable", 1),
        ({VREAD: answering(chart()[1], 204)}, "source-answer", 1),
        ({VREAD: redirected}, "source-answer", 1),
        ({VREAD: never}, "source-unreachable", 1),
    ],
)  # fmt: skip
async def test_what_cannot_be_had_is_null_with_a_code_and_nothing_of_it_is_told(
    faults: dict[tuple[str, str], Answer], code: str | None, reads: int, caplog: pytest.LogCaptureFixture
) -> None:
    servers = ReadableServers(ehr=chart())
    servers.faults = faults
    few = {"max_bytes": 2 * 1024 * 1024, "timeout": 0.2}
    caplog.set_level(logging.DEBUG)
    async with granted_app(servers, source("ehr", **few), cache=OFF) as app:
        told = await app.ask(None, query())
    (found,) = records(told)
    assert (found["type"], found["logicalId"]) == ("Observation", "o-p1")
    assert len(servers.reads) == reads
    if code is None:
        assert codes(told) == [] and found["rdf"]
        return
    assert codes(told) == [code, code]
    assert (found["resource"], found["rdf"]) == (None, None)
    assert [error["path"][-1] for error in told["errors"]] == ["resource", "rdf"]
    assert "SECRET" not in json.dumps(told) + caplog.text and "o-x" not in json.dumps(told)


async def test_a_source_that_goes_away_in_between() -> None:
    servers = ReadableServers(ehr=chart())
    servers.faults = {VREAD: unreachable}
    async with granted_app(servers, cache=OFF) as app:
        told = await app.ask(None, query("resource"))
    assert codes(told) == ["source-unreachable"] and records(told) == [{"resource": None}]


async def test_whoever_goes_away_ends_what_is_requested_for_them() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def waiting(_: httpx.Request) -> httpx.Response:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        raise AssertionError("nobody waits for so long")

    servers = ReadableServers(ehr=chart())
    servers.faults = {VREAD: waiting}
    async with granted_app(servers, cache=OFF) as app:
        asked = asyncio.create_task(app.ask(None, query()))
        await asyncio.wait_for(begun.wait(), 10)
        asked.cancel()
        await asyncio.wait_for(ended.wait(), 10)
        with pytest.raises(asyncio.CancelledError):
            await asked


@pytest.mark.parametrize(
    ("scope", "code"),
    [
        ("patient/*.rs", None),
        ("user/*.read", None),
        ("patient/Patient.rs patient/Observation.rs", None),
        # What was found by a search may not be read without the right to.
        ("patient/Patient.rs patient/Observation.s", "none"),
        ("patient/Patient.rs patient/Observation.rs?category=laboratory", "none"),
    ],
)
async def test_the_scopes_of_the_caller_hold(scope: str, code: str | None) -> None:
    servers = ReadableServers(ehr=chart())
    async with granted_app(servers, cache=OFF) as app:
        told = await app.ask(make_grant(scope=scope), query())
    assert (records(told) == []) is (code == "none")
    assert len(servers.reads) == (0 if code else 1) and codes(told) == []


async def test_what_was_retrieved_for_another_scope_does_not_open_a_type() -> None:
    """The answer rests on a cached search; the record itself is read with the rights of this caller."""
    servers = ReadableServers(ehr=chart())
    kept = source("ehr", freshness={"patient": 300, "observation": 300})
    async with granted_app(servers, kept) as app:
        assert codes(await app.ask(make_grant(), query())) == []
        servers.reads.clear()
        assert records(await app.ask(make_grant(scope="patient/Patient.rs"), query())) == []
        assert codes(await app.ask(make_grant("p2"), query())) == ["other-patient"]
    assert servers.reads == []


async def test_a_token_that_is_passed_on_goes_to_its_source_and_into_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    servers = ReadableServers(ehr=chart())
    servers.faults = {VREAD: answering(chart()[1], 403)}
    caplog.set_level(logging.DEBUG)
    async with granted_app(servers, source("ehr", auth="caller"), cache=OFF) as app:
        audience = frozenset({"https://ehr.example/fhir"})
        told = await app.ask(make_grant(audience=audience, own_audience=frozenset()), query())
    assert codes(told) == ["source-refused"] * 2
    assert set(servers.tokens) == {("ehr", f"Bearer {TOKEN}")} and servers.reads
    assert TOKEN not in json.dumps(told) + caplog.text


@pytest.mark.parametrize(("theirs", "code"), [("x9", None), ("x8", "other-patient"), ("p1", "other-patient")])
async def test_of_a_joined_source_the_patient_is_whom_it_was_joined_by(theirs: str, code: str | None) -> None:
    newer = {**creatinine(2.7, "2026-06-02T08:30:00Z", id="o-x9", of="x9"), "meta": {"versionId": "1"}}
    servers = ReadableServers(ehr=chart(identifier=MRN), lab=[patient(id="x9", identifier=MRN), newer])
    servers.faults = {
        ("lab", "Observation/o-x9/_history/1"): answering({**newer, "subject": {"reference": f"Patient/{theirs}"}})
    }
    sources = [source(name, identifiers=["urn:mrn"]) for name in ("ehr", "lab")]
    async with granted_app(servers, *sources, cache=OFF) as app:
        told = await app.ask(make_grant(sources=frozenset({"ehr", "lab"})), query())
    assert servers.reads == [("lab", "Observation/o-x9/_history/1")]
    assert codes(told) == ([code] * 2 if code else [])


async def test_two_patients_of_one_request_have_each_their_own() -> None:
    servers = ReadableServers(ehr=[*chart("p1"), *chart("p2")])
    moved = {**chart("p2")[1], "id": "o-p1"}
    servers.faults = {VREAD: answering(moved)}
    one, two = (query("resource", of)[1:-1] for of in ("p1", "p2"))
    async with granted_app(servers, cache=OFF) as app:
        told = await app.ask(None, f"{{ a: {one} b: {two} }}")
    # The caller may ask about both: still a record of the one is none of the other.
    assert codes(told) == ["other-patient"] and told["errors"][0]["path"][0] == "a"
    assert told["data"]["b"]["results"][0]["records"][0]["resource"] is not None


@pytest.mark.parametrize("aliases", ["ab", "ba"])
@pytest.mark.parametrize("now", ["p1", "p2"])
async def test_a_record_that_went_from_one_patient_to_another_is_not_shown_as_the_others(
    now: str, aliases: str
) -> None:
    """Without versions two answers rest on one name; as the record is now, it is one patient's alone."""
    charts = {of: [patient(id=of), creatinine(1.5, WHEN, id="o-x", of=of)] for of in ("p1", "p2")}
    servers = ReadableServers(ehr=[*charts["p1"], *charts["p2"]])
    servers.faults = {("ehr", "Observation/o-x"): answering(charts[now][1])}
    whose = {"a": "p1", "b": "p2"}
    asked = " ".join(f"{name}: {query(of=whose[name])[1:-1]}" for name in aliases)
    async with granted_app(servers, cache=OFF) as app:
        told = await app.ask(None, f"{{ {asked} }}")
    assert set(codes(told)) == {"other-patient"}
    for name in aliases:
        (found,) = told["data"][name]["results"][0]["records"]
        assert found["logicalId"] == "o-x"
        if whose[name] != now:
            assert (found["resource"], found["rdf"]) == (None, None)


def many(count: int) -> list[Json]:
    points = [
        creatinine(1.0, f"2026-03-{1 + each // 24:02}T{each % 24:02}:00:00Z", id=f"o{each}") for each in range(count)
    ]
    return [versioned(patient()), *map(versioned, points)]


@pytest.mark.parametrize("count", [MOST_RECORDS - 3, MOST_RECORDS, MOST_RECORDS + 1])
async def test_at_most_fifty_records_a_request(count: int) -> None:
    servers = ReadableServers(ehr=many(count))
    text = (
        f'{{ patient(id: "p1") {{ results(of: ["egfr-slope"], at: "{DAY}") {{'
        " chain { grounds { slot records { id resource again: resource } } } } } }"
    )
    async with granted_app(servers, cache=OFF) as app:
        told = await app.ask(None, text)
    read = {path for _, path in servers.reads}
    assert len(read) == len(servers.reads) <= MOST_RECORDS
    wanted = {
        each["id"]
        for step in told["data"]["patient"]["results"][0]["chain"]
        for ground in step["grounds"]
        for each in ground["records"]
    }
    over = max(0, len(wanted) - MOST_RECORDS)
    assert set(codes(told)) == ({"too-many-records"} if over else set())
    assert len(read) == min(len(wanted), MOST_RECORDS) and len(wanted) >= count


async def test_what_is_read_counts_against_the_budget_of_the_request() -> None:
    large = {**chart()[1], "note": [{"text": "x" * 200_000}]}
    servers = ReadableServers(ehr=chart())
    servers.faults = {VREAD: answering(large)}
    async with granted_app(servers, cache=OFF, server={"max_read_bytes": 100_000}) as app:
        told = await app.ask(None, query("resource"))
    assert codes(told) == ["read-budget-exceeded"] and records(told) == [{"resource": None}]


@pytest.mark.parametrize(("aliases", "code"), [(3, None), (5, "read-budget-exceeded")])
@pytest.mark.parametrize("field", ["resource", "rdf"])
async def test_what_is_given_out_again_counts_again(field: str, aliases: int, code: str | None) -> None:
    large = {**chart()[1], "note": [{"text": "x" * 100_000}]}
    servers = ReadableServers(ehr=chart())
    servers.faults = {VREAD: answering(large)}
    asked = query(" ".join(f"a{number}: {field}" for number in range(aliases)))
    async with granted_app(servers, cache=OFF, server={"max_read_bytes": 500_000}) as app:
        told = await app.ask(None, asked)
    assert set(codes(told)) == ({code} if code else set())
    assert len(servers.reads) == 1


async def test_a_form_of_a_record_is_rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[str] = []

    def render(values: Mapping[str, Any], base: str, form: Form) -> str:
        rendered.append(form)
        return serialize_record(values, base, form)

    monkeypatch.setattr(originals, "serialize_record", render)
    async with granted_app(ReadableServers(ehr=chart()), cache=OFF) as app:
        told = await app.ask(None, query("a: rdf b: rdf(format: TURTLE) c: rdf(format: JSON_LD) d: rdf(format: null)"))
    (found,) = records(told)
    assert sorted(rendered) == ["json-ld", "turtle"]
    assert found["a"] == found["b"] == found["d"] != found["c"]


async def test_a_record_that_is_too_large_as_rdf_is_given_as_json() -> None:
    """One thread renders for all callers: nobody's record may hold it for minutes."""
    servers = ReadableServers(ehr=chart())
    servers.faults = {VREAD: answering({**chart()[1], "x": [1] * 100_000})}
    async with granted_app(servers, cache=OFF) as app:
        told = await app.ask(None, query())
    (found,) = records(told)
    assert codes(told) == ["source-answer"] and told["errors"][0]["path"][-1] == "rdf"
    assert isinstance(found["resource"], msgspec.Raw) and found["rdf"] is None


async def test_a_large_record_is_checked_beside_the_event_loop() -> None:
    large = {**chart()[1], "note": [{"text": "x" * 1_000_000}]}
    servers = ReadableServers(ehr=chart())
    servers.faults = {VREAD: answering(large)}
    async with granted_app(servers, cache=OFF) as app:
        told = await app.ask(None, query())
    (found,) = records(told)
    assert isinstance(found["resource"], msgspec.Raw) and len(found["rdf"]) > 1_000_000


@pytest.mark.parametrize("field", ["resource", "rdf"])
async def test_each_counts_as_many_fields(field: str) -> None:
    servers = ReadableServers(ehr=chart())
    plain = 1 + 1 + 100 + 2  # patient; results and its concept; status, records
    for limit, refused in ((plain + 20, False), (plain + 19, True)):
        async with granted_app(servers, cache=OFF, server={"max_complexity": limit}) as app:
            told, _ = await GraphQL(app.engine, app.engine.settings.server).run(query(field))
        assert (codes(told) == ["query-too-complex"]) is refused


async def test_a_ground_as_a_resource() -> None:
    servers = ReadableServers(ehr=chart())
    text = (
        f'{{ patient(id: "p1") {{ results(of: ["egfr"], at: "{DAY}") {{'
        " chain { grounds { slot rdf json: rdf(format: JSON_LD) } } } } }"
    )
    async with granted_app(servers, cache=OFF) as app:
        told = await app.ask(None, text)
    grounds = {each["slot"]: each for each in told["data"]["patient"]["results"][0]["chain"][-1]["grounds"]}
    assert "mpm:Resource" in grounds["creatinine"]["rdf"]
    assert "<https://ehr.example/fhir/Observation/o-p1/_history/2>" in grounds["creatinine"]["rdf"]
    assert json.loads(grounds["creatinine"]["json"])["@context"]
    assert servers.reads == []


def test_no_query_takes_the_id_or_the_address_of_a_record() -> None:
    """Only what an answer rests on can be read, so there is nothing to forge."""
    schema = build_core_schema()
    giving = {
        f"{kind.name}.{name}"
        for kind in schema.type_map.values()
        if isinstance(kind, GraphQLObjectType)
        for name, each in kind.fields.items()
        if "EhrRecord" in str(each.type)
    }
    assert giving == {"Result.records", "Ground.records", "AttributionItem.records", "AttributionItem.recordsBefore"}
    assert schema.query_type is not None and set(schema.query_type.fields) == {"patient", "concepts", "modules", "plan"}

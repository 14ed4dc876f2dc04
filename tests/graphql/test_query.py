"""What cannot be answered is null at its place, with an error; the rest is answered, and fetched once."""

from typing import Any

import pytest

from server.errors import NoProducerError
from server.graphql.endpoint import GraphQL
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import AT
from tests.support.fake_engine import FakeEngine, ask, endpoint, error_codes
from tests.support.fake_fhir_servers import FaultyFhir, engine_over

CHART = [patient(), creatinine(1.6, "2026-06-20T08:00:00Z")]


async def run(query: str, variables: dict[str, Any] | None = None, fhir: FaultyFhir | None = None) -> dict[str, Any]:
    async with engine_over(fhir or FaultyFhir(CHART), cache={"enabled": False}) as engine:
        answer, status = await GraphQL(engine, engine.settings.server).run(query, variables)
    assert status == 200
    return answer


def results(*of: str) -> tuple[str, dict[str, Any]]:
    fields = "concept { id } value { ... on Quantity { value unit display } } text"
    query = (
        f'query R($of: [ID!]!, $at: DateTime) {{ patient(id: "p1") {{ results(of: $of, at: $at) {{ {fields} }} }} }}'
    )
    return query, {"of": list(of), "at": AT.isoformat()}


async def test_an_unknown_concept_is_null_at_its_place() -> None:
    answer = await run(*results("egfrr", "egfr", "nothing", "serum-creatinine", "egfrr"))
    found = answer["data"]["patient"]["results"]
    assert [each and each["concept"]["id"] for each in found] == [None, "egfr", None, "serum-creatinine", None]
    assert [error["path"] for error in answer["errors"]] == [["patient", "results", place] for place in (0, 2, 4)]
    assert set(error_codes(answer)) == {"unknown-concept"}
    assert "did you mean egfr" in answer["errors"][0]["message"]


async def test_where_all_are_unknown_nothing_is_fetched() -> None:
    fhir = FaultyFhir(CHART)
    answer = await run(*results("nothing", "nothing"), fhir)
    assert answer["data"]["patient"]["results"] == [None, None]
    assert fhir.requests == []


async def test_what_cannot_be_compiled_is_null_at_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine()
    asked: list[tuple[str, ...]] = []
    original = engine.ask

    async def refusing(question: Any) -> Any:
        asked.append(question.concepts)
        if "uacr" in question.concepts:
            raise NoProducerError("nothing gives uacr")
        return await original(question)

    def compiling(_: object, concepts: tuple[str, ...], __: object = frozenset()) -> None:
        if "uacr" in concepts:
            raise NoProducerError("nothing gives uacr")

    monkeypatch.setattr(engine, "ask", refusing)
    monkeypatch.setattr("server.graphql.query.compile_plan", compiling)
    answer = await ask('{ patient(id: "p-17") { results(of: ["uacr", "egfr"]) { text } } }', engine)
    assert error_codes(answer) == ["no-producer"]
    assert answer["errors"][0]["path"] == ["patient", "results", 0]
    assert [bool(each) for each in answer["data"]["patient"]["results"]] == [False, True]
    assert asked == [("uacr", "egfr"), ("egfr",)]


async def test_an_unknown_patient_is_null_and_the_others_are_answered() -> None:
    query = (
        'query Two($at: DateTime) { a: patient(id: "nobody") { results(of: ["egfr"], at: $at) { text } } '
        'b: patient(id: "p1") { results(of: ["egfr"], at: $at) { text } } modules(produces: "egfr") { id } }'
    )
    answer = await run(query, {"at": AT.isoformat()})
    assert answer["data"]["a"] is None
    assert "Estimated GFR" in answer["data"]["b"]["results"][0]["text"]
    assert answer["data"]["modules"] == [{"id": "egfr"}]
    assert [(error["path"], error["extensions"]["code"]) for error in answer["errors"]] == [
        (["a", "results"], "patient-not-found")
    ]


async def test_a_number_is_shown_as_its_module_shows_it() -> None:
    answer = await run(*results("egfr", "serum-creatinine", "age"))
    shown = [each["value"] for each in answer["data"]["patient"]["results"]]
    rounded = round(shown[0]["value"])
    assert shown[0]["value"] != rounded
    assert [each["display"] for each in shown[:2]] == [f"{rounded} mL/min/1.73 m²", "1.6 mg/dL"]
    # An age is rounded down: nobody is older than they are.
    assert shown[2]["display"] == f"{int(shown[2]['value'] * 10) / 10:.1f} years"


async def test_bands_are_those_of_the_chain() -> None:
    fields = (
        "chain { module { id bands { text low high } } met { slot text low high points coding { code } citation } }"
    )
    answer = await run(
        f'query B($at: DateTime) {{ patient(id: "p1") {{ results(of: ["egfr"], at: $at) {{ {fields} }} }} }}',
        {"at": AT.isoformat()},
    )
    step = answer["data"]["patient"]["results"][0]["chain"][-1]
    assert [(each["low"], each["high"]) for each in step["module"]["bands"]] == [
        (90.0, None),
        (60.0, 90.0),
        (45.0, 60.0),
        (30.0, 45.0),
        (15.0, 30.0),
        (None, 15.0),
    ]
    (met,) = step["met"]
    assert (met["slot"], met["points"]) == (None, None)
    assert met["coding"]["code"].startswith("gfr-")


CONCEPTS = "query C($s: String, $c: Boolean, $n: Int) { concepts(search: $s, computed: $c, first: $n) { id } }"


async def found(**variables: Any) -> list[str]:
    return [each["id"] for each in (await run(CONCEPTS, variables))["data"]["concepts"]]


async def test_concepts_are_found_by_the_words_of_clinicians() -> None:
    assert await found(s="KFRE") == ["kidney-failure-risk-2y", "kidney-failure-risk-5y"]
    assert (await found(s="kidney 5", c=True))[0] == "kidney-failure-risk-5y"
    assert await found(s="ACR", n=1) == ["uacr"]
    assert (await found(s="2160-0"))[0] == "serum-creatinine"
    assert await found(s="no such word") == []
    assert await found(n=0) == []
    assert len(await found()) == 50
    assert len(await found(n=500)) > 100


async def test_a_concept_says_its_units_its_limits_and_its_modules() -> None:
    fields = "synonyms unit units plausible { low high unit text } modules { id }"
    other = 'x: concepts(search: "egfr", first: 1) { modules { id } }'
    answer = await run(f'{{ concepts(search: "serum-creatinine") {{ {fields} }} {other} }}')
    assert answer["data"]["concepts"] == [
        {
            "synonyms": ["Cr", "Creat", "Creatinine", "SCr"],
            "unit": "mg/dL",
            "units": ["mg/dL", "mg/L", "mmol/L", "umol/L"],
            "plausible": {
                "low": 0.05,
                "high": 80.0,
                "unit": "mg/dL",
                "text": "between 0.05 and 80 mg/dL: what a living person can have, not what is normal",
            },
            "modules": [],
        }
    ]
    assert answer["data"]["x"] == [{"modules": [{"id": "egfr"}]}]


@pytest.mark.parametrize("first", [-1, 501, 10**9])
async def test_more_concepts_than_there_may_be_are_refused(first: int) -> None:
    answer, status = await endpoint().run(CONCEPTS, {"n": first})
    assert (status, error_codes(answer)) == (200, ["first-out-of-range"])


@pytest.mark.parametrize(("length", "codes"), [(100, []), (101, ["search-too-long"]), (60_000, ["search-too-long"])])
async def test_a_search_has_few_words(length: int, codes: list[str]) -> None:
    answer, status = await endpoint().run(CONCEPTS, {"s": ("e " * length)[:length]})
    assert (status, error_codes(answer)) == (200, codes)


async def test_concepts_count_once_for_each() -> None:
    assert error_codes(await ask("{ concepts(first: 4) { id iri display } }", max_complexity=13)) == []
    assert error_codes(await ask("{ concepts(first: 4) { id iri display } }", max_complexity=12)) == [
        "query-too-complex"
    ]

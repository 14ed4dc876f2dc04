"""What a query may cost, and what is kept of it."""

from collections.abc import Callable
from typing import Any

import pytest
from graphql import get_introspection_query
from graphql.validation.rules import overlapping_fields_can_be_merged

from server.graphql.documents import MOST_CACHED, Document
from server.graphql.full_query import FULL_QUERY_WITH_ATTRIBUTION
from tests.support.fake_engine import TEXT, FakeEngine, Json, ask, endpoint, error_codes


@pytest.mark.parametrize(
    ("query", "settings", "code"),
    [
        (TEXT, {"max_depth": 2}, "query-too-deep"),
        (
            f"query A {{ {' '.join(f'm{i}: modules {{ id }}' for i in range(4))} }}",
            {"max_aliases": 3},
            "too-many-aliases",
        ),
        # 30 modules of 7 fields, and the list itself; slots are 3 a module.
        ("{ modules { id iri title version kind citation turtle } }", {"max_complexity": 211}, None),
        ("{ modules { id iri title version kind citation turtle } }", {"max_complexity": 210}, "query-too-complex"),
        ("{ modules { id slots { name select } } }", {"max_complexity": 241}, None),
        ("{ modules { id slots { name select } } }", {"max_complexity": 240}, "query-too-complex"),
        ("query { ...a } fragment a on Query { modules { id } ...a }", {}, "invalid-query"),
        ("{ modules { nothing } }", {}, "invalid-query"),
        ("{ modules {", {}, "invalid-query"),
        ("{" * 9000, {}, "invalid-query"),
        ("{ modules { id } }" + "#\n" * 9000, {}, "invalid-query"),
        ("mutation { patient }", {}, "invalid-query"),
        *(
            (query.replace("#", "9" * digits), {"max_query_bytes": 2_000_000}, "query-too-large")
            for digits in (5_000, 10**6)
            for query in (
                '{ patient(id: "p-17") { timeline(of: "egfr", from: "x", to: "x", atMost: #) { ran } } }',
                "{ patient(id: #) { id } }",
                "query($n: Int = #) { modules { id } }",
                "{ modules(produces: -#) { id } }",
                "{ modules(produces: #.5) { id } }",
                "{ modules(produces: 1e#) { id } }",
            )
        ),
    ],
)
async def test_what_a_query_may_cost(query: str, settings: Json, code: str | None) -> None:
    assert error_codes(await ask(query, **settings))[:1] == ([code] if code else [])


SHARED = " ".join(f"fragment f{i} on Query {{ __typename ...f{i + 1} }}" for i in range(150))


@pytest.mark.parametrize(
    "query",
    [
        f"{{ __schema {{ {'types { fields { name } } ' * 200} }} }}",
        f"{{ {'modules { id } ' * 300} }}",
        f"{{ modules {{ {'id ' * 1900} }} }}",
        f"{{ {' '.join(f'...f{i}' for i in range(150))} }} {SHARED} fragment f150 on Query {{ __typename }}",
    ],
)
async def test_fields_of_one_name_are_compared_a_few_thousand_times_at_most(
    query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert error_codes(await ask(query)) == ["query-too-complex"]
    # It is this limit that refuses them.
    monkeypatch.setattr(overlapping_fields_can_be_merged, "MAX_COMPLEXITY_BUDGET", 10**9)
    assert error_codes(await ask(query)) == []


@pytest.mark.parametrize("query", [FULL_QUERY_WITH_ATTRIBUTION, get_introspection_query(), "{ modules { id id id } }"])
def test_what_apps_ask_needs_a_tenth_of_the_comparisons(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        overlapping_fields_can_be_merged,
        "MAX_COMPLEXITY_BUDGET",
        overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET // 10,
    )
    assert isinstance(endpoint().documents.read(query), Document)


async def test_selections_count_once_for_each_concept() -> None:
    literal = '{ patient(id: "p-17") { results(of: ["egfr","uacr","egfr","uacr"]) { text status effective } } }'
    variable = 'query V($of: [ID!]!) { patient(id: "p-17") { results(of: $of) { text status effective } } }'
    engine = FakeEngine()
    assert error_codes(await ask(literal, engine, max_complexity=413)) == ["query-too-complex"]
    assert error_codes(await ask(variable, engine, {"of": ["egfr"] * 4}, max_complexity=413)) == ["query-too-complex"]
    assert engine.questions == []
    assert error_codes(await ask(literal, max_complexity=414)) == []
    assert error_codes(await ask(variable, variables={"of": ["egfr"] * 4}, max_complexity=414)) == []


async def test_the_default_of_a_variable_counts_as_its_value_would() -> None:
    body = '{ patient(id: "p-17") { results(of: $of) { text status effective } } }'
    query = f'query V($of: [ID!]! = ["egfr","uacr","egfr","uacr"]) {body}'
    engine = FakeEngine()
    assert error_codes(await ask(query, engine, max_complexity=413)) == ["query-too-complex"]
    assert engine.questions == []
    assert error_codes(await ask(query, max_complexity=414)) == []
    assert error_codes(await ask(query, variables={"of": ["egfr"]}, max_complexity=105)) == []
    behind = f"query W {{ modules {{ id }} }} {query}"
    for operation, code in (("V", ["query-too-complex"]), ("W", [])):
        told, _ = await endpoint(max_complexity=413).run(behind, {}, operation)
        assert error_codes(told) == code


@pytest.mark.parametrize(
    ("selection", "fields"),
    [
        ("text", 1),
        ("provenance", 1600),
        ("fhir", 300),
        ("argument", 100),
        ("attribution { text }", 1001),
        ("issues { text code }", 100 + 6 * 2),
        ("chain { claim }", 100 + 4),
        ("chain { claim grounds { slot records { url } } }", 100 + 4 * (1 + 1 + 6 * (1 + 1 + 1))),
    ],
)
async def test_what_takes_long_counts_as_many(selection: str, fields: int) -> None:
    query = f'{{ patient(id: "p-17") {{ results(of: ["egfr"]) {{ {selection} }} }} }}'
    cost = 1 + 1 + 100 + fields
    assert error_codes(await ask(query, max_complexity=cost - 1)) == ["query-too-complex"]
    assert "query-too-complex" not in error_codes(await ask(query, max_complexity=cost))


@pytest.mark.parametrize(("aliases", "refused"), [(1, False), (2, False), (3, True), (19, True)])
async def test_provenance_of_fifty_results_may_be_asked_twice(aliases: int, refused: bool) -> None:
    concepts = ", ".join(['"egfr"'] * 50)
    fields = " ".join(f"a{number}: results(of: [{concepts}]) {{ provenance }}" for number in range(aliases))
    told = await ask(f'{{ patient(id: "p-17") {{ {fields} }} }}')
    assert error_codes(told) == (["query-too-complex"] if refused else [])


async def test_fragments_that_spread_each_other_are_reckoned_without_running() -> None:
    # Each level doubles the one below: 2^40 fields, which nobody may wait for.
    doubling = " ".join(f"fragment f{i} on Query {{ ...f{i + 1} ...f{i + 1} }}" for i in range(40))
    told = await ask(f"query {{ ...f0 }} {doubling} fragment f40 on Query {{ modules {{ id }} }}")
    assert error_codes(told) == ["query-too-complex"]


async def test_a_query_is_read_once_and_few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    over = endpoint()
    read: list[str] = []
    original: Callable[[str], Any] = over.documents._read

    def counting(query: str) -> Any:
        read.append(query)
        return original(query)

    monkeypatch.setattr(over.documents, "_read", counting)
    asked = "query($p: ID!) { patient(id: $p) { id } }"
    for _ in range(3):
        await over.run(asked, {"p": "p-17"})
    assert read == [asked]
    for number in range(MOST_CACHED + 5):
        await over.run(f"query Q{number} {{ modules {{ id }} }}")
    assert len(over.documents._cached) == MOST_CACHED


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
    assert not over.documents._cached


async def test_equal_fields_are_not_compared_without_end() -> None:
    # The comparison of fields of one name grows with the square of their number.
    assert error_codes(await ask("{ " + 'patient(id: "x") { id } ' * 850 + "}", max_complexity=10_000)) == [
        "invalid-query"
    ]

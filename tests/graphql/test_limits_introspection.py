"""Introspection: what tools ask passes at default settings, and what is made to be slow does not."""

import json
import time
from typing import Any

import pytest
from graphql import build_client_schema, get_introspection_query, print_schema

from server.graphql.schema import build_core_schema
from server.settings import ServerSettings
from tests.support.fake_engine import ask, endpoint, error_codes

STANDARD = get_introspection_query(
    descriptions=True,
    specified_by_url=True,
    directive_is_repeatable=True,
    schema_description=True,
    input_value_deprecation=True,
    one_of=True,
)


def nested(times: int, field: str, leaf: str) -> str:
    return f"{field} {{ " * times + leaf + " }" * times


async def test_the_standard_query_passes_and_has_the_whole_schema() -> None:
    for production in (False, True):
        answer, status = await endpoint(production=production).run(STANDARD)
        assert (status, answer.get("errors")) == (200, None)
        assert print_schema(build_client_schema(answer["data"])) == print_schema(build_core_schema())


@pytest.mark.parametrize("depth", [7, 9, 13])
async def test_the_depth_of_every_tool_passes(depth: int) -> None:
    # Tools follow ofType from 7 to 13 times; the query is 15 and more fields deep then.
    asked = get_introspection_query(type_depth=depth)
    assert error_codes(await ask(asked)) == []


async def test_introspection_beside_a_question_costs_it_nothing() -> None:
    together = '{ __schema { types { fields { name } } } patient(id: "p-17") { results(of: ["egfr"]) { text } } }'
    assert error_codes(await ask(together, max_complexity=104)) == []
    assert error_codes(await ask(together, max_depth=3)) == []
    assert error_codes(await ask(together, max_depth=2)) == ["query-too-deep"]


def types(count: int) -> str:
    return "{ " + " ".join(f't{number}: __type(name: "Result") {{ name }}' for number in range(count)) + " }"


BOMBS = {
    "two schemas": ("{ a: __schema { types { name } } b: __schema { types { name } } }", "query-too-complex"),
    "two by a fragment": (
        "{ ...s ...s } fragment s on Query { __schema { types { name } } }",
        "query-too-complex",
    ),
    "eleven types": (types(11), "query-too-complex"),
    "lists in lists": (
        "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
        "query-too-deep",
    ),
    "lists in lists, by fragments": (
        "{ __schema { types { ...a } } } fragment a on __Type { fields { type { ...b } } } "
        "fragment b on __Type { fields { type { ...c } } } fragment c on __Type { inputFields { name } }",
        "query-too-deep",
    ),
    "a fragment of itself": (
        "{ __schema { types { ...a } } } fragment a on __Type { ofType { ...a } }",
        "invalid-query",
    ),
    "31 deep": ("{ __schema { types { " + nested(29, "ofType", "name") + " } } }", "query-too-deep"),
    "500 deep": ("{ __schema { types { " + nested(500, "ofType", "name") + " } } }", "invalid-query"),
    "the same again by aliases": (
        "{ __schema { types { " + " ".join(f"f{n}: fields {{ name }}" for n in range(3)) + " } } }",
        "too-many-aliases",
    ),
}


@pytest.mark.parametrize("name", BOMBS)
async def test_bombs_are_refused(name: str) -> None:
    query, code = BOMBS[name]
    answer, status = await endpoint().run(query)
    assert (status, error_codes(answer)[:1]) == (400, [code])
    assert "data" not in answer


@pytest.mark.parametrize("query", [types(10), "{ __schema { types { " + nested(28, "ofType", "name") + " } } }"])
async def test_what_is_just_within_passes(query: str) -> None:
    assert error_codes(await ask(query)) == []


async def test_the_widest_that_passes_takes_no_longer_than_a_few_standard_ones() -> None:
    inner = "name type { name ofType { name ofType { name } } }"
    fields = f"fields {{ {inner} args {{ {inner} }} }}"
    widest = (
        "{ __schema { types { "
        + " ".join(
            f"f{n}: fields {{ type {{ {fields} ofType {{ {fields} ofType {{ {fields} }} }} }} }}" for n in range(2)
        )
        + " } } }"
    )
    over = endpoint()

    async def seconds(query: str) -> float:
        best = 9.0
        for _ in range(3):
            began = time.process_time()
            answer, status = await over.run(query)
            best = min(best, time.process_time() - began)
            assert (status, answer.get("errors")) == (200, None)
        return best

    assert await seconds(widest) < 10 * await seconds(STANDARD)


LONG = "1" * 5_000


def assuming(number: str) -> str:
    assumed = f'{{ concept: "serum-creatinine", quantity: {{ value: {number}, unit: "mg/dL" }} }}'
    return f'{{ patient(id: "p-17") {{ results(of: ["egfr"], assume: [{assumed}]) {{ text }} }} }}'


@pytest.mark.parametrize(
    "query",
    [
        assuming(LONG),
        assuming(f"-{LONG}"),
        assuming(f"1.{LONG}"),
        assuming(f"1e{LONG}"),
        assuming("1" * 10**6),
        f'{{ patient(id: "p-17") {{ timeline(of: "egfr", from: "x", to: "y", atMost: {LONG}) {{ ran }} }} }}',
        f"{{ concepts(first: {LONG}) {{ id }} }}",
        f"query Q($n: Int = {LONG}) {{ concepts(first: $n) {{ id }} }}",
    ],
)
async def test_a_number_of_many_digits_is_refused_in_a_query(query: str) -> None:
    answer, status = await endpoint(max_query_bytes=2 * 1024 * 1024).run(query)
    assert (status, error_codes(answer)) == (400, ["query-too-large"])
    assert "111" not in json.dumps(answer)


@pytest.mark.parametrize("number", [10**200, 10**400, -(10**400)])
async def test_one_of_many_digits_in_a_variable_is_an_error_without_it(number: int) -> None:
    asked = 'patient(id: "p-17") { results(of: ["egfr"], assume: $a) { text } } concepts(first: $n) { id }'
    query = f"query V($a: [Assumption!], $n: Int) {{ {asked} }}"
    assumed = [{"concept": "serum-creatinine", "quantity": {"value": number, "unit": "mg/dL"}}]
    for variables in ({"a": assumed}, {"n": number}):
        answer, status = await endpoint().run(query, variables)
        assert status in (200, 400)
        assert "internal" not in error_codes(answer)
        assert error_codes(answer)
        assert "000" not in json.dumps(answer)


async def test_digits_in_a_string_are_no_number() -> None:
    asked = f'{{ modules(produces: "{"1" * 200}") {{ id }} }}'
    assert error_codes(await ask(asked)) == ["unknown-concept"]


def test_the_default_settings_are_those_of_these_tests() -> None:
    limits: dict[str, Any] = ServerSettings().model_dump(include={"max_depth", "max_aliases"})
    assert limits == {"max_depth": 12, "max_aliases": 30}

"""The provenance of a result has the attributions that the same query asks for, and no other."""

from decimal import Decimal
from typing import Any

import pytest
from rdflib import Graph

from server.explain.prov.read_export import read_export
from server.explain.prov.write_graph import constraint_violations
from tests.support.attributing import AT, EARLIER, served


async def told(selection: str) -> dict[str, Any]:
    query = f'{{ patient(id: "p1") {{ results(of: ["kidney-failure-risk-5y"], at: "{AT}") {{ {selection} }} }} }}'
    async with served() as (graphql, _):
        answer, _ = await graphql.run(query, {})
    found: dict[str, Any] = answer["data"]["patient"]["results"][0]
    return found


@pytest.mark.parametrize(("form", "name"), [("TURTLE", "turtle"), ("JSON_LD", "json-ld")])
async def test_what_was_asked_is_in_it(form: str, name: str) -> None:
    result = await told(f"provenance(format: {form}) usual: attribution {{ base }} then: {EARLIER} {{ base output }}")
    (said,) = read_export(result["provenance"], name)
    usual, then = said.attributions
    assert (usual.since, float(usual.base)) == (None, result["usual"]["base"])
    assert then.since is not None
    assert (float(then.base), float(then.output)) == (result["then"]["base"], result["then"]["output"])
    moved = sum((item.amount for item in then.items), Decimal(0))
    assert abs(moved - (then.output - then.base)) < Decimal("1e-9")


async def test_what_was_not_asked_is_not() -> None:
    assert read_export((await told("provenance"))["provenance"], "turtle")[0].attributions == ()


async def test_it_is_valid_with_them() -> None:
    text = (await told(f"provenance usual: attribution {{ base }} then: {EARLIER} {{ base }}"))["provenance"]
    assert constraint_violations(Graph().parse(data=text, format="turtle")) == []

"""A number that presumes that lists are complete never stands alone: in FHIR, GraphQL, linked data and text."""

import re
from dataclasses import replace
from typing import Any

import pytest

from ontology.evaluation import SlotInput
from ontology.values import Absent, AbsentReason, Quantity
from server.explain.fhir import bundle
from server.explain.prov import serialize_result
from server.explain.prov.constraints import constraint_violations
from server.explain.prov.exported import ExportedAnswer, ExportedInput
from server.explain.prov.read_export import read_export
from server.explain.short_text import render_short
from server.explain.text import render_argument
from server.verify.verify import recompute_answer
from tests.support.attribution_queries import open_endpoint
from tests.support.engine_questions import AT, open_asker, shipped
from tests.support.kept_lists import chart
from tests.support.proof_questions import result_of, results_by_concept
from tests.support.rdf_graphs import argument_in_library

CVD = "prevent-10y-total-cvd"


async def test_fhir_carries_the_limits_and_no_lone_number() -> None:
    result = await result_of(chart(), CVD)
    made = bundle(result)["entry"][0]["resource"]
    (prediction,) = made["prediction"]
    assert "probabilityDecimal" not in prediction
    between = prediction["probabilityRange"]
    assert result.bounds is not None
    wanted = [float(round(each, 2)) for each in (result.bounds.low, result.bounds.high)]
    assert [between["low"]["value"], between["high"]["value"]] == wanted
    assert between["low"]["code"] == "%" and prediction["rationale"].startswith(result.text)
    tags = {tag["code"] for tag in made["meta"]["tag"]}
    assert {"assumption", "do-not-store"} <= tags and made["status"] == "preliminary"
    assert "only if the lists are complete" in made["text"]["div"]


async def test_what_moved_it_names_the_limits_too() -> None:
    """The words of an attribution: a number that holds only if the lists are complete is no least value."""
    text = (
        '{ patient(id: "p1") { results(of: ["prevent-10y-total-cvd"], at: "2026-06-30T12:00:00Z") '
        "{ attribution(baseline: REFERENCE) { text } } } }"
    )
    async with open_endpoint(chart()) as (endpoint, _):
        told, status = await endpoint.run(text)
    assert (told.get("errors"), status) == (None, 200)
    words = told["data"]["patient"]["results"][0]["attribution"]["text"]
    assert "if the lists are complete (5.0 to 13.8 % whatever they leave out)" in words and "at least" not in words


async def test_text_shows_what_is_presumed() -> None:
    told = render_argument(await result_of(chart(), CVD))
    assert told.count("no · ASSUMED, not on the list") == 3
    assert told.count(" list and is counted as absent.") == 3


async def test_the_short_text_never_gives_the_number_alone() -> None:
    told = render_short([await result_of(chart(), CVD)], 1000)
    head, _, _ = told.partition("\n")
    assert re.search(r"[\d.]+ % if the lists are complete; [\d.]+ to [\d.]+ % whatever they leave out", head)
    assert "similar people" not in head and "partial" in head
    assert told.count(": no (assumed: not on the list)") == 3


async def test_graphql_gives_value_limits_and_that_it_is_assumed() -> None:
    query = (
        '{ patient(id: "p1") { results(of: ["prevent-10y-total-cvd"], at: "2026-06-30T12:00:00Z") { status assumed '
        "value { ... on Quantity { value unit } } bounds { low high } "
        "chain { grounds { slot assumed presumed } } } } }"
    )
    async with open_endpoint(chart()) as (endpoint, _):
        answer, status = await endpoint.run(query)
    assert (answer.get("errors"), status) == (None, 200)
    (found,) = answer["data"]["patient"]["results"]
    assert found["status"] == "PARTIAL" and found["assumed"] is True
    assert found["bounds"]["low"] < found["value"]["value"] < found["bounds"]["high"]
    presumed = {g["slot"]: g["presumed"] for g in found["chain"][-1]["grounds"] if g["assumed"]}
    assert presumed == {"antihypertensive": False, "diabetes": False, "statin": False}


@pytest.fixture
async def exported() -> ExportedAnswer:
    async with open_asker(cache={"enabled": False}) as ask:
        result = results_by_concept(await ask(chart(), CVD))[CVD]
    assert constraint_violations(argument_in_library(result)) == []
    (answer,) = read_export(serialize_result(result), "turtle")
    return answer


async def test_the_argument_is_computed_again(exported: ExportedAnswer) -> None:
    presumed = {name: each.consumed for name, each in exported.steps[-1].inputs.items() if each.assumed}
    assert set(presumed) == {"antihypertensive", "diabetes", "statin"}
    assert set(presumed.values()) == {SlotInput(Absent(AbsentReason.NOT_FOUND), None, False)}
    again = recompute_answer(exported, shipped(), (await _environment()), None)
    assert list(again.all_findings()) == []


@pytest.mark.parametrize("presumed", [True, None])
async def test_a_changed_presumption_is_found(exported: ExportedAnswer, presumed: bool | None) -> None:
    last = exported.steps[-1]
    given = last.inputs["diabetes"]
    changed: ExportedInput = replace(given, consumed=replace(given.consumed, presumed=presumed))
    steps = (*exported.steps[:-1], replace(last, inputs={**last.inputs, "diabetes": changed}))
    again = recompute_answer(replace(exported, steps=steps), shipped(), await _environment(), None)
    assert "fingerprint" in {each.kind.value for each in again.all_findings()}


async def _environment() -> Any:
    async with open_asker(cache={"enabled": False}) as ask:
        return (await ask(chart(), "age", at=AT)).circumstances.environment


async def test_a_value_that_is_only_known_is_not_touched() -> None:
    result = await result_of(chart(), "egfr")
    assert isinstance(result.value, Quantity) and not result.presumed and not result.assumed

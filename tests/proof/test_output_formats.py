"""Every way out of a result: text, RDF, FHIR."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from rdflib import PROV, RDF, Graph, URIRef

from server.explain.explain import explain
from server.explain.fhir import bundle
from server.explain.prov import serialize_result
from server.explain.results import AnswerResult
from server.explain.text import render_argument
from tests.support import traces as t
from tests.support.rdf_graphs import MPM, PPLAN

NAMES = sorted(t.EVERY_TRACE)


def told(name: str) -> AnswerResult:
    return explain(t.EVERY_TRACE[name](), t.interpret)[0]


def first(result: AnswerResult) -> Any:
    return bundle(result)["entry"][0]["resource"]


@pytest.mark.parametrize("name", NAMES)
def test_the_bundle_is_fhir(name: str) -> None:
    made = bundle(told(name))
    Bundle.model_validate(json.loads(json.dumps(made)))
    tags = made["entry"][0]["resource"]["meta"]["tag"]
    assert {"system": "https://medtwin.example/tags", "code": "medtwin-result"} in tags


@pytest.mark.parametrize("name", NAMES)
def test_each_bundle_names_device_and_records_with_versions(name: str) -> None:
    result = told(name)
    provenance_ = bundle(result)["entry"][2]["resource"]
    said = {entity["what"].get("reference", "") for entity in provenance_.get("entity", ())}
    named = {reference for reference in said if reference.startswith("http")}
    used = {record for step in result.chain for ground in step.grounds for record in ground.records} | {*result.records}
    assert named == {f"{record.url}/_history/3" for record in used}


def test_a_risk_is_in_percent_with_outcome_horizon_basis_and_method() -> None:
    made = first(told("chain"))
    prediction = made["prediction"][0]
    assert made["resourceType"] == "RiskAssessment"
    assert prediction["probabilityDecimal"] == 9.12
    assert prediction["outcome"] == {"text": "kidney failure"}
    assert (prediction["whenRange"]["high"]["value"], prediction["whenRange"]["high"]["code"]) == (5, "a")
    assert len(made["basis"]) == 2
    assert "version 1.0.0" in made["method"]["text"]


def test_no_value_says_why() -> None:
    made = first(told("insufficient"))
    assert made["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    assert not [key for key in made if key.startswith("value")]
    assert first(told("not-applicable"))["dataAbsentReason"]["coding"][0]["code"] == "not-applicable"


def test_what_rests_on_an_assumption_is_tagged_and_preliminary() -> None:
    made = first(told("assumed"))
    assert made["status"] == "preliminary"
    assert "assumption" in [tag["code"] for tag in made["meta"]["tag"]]
    assert first(told("complete"))["status"] == "final"


def test_the_same_answer_has_the_same_names() -> None:
    assert bundle(told("chain")) == bundle(told("chain"))


# rdflib's own JSON-LD reader uses a class that rdflib deprecates; only the test reads JSON-LD.
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", NAMES)
def test_turtle_and_json_ld_say_the_same(name: str) -> None:
    result = told(name)
    turtle = Graph().parse(data=serialize_result(result), format="turtle")
    json_ld = Graph().parse(data=serialize_result(result, "json-ld"), format="json-ld")
    assert len(turtle) > 4
    assert len(turtle) == len(json_ld)


def test_each_step_used_its_grounds_and_generated_its_value() -> None:
    made = Graph().parse(data=serialize_result(told("chain")), format="turtle")
    steps = set(made.subjects(RDF.type, PROV.Activity))
    assert len(steps) == 2
    for step in steps:
        assert list(made.objects(step, PROV.used))
        assert list(made.subjects(PROV.wasGeneratedBy, step))
        planned = made.value(step, PPLAN.correspondsToStep)
        assert (planned, RDF.type, PPLAN.Step) in made
        assert (made.value(planned, PPLAN.isStepOfPlan), RDF.type, PPLAN.Plan) in made
    record = URIRef("http://127.0.0.1:8191/fhir/Observation/obs-1/_history/3")
    assert (record, RDF.type, PROV.Entity) in made
    risk: Any = next(s for s in made.subjects(PROV.wasGeneratedBy) if "value-1" in str(s))
    assert made.query("ASK { ?v prov:wasGeneratedBy/prov:used/prov:wasDerivedFrom+ ?r }", initBindings={"v": risk})


def test_every_term_that_the_graph_uses_is_in_the_vocabulary() -> None:
    vocabulary = Graph()
    for file in ("mpm.ttl", "argument.ttl"):
        vocabulary.parse(Path(__file__).parents[2] / "ontology" / file, format="turtle")
    used: set[object] = set()
    for name in NAMES:
        used |= set(Graph().parse(data=serialize_result(told(name)), format="turtle").predicates())
    ours = {term for term in used if isinstance(term, URIRef) and term.startswith(MPM)}
    assert URIRef(f"{MPM}fingerprint") in ours
    assert not [term for term in ours if (term, RDF.type, None) not in vocabulary]


@pytest.mark.parametrize("name", NAMES)
def test_every_number_in_the_tree_has_unit_time_and_record(name: str) -> None:
    tree = render_argument(told(name))
    facts = [line for line in tree.splitlines() if re.search(r"- [A-Z]\w+ ?\w*: [\d<>]", line)]
    for line in facts:
        # From a record, from a step told beneath, or assumed.
        assert "ASSUMED" in line or re.search(r"\d\d:\d\d UTC|\d values", line), line
        assert "Estimated GFR" in line or "ASSUMED" in line or "Observation/" in line, line
    assert "None" not in tree
    assert "{" not in tree


def test_what_is_missing_is_marked() -> None:
    assert "- Serum creatinine: MISSING, not found in the last 90 days" in render_argument(told("insufficient"))


def test_a_series_is_one_line() -> None:
    tree = render_argument(told("series"))
    assert "4 values, 2024-10-09 to 2026-06-01, 47 to 50 mL/min/1.73 m²" in tree
    assert tree.count("by Estimated GFR") == 1


def test_why_it_ran_or_was_reused_is_told() -> None:
    assert "(computed now: first seen)" in render_argument(told("complete"))
    trace = t.EVERY_TRACE["complete"]()
    reused = replace(trace.executions[0], reused=True, reason="Reused: nothing that it rests on has changed")
    again = explain(replace(trace, executions=(reused,)), t.interpret)[0]
    assert "(reused: nothing that it rests on has changed)" in render_argument(again)


def test_each_rebuttal_is_told_once() -> None:
    given = t.creatinine(issues=(t.warning("Preliminary result", "preliminary", "creatinine"),))
    run = t.run(t.EGFR_MODULE, (given,), t.GFR, issues=(t.warning("Pregnancy"),))
    tree = render_argument(explain(t.trace((run,), goals=(0,), issues=(t.warning("Cache away"),)), t.interpret)[0])
    assert [tree.count(text) for text in ("! Preliminary result", "! Pregnancy", "! Cache away")] == [1, 1, 1]

"""Whole results, exported and read back in both forms, alone or together: each value, digest, record and position."""

import warnings
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from rdflib import PROV, RDF, Graph, URIRef
from rdflib.compare import isomorphic

from fixtures.make_patients import PATIENTS
from fixtures.transactions import bundles_in, resources_of
from ontology.evaluation import SlotInput
from ontology.resources import RecordRef
from ontology.values import Quantity
from server.attribution.result import Attribution, AttributionGroup, AttributionItem
from server.executor.fingerprint import FORMAT, PUBLIC, fingerprint
from server.explain.comparisons import AttributionView, Baseline, Comparison
from server.explain.prov import argument_graph, serialize_graphs
from server.explain.prov.exported import ExportedAnswer
from server.explain.prov.graph import merge_graphs
from server.explain.prov.read_export import read_export
from server.explain.prov.serialize import Form, serialize_result
from server.explain.results import AnswerResult
from tests.support import traces as t
from tests.support.engine_questions import open_asker
from tests.support.exported_arguments import (
    NAMES,
    exported_contributions,
    exported_result,
    input_read_back,
    with_comparisons,
)
from tests.support.proof_questions import every_concept, results_by_concept
from tests.support.rdf_graphs import library_graph

PATIENTS_ASKED = ("infarction", "partial-birth-date")
FORMS: tuple[Form, ...] = ("turtle", "json-ld")


def check(result: AnswerResult, said: ExportedAnswer) -> None:
    assert (said.text, said.concept, said.status) == (result.text, result.concept.iri, result.status.value)
    assert (said.at, said.zone, said.format) == (result.at, str(result.circumstances.zone), FORMAT)
    assert said.value == result.value
    assert said.assumed == (result.leaf is not None and result.leaf.assumed)
    for step, view in zip(said.steps, result.chain, strict=True):
        module = view.module
        assert (step.module, step.title, step.version) == (module.iri, module.title, module.version)
        assert (step.as_of, step.value, step.bounds) == (view.as_of, view.value, view.bounds)
        assert step.contributions == exported_contributions(view)
        assert dict(step.inputs) == {ground.slot: input_read_back(ground) for ground in view.grounds}
        assert (step.fingerprint, step.reused) == (view.fingerprint, view.reused)
        assert (step.description, step.code) == (module.digest, module.code_digest)
        assert step.environment == result.circumstances.environment.digest(module.kind)
        consumed = {ground.slot: SlotInput(ground.value, ground.bounds) for ground in view.grounds}
        under = result.circumstances
        content = fingerprint(module, consumed, view.as_of, under.environment, PUBLIC, under.zone)
        assert step.content_digest == content


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NAMES)
def test_a_result_comes_back(name: str, form: Form) -> None:
    result = exported_result(name)
    (said,) = read_export(serialize_result(result, form), form)
    check(result, said)


@pytest.mark.parametrize("form", FORMS)
def test_attributions_come_back(form: Form) -> None:
    result = with_comparisons(exported_result("chain"))
    (said,) = read_export(serialize_result(result, form), form)
    usual, earlier = said.attributions
    assert (usual.scale, usual.base, usual.output, usual.since) == ("LOG_ODDS", Decimal("-3.3"), Decimal("-3.0"), None)
    assert [item.amount for item in usual.items] == [Decimal("0.30000000000000004"), Decimal("-1E-7")]
    assert {item.before for item in usual.items} == {result.chain[0].grounds[0].value}
    assert earlier.baseline == "the record as of then"
    assert earlier.since is not None and earlier.since < result.at
    assert "Nothing was assumed." in serialize_result(result, form)


async def test_every_answer_about_these_patients_comes_back() -> None:
    met = set()
    async with open_asker(cache={"enabled": False}) as ask:
        for place, bundle in enumerate(bundles_in(PATIENTS)):
            records = list(resources_of(bundle))
            patient = next(each["id"] for each in records if each["resourceType"] == "Patient")
            if patient not in PATIENTS_ASKED:
                continue
            results = {
                r.concept.iri: r
                for r in results_by_concept(await ask(records, *every_concept(), patient=patient)).values()
            }
            form = FORMS[place % 2]
            read_back = read_export(serialize_graphs(map(argument_graph, results.values()), form), form)
            assert {said.concept for said in read_back} == set(results)
            for said in read_back:
                check(results[said.concept], said)
                met.add(said.status)
    assert {"COMPLETE", "PARTIAL", "INSUFFICIENT", "NOT_APPLICABLE"} <= met


# rdflib's own JSON-LD reader uses a class that rdflib deprecates; only the test reads JSON-LD by it.
@pytest.mark.parametrize("name", NAMES)
def test_both_forms_are_one_graph(name: str) -> None:
    made = argument_graph(with_comparisons(exported_result(name)) if name == "chain" else exported_result(name))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from_json = Graph().parse(data=serialize_graphs([made], "json-ld"), format="json-ld")
    from_turtle = Graph().parse(data=serialize_graphs([made]), format="turtle")
    assert isomorphic(from_turtle, library_graph(made))
    assert isomorphic(from_json, library_graph(made))


@pytest.mark.parametrize("form", FORMS)
def test_an_argument_is_written_the_same_each_time(form: Form) -> None:
    assert serialize_result(exported_result("series"), form) == serialize_result(exported_result("series"), form)
    twice = serialize_graphs(
        [argument_graph(exported_result("series")), argument_graph(exported_result("series"))], form
    )
    assert twice == serialize_result(exported_result("series"), form)


def test_two_patients_with_equal_values_share_no_name() -> None:
    one = exported_result("complete")
    other = of_another(one)
    assert [step.fingerprint for step in one.chain] == [step.fingerprint for step in other.chain]
    made = argument_graph(one), argument_graph(other)
    named = [{s for s, _, _ in each if "/results/" in s} for each in made]
    assert named[0] and not named[0] & named[1]
    both = library_graph(merge_graphs(made))
    value: Any
    for value in both.subjects(PROV.wasGeneratedBy):
        # Each value leads to the records of one patient alone.
        path = "SELECT DISTINCT ?r WHERE { ?v prov:wasGeneratedBy/prov:used/prov:wasDerivedFrom ?r }"
        records = {str(row[0]) for row in both.query(path, initBindings={"v": value})}  # type: ignore[index]
        assert len({"/other-" in record for record in records}) == 1
    assert {said.value for said in read_export(serialize_graphs(made), "turtle")} == {one.value}
    assert len(read_export(serialize_graphs(made), "turtle")) == 2


def of_another(result: AnswerResult) -> AnswerResult:
    def record(each: RecordRef) -> RecordRef:
        return replace(each, id=f"other-{each.id}")

    steps = tuple(
        replace(step, grounds=tuple(replace(g, records=tuple(record(r) for r in g.records)) for g in step.grounds))
        for step in result.chain
    )
    return replace(result, reference="http://127.0.0.1:8191/fhir/Patient/other", make_chain=lambda: steps)


def test_the_same_answer_reused_is_another_argument() -> None:
    """What ran the first time and was reused the second is both true, each of its own answer."""
    first = exported_result("complete")
    steps = tuple(replace(step, reused=True, reason="reused") for step in first.chain)
    text = serialize_graphs([argument_graph(first), argument_graph(replace(first, make_chain=lambda: steps))])
    assert sorted(step.reused for said in read_export(text, "turtle") for step in said.steps) == [False, True]


def test_what_may_not_stand_in_an_address_is_encoded() -> None:
    result = exported_result("complete")
    odd = replace(result, reference='http://127.0.0.1:8191/fhir/Patient/a b<c>"é')
    made = Graph().parse(data=serialize_result(odd), format="turtle")
    patient = made.value(None, RDF.type, URIRef("https://medtwin.example/mpm#Answer"))
    assert str(made.value(patient, URIRef("https://medtwin.example/mpm#subject"))).endswith(
        "Patient/a%20b%3Cc%3E%22%C3%A9"
    )
    check(odd, read_export(serialize_result(odd), "turtle")[0])


ONE, TWO = Quantity(Decimal(1), "mg/dL"), Quantity(Decimal(2), "mg/dL")


def item() -> AttributionItem:
    return AttributionItem(t.CREATININE, "creatinine", ONE, TWO, amount=0.5)


def test_a_group_keeps_each_of_its_inputs() -> None:
    """Inputs that move as one are told as equal parts, and two selections of one concept may find one record."""
    items = (item(), item(), item())
    group = AttributionGroup("both", (items[0], items[2]), 1.0)
    attribution = Attribution("mg/dL", 1.0, 2.5, ONE, TWO, items, (), groups=(group,))
    view = AttributionView(attribution, "usual values", "moved")
    result = replace(exported_result("chain"), attributions={Comparison(Baseline.REFERENCE): view})
    (exported,) = read_export(serialize_result(result), "turtle")[0].attributions
    assert [found.items for found in exported.groups] == [(0, 2)]

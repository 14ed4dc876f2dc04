"""Whole results, exported and read back: each value, digest, record and position, in both forms, alone or together."""

import warnings
from dataclasses import replace
from decimal import Decimal

import pytest
from rdflib import PROV, RDF, Graph, URIRef
from rdflib.compare import isomorphic

from fixtures.make_patients import PATIENTS
from fixtures.transactions import bundles_in, resources_of
from ontology.evaluation import SlotInput
from ontology.resources import RecordRef
from server.executor.fingerprint import FORMAT, PUBLIC, fingerprint
from server.explain.prov import argument_graph, serialize_graphs, serialize_result
from server.explain.prov.exported import ExportedAnswer
from server.explain.prov.read_export import read_export
from server.explain.prov.serialize import Form
from server.explain.results import AnswerResult
from tests.support.asking import asking
from tests.support.exported import NAMES, result_of, said_of, with_comparisons
from tests.support.proving import every_concept, told
from tests.support.saying import contributions_said

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
        assert step.contributions == contributions_said(view)
        assert dict(step.inputs) == {ground.slot: said_of(ground) for ground in view.grounds}
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
    result = result_of(name)
    (said,) = read_export(serialize_result(result, form), form)
    check(result, said)


@pytest.mark.parametrize("form", FORMS)
def test_attributions_come_back(form: Form) -> None:
    result = with_comparisons(result_of("chain"))
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
    async with asking(cache={"enabled": False}) as ask:
        for place, bundle in enumerate(bundles_in(PATIENTS)):
            records = list(resources_of(bundle))
            patient = next(each["id"] for each in records if each["resourceType"] == "Patient")
            if patient not in PATIENTS_ASKED:
                continue
            results = {r.concept.iri: r for r in told(await ask(records, *every_concept(), patient=patient)).values()}
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
    made = argument_graph(with_comparisons(result_of(name)) if name == "chain" else result_of(name))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from_json = Graph().parse(data=serialize_graphs([made], "json-ld"), format="json-ld")
    from_turtle = Graph().parse(data=serialize_graphs([made]), format="turtle")
    assert isomorphic(from_turtle, made)
    assert isomorphic(from_json, made)


@pytest.mark.parametrize("form", FORMS)
def test_an_argument_is_written_the_same_each_time(form: Form) -> None:
    assert serialize_result(result_of("series"), form) == serialize_result(result_of("series"), form)
    twice = serialize_graphs([argument_graph(result_of("series")), argument_graph(result_of("series"))], form)
    assert twice == serialize_result(result_of("series"), form)


def test_two_patients_with_equal_values_share_no_name() -> None:
    one = result_of("complete")
    other = of_another(one)
    assert [step.fingerprint for step in one.chain] == [step.fingerprint for step in other.chain]
    made = argument_graph(one), argument_graph(other)
    named = [{s for s, _ in each.subject_objects() if "/results/" in str(s)} for each in made]
    assert named[0] and not named[0] & named[1]
    both = made[0] + made[1]
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
    first = result_of("complete")
    steps = tuple(replace(step, reused=True, reason="reused") for step in first.chain)
    text = serialize_graphs([argument_graph(first), argument_graph(replace(first, make_chain=lambda: steps))])
    assert sorted(step.reused for said in read_export(text, "turtle") for step in said.steps) == [False, True]


def test_what_may_not_stand_in_an_address_is_encoded() -> None:
    result = result_of("complete")
    odd = replace(result, reference='http://127.0.0.1:8191/fhir/Patient/a b<c>"é')
    made = Graph().parse(data=serialize_result(odd), format="turtle")
    patient = made.value(None, RDF.type, URIRef("https://medtwin.example/mpm#Answer"))
    assert str(made.value(patient, URIRef("https://medtwin.example/mpm#subject"))).endswith(
        "Patient/a%20b%3Cc%3E%22%C3%A9"
    )
    check(odd, read_export(serialize_result(odd), "turtle")[0])

"""The constraints hold of every exported argument, and each catches a graph that was damaged."""

import pytest
from rdflib import PROV, Graph, Literal

from fixtures.make_patients import PATIENTS
from fixtures.transactions import bundles_in, resources_of
from server.explain.prov import serialize_result
from server.explain.prov.constraints import constraint_violations
from tests.support.charts import patient
from tests.support.engine_questions import open_asker
from tests.support.exported_arguments import NAMES, SEALED, exported_result, with_comparisons
from tests.support.proof_questions import every_concept, results_by_concept
from tests.support.rdf_graphs import MPM, argument_in_library

CHAIN = serialize_result(with_comparisons(exported_result("chain")))
SERIES = serialize_result(exported_result("series"))
BOUNDS = serialize_result(exported_result("score-bounds"))
PATIENTS_ASKED = ("healthy", "ckd-progressing")


@pytest.mark.parametrize("name", NAMES)
def test_every_status_is_valid(name: str) -> None:
    assert (
        constraint_violations(
            argument_in_library(
                with_comparisons(exported_result(name, SEALED)) if name == "chain" else exported_result(name)
            )
        )
        == []
    )


async def test_answers_about_fixture_patients_are_valid_together() -> None:
    """One of each status of two patients, with trained models, series and facts that are only read, in one graph."""
    whole, met = Graph(), set()
    async with open_asker(cache={"enabled": False}) as ask:
        for bundle in bundles_in(PATIENTS):
            records = list(resources_of(bundle))
            asked = next(each["id"] for each in records if each["resourceType"] == "Patient")
            if asked not in PATIENTS_ASKED:
                continue
            of = (*every_concept(), "serum-creatinine", "dialysis", "sex")
            for result in results_by_concept(await ask(records, *of, patient=asked)).values():
                kind = result.step.module.kind if result.step is not None else None
                if (result.status, kind) not in met:
                    met.add((result.status, kind))
                    whole += argument_in_library(result)
    assert len(met) >= 8
    assert constraint_violations(whole) == []


async def test_a_no_for_want_of_records_says_that_it_is_one() -> None:
    async with open_asker(cache={"enabled": False}) as ask:
        (result,) = results_by_concept(await ask([patient()], "support-hospital-mortality-day3")).values()
    (stay,) = [ground for ground in result.chain[-1].grounds if ground.slot == "inpatient_stay"]
    assert stay.by_closed_world and not stay.records
    made = argument_in_library(result)
    assert constraint_violations(made) == []
    for damaged in (serialize_result(result).replace("mpm:closedWorld true", "mpm:name 'x'", 1), _yes(made, stay.slot)):
        assert any("is a no by closed world" in fault for fault in constraint_violations(Graph().parse(data=damaged)))


def _yes(made: Graph, slot: str) -> str:
    """The same with a yes in place of the no."""
    (given,) = [node for node in made.subjects(MPM.closedWorld) if str(node).endswith(slot)]
    made.set((given, PROV.value, Literal(True)))
    return made.serialize()


# What is put before a statement about the answer, so that it says something else beside.
ANSWER = "a:answer a prov:Entity"
U1 = "<http://127.0.0.1:8191/fhir/Observation/u1/_history/3>"
FIRST, SECOND = '"2026-01-01T00:00:00Z"^^xsd:dateTime', '"2026-01-02T00:00:00Z"^^xsd:dateTime'
ENDS_FIRST = f"a:step-0 prov:startedAtTime {SECOND} ; prov:endedAtTime {FIRST}"
USES_LATER = f"a:step-1 prov:endedAtTime {FIRST} . a:step-1.egfr prov:generatedAtTime {SECOND}"
VARIABLE = "p-plan:correspondsToVariable"
BESIDE = [
    ("a:value-0 prov:wasGeneratedBy a:step-1", "generated at most once"),
    ("a:value-0 a prov:Activity", "both an entity and an activity"),
    ("a:value-0 prov:wasDerivedFrom a:answer", "derived from itself"),
    ("a:step-0 prov:used a:value-0", "what it generates itself"),
    (f"<http://127.0.0.1:8191/fhir/Observation/u1> prov:specializationOf {U1}", "specialization of itself"),
    (ENDS_FIRST, "starts before it ends"),
    (USES_LATER, "only after it ended"),
    ("a:step-0 prov:used mpm:Uacr", "an activity uses entities"),
    ("a:value-0 prov:wasAttributedTo a:value-1", "attributed to an agent"),
]
INSTEAD = [
    (CHAIN, "wasDerivedFrom a:value-0 ", "wasDerivedFrom a:value-1 ", "derived from itself"),
    (CHAIN, "prov:agent <https://medtwin.example/> ;", "", "an association has one agent"),
    (CHAIN, "prov:hadPlan <https://medtwin.example/modules/egfr#module/1.0.0>", "prov:hadPlan a:value-0", "one plan"),
    (CHAIN, 'mpm:fingerprint "fp-egfr-20260602" ;', "", "one fingerprint"),
    (CHAIN, 'mpm:warrant "the egfr equation"', 'rdfs:comment "x"', "has a warrant"),
    (CHAIN, "prov:wasAssociatedWith <https://medtwin.example/>", "prov:wasAssociatedWith a:value-0", "with an agent"),
    (CHAIN, "p-plan:isPrecededBy a:plan.step-0", "p-plan:isPrecededBy a:plan.step-1", "precedes itself"),
    (CHAIN, f"{VARIABLE} a:plan.step-1.uacr", f"{VARIABLE} a:plan.value-0", "a variable of another step"),
    (CHAIN, "p-plan:isStepOfPlan a:plan ;", "", "of one plan"),
    (CHAIN, "prov:value 45.26 ;", "", "one value, or says why"),
    (CHAIN, "prov:value 45.26 ;", 'prov:value 45.26 ; mpm:absent "STALE" ;', "one value, or says why"),
    (CHAIN, 'mpm:unit "%"', 'mpm:display "%"', "a number has its unit"),
    (CHAIN, "prov:value 45.26", 'prov:value "about 45"', "its code, its days or its points"),
    (CHAIN, "mpm:concept mpm:Uacr ;", "", "about one concept"),
    (CHAIN, "mpm:assumed true ;", "", "a step, a record or an assumption"),
    (CHAIN, "wasDerivedFrom a:value-0 ", "wasDerivedFrom a:plan ", "from records and from what steps gave"),
    (CHAIN, 'owl:versionInfo "3"', 'rdfs:comment "3"', "of which record it is"),
    (CHAIN, 'mpm:status "COMPLETE"', 'mpm:status "FINE"', "one status"),
    (CHAIN, "mpm:result a:value-1", "mpm:result a:plan", "one result"),
    (CHAIN, 'mpm:refused "Nothing was assumed."', 'rdfs:comment "x"', "says why there is none"),
    (CHAIN, "mpm:amount -0.0000001", 'mpm:amount "little"', "one amount"),
    (BOUNDS, '"STALE"', '"OLD"', "a reason is one of those"),
    (BOUNDS, 'mpm:low "2"', 'mpm:low "9"', "not above the high one"),
    (SERIES, 'mpm:value "47"^^xsd:decimal', 'mpm:value "47"', "a point has one number"),
]
MUTILATED = [(CHAIN, ANSWER, f"{said} . {ANSWER}", told) for said, told in BESIDE] + INSTEAD


@pytest.mark.parametrize(("text", "said", "instead", "told"), MUTILATED)
def test_what_is_damaged_is_found(text: str, said: str, instead: str, told: str) -> None:
    assert said in text
    found = constraint_violations(Graph().parse(data=text.replace(said, instead), format="turtle"))
    assert any(told in line for line in found), found

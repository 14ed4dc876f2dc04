"""A step as an activity: what it used and generated, which version of a module it followed, and where in the plan."""

from collections.abc import Callable, Sequence

from rdflib import OWL, PROV, RDF, RDFS, Graph, Literal, URIRef
from rdflib.namespace import DCTERMS

from ontology.inputs import Consumed
from server.catalog.descriptions import Description
from server.executor.fingerprint import PUBLIC, fingerprint
from server.executor.trace import Circumstances
from server.explain.prov.contributions import write_contributions
from server.explain.prov.grounds import write_ground
from server.explain.prov.terms import AGENT, MPM, PPLAN, iri
from server.explain.prov.values import moment, write_interval, write_value
from server.explain.results import StepView

Name = Callable[[str], URIRef]


def write_step(
    made: Graph, name: Name, position: int, step: StepView, under: Circumstances, patient: URIRef, values: list[URIRef]
) -> URIRef:
    """State one step; the entity that it generated joins ``values``.  The activity."""
    activity, value = name(f"step-{position}"), name(f"value-{position}")
    for kind in (PROV.Activity, PPLAN.Activity, MPM.Execution):
        made.add((activity, RDF.type, kind))
    made.add((activity, MPM.position, Literal(position)))
    made.add((activity, MPM.asOf, moment(step.as_of)))
    made.add((activity, MPM.reused, Literal(step.reused)))
    made.add((activity, MPM.reason, Literal(step.reason)))
    made.add((activity, MPM.warrant, Literal(step.warrant)))
    if step.qualifier is not None:
        made.add((activity, MPM.qualifier, Literal(step.qualifier)))
    _write_digests(made, activity, step, under)
    _write_association(made, activity, name(f"step-{position}-association"), write_module(made, step.module))
    for ground in step.grounds:
        given = name(f"step-{position}.{ground.slot}")
        write_ground(made, given, ground, patient, values)
        made.add((activity, PROV.used, given))
    for kind in (PROV.Entity, MPM.Resource):
        made.add((value, RDF.type, kind))
    write_value(made, value, step.value)
    write_interval(made, value, MPM.bounds, step.bounds)
    made.add((value, MPM.concept, URIRef(step.module.produces.iri)))
    made.add((value, MPM.subject, patient))
    made.add((value, PROV.wasGeneratedBy, activity))
    made.add((value, RDFS.label, Literal(step.claim)))
    for text in step.rebuttals:
        made.add((value, MPM.rebuttal, Literal(text)))
    _write_plan(made, name, position, step)
    write_contributions(made, name, position, step.contributions, value)
    values.append(value)
    return activity


def write_module(made: Graph, module: Description) -> URIRef:
    """State the version of a module: what was followed then, whatever the module says later."""
    version = URIRef(f"{module.iri}/{module.version}")
    for kind in (PROV.Entity, PROV.Plan):
        made.add((version, RDF.type, kind))
    made.add((version, DCTERMS.isVersionOf, URIRef(module.iri)))
    made.add((version, OWL.versionInfo, Literal(module.version)))
    made.add((version, DCTERMS.title, Literal(module.title)))
    for citation in module.citations:
        made.add((version, DCTERMS.source, iri(citation) if citation.startswith("http") else Literal(citation)))
    return version


def _write_digests(made: Graph, activity: URIRef, step: StepView, under: Circumstances) -> None:
    consumed = {ground.slot: Consumed(ground.value, ground.bounds) for ground in step.grounds}
    environment = under.environment
    content = fingerprint(step.module, consumed, step.as_of, environment, PUBLIC, under.zone)
    made.add((activity, MPM.fingerprint, Literal(step.fingerprint)))
    made.add((activity, MPM.contentDigest, Literal(content)))
    made.add((activity, MPM.descriptionDigest, Literal(step.module.digest)))
    made.add((activity, MPM.codeDigest, Literal(step.module.code_digest)))
    made.add((activity, MPM.environment, Literal(environment.digest(step.module.kind))))


def _write_association(made: Graph, activity: URIRef, association: URIRef, module: URIRef) -> None:
    for kind in (PROV.Agent, PROV.SoftwareAgent):
        made.add((AGENT, RDF.type, kind))
    made.add((activity, PROV.wasAssociatedWith, AGENT))
    made.add((activity, PROV.qualifiedAssociation, association))
    made.add((association, RDF.type, PROV.Association))
    made.add((association, PROV.agent, AGENT))
    made.add((association, PROV.hadPlan, module))


def _write_plan(made: Graph, name: Name, position: int, step: StepView) -> None:
    """What was planned: the call, its slots and its output, as P-Plan's step and variables."""
    plan, planned = name("plan"), name(f"plan.step-{position}")
    # Entities too: else what knows PROV but not P-Plan drops them.
    for kind in (PROV.Entity, PPLAN.Step):
        made.add((planned, RDF.type, kind))
    made.add((planned, PPLAN.isStepOfPlan, plan))
    made.add((planned, MPM.calls, URIRef(step.module.iri)))
    for before in _before(step):
        made.add((planned, PPLAN.isPrecededBy, name(f"plan.step-{before}")))
    made.add((name(f"step-{position}"), PPLAN.correspondsToStep, planned))
    for ground in step.grounds:
        variable = name(f"plan.step-{position}.{ground.slot}")
        _write_variable(made, variable, plan, PPLAN.isInputVarOf, planned)
        made.add((variable, MPM.name, Literal(ground.slot)))
        made.add((name(f"step-{position}.{ground.slot}"), PPLAN.correspondsToVariable, variable))
    output = name(f"plan.value-{position}")
    _write_variable(made, output, plan, PPLAN.isOutputVarOf, planned)
    made.add((name(f"value-{position}"), PPLAN.correspondsToVariable, output))


def _write_variable(made: Graph, variable: URIRef, plan: URIRef, role: URIRef, planned: URIRef) -> None:
    for kind in (PROV.Entity, PPLAN.Variable):
        made.add((variable, RDF.type, kind))
    made.add((variable, PPLAN.isVariableOfPlan, plan))
    made.add((variable, role, planned))


def _before(step: StepView) -> Sequence[int]:
    return tuple(dict.fromkeys(below for ground in step.grounds for below in ground.steps))

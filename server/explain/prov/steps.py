"""A step as an activity: the grounds that it used, what it generated, what each input contributed, its module and plan.

A ground is an entity with its value, its time, and the records, steps or assumption that it is derived from.
"""

from collections.abc import Sequence

from ontology.evaluation import Contribution
from ontology.resources import RecordRef
from server.catalog.descriptions import Description
from server.executor.fingerprint import PUBLIC, fingerprint
from server.executor.trace import Circumstances
from server.explain.prov.graph import Graph
from server.explain.prov.rdf_terms import AGENT, DCTERMS, MPM, OWL, PPLAN, PROV, RDF, RDFS, Iri, NodeName, iri, literal
from server.explain.prov.rdf_values import decimal_literal, time_literal, write_interval, write_value
from server.explain.prov.statements import Statements, Term
from server.explain.results import Contributions, GroundView, StepView


def write_ground(graph: Graph, given: Iri, ground: GroundView, patient: Iri, values: Sequence[Iri]) -> None:
    """State one filled slot; ``values`` are the entities that the steps generated, by position."""
    graph.add((given, RDF.type, PROV.Entity))
    graph.add((given, RDF.type, MPM.Resource))
    graph.add((given, MPM.concept, Iri(ground.concept.iri)))
    graph.add((given, MPM.name, literal(ground.slot)))
    graph.add((given, MPM.subject, patient))
    write_value(graph, given, ground.value)
    write_interval(graph, given, MPM.bounds, ground.bounds)
    if ground.presumed is not None:
        graph.add((given, MPM.presumed, literal(ground.presumed)))
    if ground.assumed:
        graph.add((given, MPM.assumed, literal(True)))
        graph.add((given, MPM.bySite, literal(ground.by_site)))
    if ground.by_closed_world:
        graph.add((given, MPM.closedWorld, literal(True)))
    if ground.time is not None:
        graph.add((given, MPM.effective, time_literal(ground.time.end)))
        if ground.time.start != ground.time.end:
            graph.add((given, MPM.effectiveFrom, time_literal(ground.time.start)))
    if ground.absence_reason is not None:
        graph.add((given, RDFS.comment, literal(ground.absence_reason)))
    for step in ground.steps:
        graph.add((given, PROV.wasDerivedFrom, values[step]))
    for record in ground.records:
        graph.add((given, PROV.wasDerivedFrom, write_record(graph, record)))


def write_record(graph: Graph, record: RecordRef) -> Iri:
    """State a record: the version that was read, its record and its server.  The entity of the version."""
    record_iri, server = iri(record.url), iri(record.server)
    entity = iri(f"{record.url}/_history/{record.version}") if record.version else record_iri
    graph.add((entity, RDF.type, PROV.Entity))
    graph.add((entity, RDF.type, MPM.Record))
    graph.add((entity, PROV.wasAttributedTo, server))
    graph.add((server, RDF.type, PROV.Agent))
    if record.version:
        graph.add((entity, OWL.versionInfo, literal(record.version)))
        graph.add((entity, PROV.specializationOf, record_iri))
        graph.add((record_iri, RDF.type, PROV.Entity))
    return entity


def write_contributions(
    graph: Graph, name: NodeName, position: int, contributions: Contributions | None, value: Iri
) -> None:
    """State what the slots of a step added; nothing where the step has no contributions."""
    if contributions is None:
        return
    node = name(f"step-{position}.contributions")
    graph.add((value, MPM.contributions, node))
    graph.add((node, RDF.type, PROV.Entity))
    graph.add((node, RDF.type, MPM.Contributions))
    graph.add((node, PROV.wasDerivedFrom, value))
    graph.add((node, PROV.wasAttributedTo, AGENT))
    graph.add((node, MPM.scale, literal(contributions.scale)))
    graph.add((node, MPM.baseline, literal(contributions.background)))
    for term, number in (
        (MPM.base, contributions.base),
        (MPM.output, contributions.output),
        (MPM.residual, contributions.residual),
    ):
        graph.add((node, term, decimal_literal(number)))
    for place, item in enumerate(contributions.items):
        part = name(f"step-{position}.contribution-{place}")
        graph.add((node, MPM.contribution, part))
        graph.add((part, RDF.type, PROV.Entity))
        graph.add((part, MPM.position, literal(place)))
        graph.add((part, MPM.name, literal(item.slot)))
        graph.add((part, MPM.amount, decimal_literal(item.amount)))
        graph.add((part, DCTERMS.description, literal(item.text)))
    for place, group in enumerate(contributions.groups):
        together = name(f"step-{position}.together-{place}")
        graph.add((node, MPM.together, together))
        graph.add((together, RDF.type, PROV.Entity))
        graph.add((together, DCTERMS.description, literal(group.text)))
        graph.add((together, MPM.amount, decimal_literal(group.amount)))
        for slot in group.slots:
            graph.add((together, MPM.name, literal(slot)))


def read_contributions(statements: Statements, value: Term) -> Contributions | None:
    """What each slot of the step added that generated a value, by the names of the slots; None where nothing is stated.

    Groups are not read: their amounts are in those of their slots.
    """
    if not statements.nodes(value, MPM.contributions.value):
        return None
    node = statements.node(value, MPM.contributions.value)
    items = (_read_contribution(statements, part) for part in statements.nodes(node, MPM.contribution.value))
    return Contributions(
        scale=statements.text(node, MPM.scale.value),
        base=statements.number(node, MPM.base.value),
        output=statements.number(node, MPM.output.value),
        residual=statements.number(node, MPM.residual.value),
        background=statements.text(node, MPM.baseline.value),
        items=tuple(sorted(items, key=lambda each: (each.slot, each.amount))),
    )


def _read_contribution(statements: Statements, part: Term) -> Contribution:
    return Contribution(
        slot=statements.text(part, MPM.name.value),
        amount=statements.number(part, MPM.amount.value),
        text=statements.text(part, DCTERMS.description.value),
    )


def write_step(
    graph: Graph,
    name: NodeName,
    position: int,
    step: StepView,
    under: Circumstances,
    patient: Iri,
    values: list[Iri],
) -> Iri:
    """State one step, and append the entity that it generated to ``values``.  Returns the activity."""
    activity, value = name(f"step-{position}"), name(f"value-{position}")
    for kind in (PROV.Activity, PPLAN.Activity, MPM.Execution):
        graph.add((activity, RDF.type, kind))
    graph.add((activity, MPM.position, literal(position)))
    graph.add((activity, MPM.asOf, time_literal(step.as_of)))
    graph.add((activity, MPM.reused, literal(step.reused)))
    graph.add((activity, MPM.reason, literal(step.reason)))
    graph.add((activity, MPM.warrant, literal(step.warrant)))
    if step.qualifier is not None:
        graph.add((activity, MPM.qualifier, literal(step.qualifier)))
    _write_digests(graph, activity, step, under)
    _write_association(graph, activity, name(f"step-{position}-association"), write_module(graph, step.module))
    for ground in step.grounds:
        given = name(f"step-{position}.{ground.slot}")
        write_ground(graph, given, ground, patient, values)
        graph.add((activity, PROV.used, given))
    for kind in (PROV.Entity, MPM.Resource):
        graph.add((value, RDF.type, kind))
    write_value(graph, value, step.value)
    write_interval(graph, value, MPM.bounds, step.bounds)
    graph.add((value, MPM.concept, Iri(step.module.produces.iri)))
    graph.add((value, MPM.subject, patient))
    graph.add((value, PROV.wasGeneratedBy, activity))
    graph.add((value, RDFS.label, literal(step.claim)))
    for text in step.rebuttals:
        graph.add((value, MPM.rebuttal, literal(text)))
    _write_plan(graph, name, position, step)
    write_contributions(graph, name, position, step.contributions, value)
    values.append(value)
    return activity


def write_module(graph: Graph, module: Description) -> Iri:
    """State the version of a module that was followed.  Returns its IRI."""
    version = Iri(f"{module.iri}/{module.version}")
    for kind in (PROV.Entity, PROV.Plan):
        graph.add((version, RDF.type, kind))
    graph.add((version, DCTERMS.isVersionOf, Iri(module.iri)))
    graph.add((version, OWL.versionInfo, literal(module.version)))
    graph.add((version, DCTERMS.title, literal(module.title)))
    for citation in module.citations:
        graph.add((version, DCTERMS.source, iri(citation) if citation.startswith("http") else literal(citation)))
    return version


def _write_digests(graph: Graph, activity: Iri, step: StepView, under: Circumstances) -> None:
    consumed = {ground.slot: ground.consumed for ground in step.grounds}
    environment = under.environment
    content = fingerprint(step.module, consumed, step.as_of, environment, PUBLIC, under.zone)
    graph.add((activity, MPM.fingerprint, literal(step.fingerprint)))
    graph.add((activity, MPM.contentDigest, literal(content)))
    graph.add((activity, MPM.descriptionDigest, literal(step.module.digest)))
    graph.add((activity, MPM.codeDigest, literal(step.module.code_digest)))
    graph.add((activity, MPM.environment, literal(environment.digest(step.module.kind))))


def _write_association(graph: Graph, activity: Iri, association: Iri, module: Iri) -> None:
    for kind in (PROV.Agent, PROV.SoftwareAgent):
        graph.add((AGENT, RDF.type, kind))
    graph.add((activity, PROV.wasAssociatedWith, AGENT))
    graph.add((activity, PROV.qualifiedAssociation, association))
    graph.add((association, RDF.type, PROV.Association))
    graph.add((association, PROV.agent, AGENT))
    graph.add((association, PROV.hadPlan, module))


def _write_plan(graph: Graph, name: NodeName, position: int, step: StepView) -> None:
    """State the planned call, its slots and its output, as P-Plan's step and variables."""
    plan, planned = name("plan"), name(f"plan.step-{position}")
    # Entities too: software that supports PROV without P-Plan would drop them otherwise.
    for kind in (PROV.Entity, PPLAN.Step):
        graph.add((planned, RDF.type, kind))
    graph.add((planned, PPLAN.isStepOfPlan, plan))
    graph.add((planned, MPM.calls, Iri(step.module.iri)))
    for before in _preceding_steps(step):
        graph.add((planned, PPLAN.isPrecededBy, name(f"plan.step-{before}")))
    graph.add((name(f"step-{position}"), PPLAN.correspondsToStep, planned))
    for ground in step.grounds:
        variable = name(f"plan.step-{position}.{ground.slot}")
        _write_variable(graph, variable, plan, PPLAN.isInputVarOf, planned)
        graph.add((variable, MPM.name, literal(ground.slot)))
        graph.add((name(f"step-{position}.{ground.slot}"), PPLAN.correspondsToVariable, variable))
    output = name(f"plan.value-{position}")
    _write_variable(graph, output, plan, PPLAN.isOutputVarOf, planned)
    graph.add((name(f"value-{position}"), PPLAN.correspondsToVariable, output))


def _write_variable(graph: Graph, variable: Iri, plan: Iri, role: Iri, planned: Iri) -> None:
    for kind in (PROV.Entity, PPLAN.Variable):
        graph.add((variable, RDF.type, kind))
    graph.add((variable, PPLAN.isVariableOfPlan, plan))
    graph.add((variable, role, planned))


def _preceding_steps(step: StepView) -> Sequence[int]:
    return tuple(dict.fromkeys(below for ground in step.grounds for below in ground.steps))

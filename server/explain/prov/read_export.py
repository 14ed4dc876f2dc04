"""An exported argument read back into ``exported`` objects, or refused with the reason."""

import pyoxigraph as ox

from ontology.evaluation import SlotInput
from server.errors import ArgumentFileError
from server.explain.prov.attributions import read_attributions
from server.explain.prov.exported import ExportedAnswer, ExportedInput, ExportedStep
from server.explain.prov.rdf_terms import DCTERMS, MPM, OWL, PROV
from server.explain.prov.rdf_values import read_interval, read_value
from server.explain.prov.statements import Statements, Term, describe_node, parse_statements
from server.explain.prov.steps import read_contributions

__all__ = ["read_export"]

MOST_ATTRIBUTIONS = 200
"""Attributions in a file, at most: each takes up to a second to compute again."""


def read_export(text: str, form: str) -> tuple[ExportedAnswer, ...]:
    """The arguments in a file in the form ``turtle`` or ``json-ld``, in the order of their names.

    Nothing is fetched, whatever the file names.  Raises ArgumentFileError for a file that is no argument, or an
    incomplete one.
    """
    statements = Statements(parse_statements(text, form))
    answers = statements.nodes_of_type(MPM.Answer.value)
    if not answers:
        raise ArgumentFileError("the file has no answer (mpm:Answer): it is no exported argument")
    if len(statements.nodes_of_type(MPM.Attribution.value)) > MOST_ATTRIBUTIONS:
        raise ArgumentFileError(f"the file has more than {MOST_ATTRIBUTIONS} attributions; split it")
    return tuple(_read_answer(statements, answer) for answer in answers)


def _read_answer(statements: Statements, answer: ox.NamedNode) -> ExportedAnswer:
    activities = _ordered_activities(statements, answer)
    value = statements.node(answer, MPM.result.value)
    outputs = {_activity_output(statements, activity): place for place, activity in enumerate(activities)}
    if activities and outputs.get(value) != len(activities) - 1:
        raise ArgumentFileError(f"the result of {describe_node(answer)} is not what its last step gave")
    return ExportedAnswer(
        iri=answer.value,
        text=statements.text(answer, DCTERMS.description.value),
        concept=statements.iri(answer, MPM.concept.value),
        status=statements.text(answer, MPM.status.value),
        at=statements.time(answer, MPM.asOf.value),
        zone=statements.text(answer, MPM.zone.value),
        format=statements.integer(answer, MPM["format"].value),
        steps=tuple(_read_step(statements, activity, place, outputs) for place, activity in enumerate(activities)),
        value=read_value(statements, value),
        seal=statements.text(answer, MPM.seal.value) if statements.values(answer, MPM.seal.value) else None,
        attributions=read_attributions(statements, answer),
        assumed=not activities and statements.flag(value, MPM.assumed.value, default=False),
        interval=read_interval(statements, answer, MPM.interval.value),
    )


def _ordered_activities(statements: Statements, answer: Term) -> list[Term]:
    """The steps by their positions, which are 0, 1, 2, …"""
    places: dict[int, Term] = {}
    activities = statements.nodes(answer, MPM.step.value)
    for activity in activities:
        places[statements.integer(activity, MPM.position.value)] = activity
    if sorted(places) != list(range(len(activities))):
        raise ArgumentFileError(
            f"the steps of {describe_node(answer)} are not numbered from 0 without a gap: one is missing"
        )
    return [places[place] for place in sorted(places)]


def _activity_output(statements: Statements, activity: Term) -> Term:
    found = statements.generated_by(activity)
    if len(found) != 1:
        raise ArgumentFileError(f"{describe_node(activity)} gave {len(found)} values, and must give one")
    statements.value(found[0], PROV.wasGeneratedBy.value)
    return found[0]


def _read_step(statements: Statements, activity: Term, place: int, outputs: dict[Term, int]) -> ExportedStep:
    association = statements.node(activity, PROV.qualifiedAssociation.value)
    module = statements.node(association, PROV.hadPlan.value)
    output = next(value for value, position in outputs.items() if position == place)
    inputs: dict[str, ExportedInput] = {}
    for given in statements.nodes(activity, PROV.used.value):
        name = statements.text(given, MPM.name.value)
        if name in inputs:
            raise ArgumentFileError(f"{describe_node(activity)} has two inputs of the name {describe_node(given)}")
        inputs[name] = _read_input(statements, given, place, outputs)
    return ExportedStep(
        module=statements.iri(module, DCTERMS.isVersionOf.value),
        title=statements.text(module, DCTERMS.title.value),
        version=statements.text(module, OWL.versionInfo.value),
        as_of=statements.time(activity, MPM.asOf.value),
        inputs=inputs,
        value=read_value(statements, output),
        fingerprint=statements.text(activity, MPM.fingerprint.value),
        content_digest=statements.text(activity, MPM.contentDigest.value),
        description=statements.text(activity, MPM.descriptionDigest.value),
        code=statements.text(activity, MPM.codeDigest.value),
        environment=statements.text(activity, MPM.environment.value),
        reused=statements.flag(activity, MPM.reused.value),
        bounds=read_interval(statements, output, MPM.bounds.value),
        contributions=read_contributions(statements, output),
    )


def _read_input(statements: Statements, given: Term, place: int, outputs: dict[Term, int]) -> ExportedInput:
    steps: list[int] = []
    records: list[str] = []
    for source in statements.nodes(given, PROV.wasDerivedFrom.value):
        if source in outputs:
            steps.append(outputs[source])
        elif statements.is_a(source, MPM.Record.value) and isinstance(source, ox.NamedNode):
            records.append(source.value)
        else:
            raise ArgumentFileError(
                f"{describe_node(given)} comes from what is neither a step nor a record of its argument"
            )
    if any(step >= place for step in steps):
        raise ArgumentFileError(
            f"{describe_node(given)} comes from its own step or a later one: the steps run in a circle"
        )
    return ExportedInput(
        concept=statements.iri(given, MPM.concept.value),
        consumed=SlotInput(
            read_value(statements, given),
            read_interval(statements, given, MPM.bounds.value),
            statements.flag(given, MPM.presumed.value) if statements.values(given, MPM.presumed.value) else None,
        ),
        steps=tuple(sorted(steps)),
        records=tuple(sorted(records)),
        assumed=statements.flag(given, MPM.assumed.value, default=False),
    )

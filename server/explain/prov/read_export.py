"""An exported argument read back into ``exported`` objects, or refused with the reason."""

import pyoxigraph as ox
from rdflib import OWL, PROV
from rdflib.namespace import DCTERMS

from ontology.evaluation import SlotInput
from server.errors import ArgumentFileError
from server.explain.prov.attributions import read_attributions
from server.explain.prov.exported import ExportedAnswer, ExportedInput, ExportedStep
from server.explain.prov.rdf_terms import MPM
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
    answers = statements.nodes_of_type(str(MPM.Answer))
    if not answers:
        raise ArgumentFileError("the file has no answer (mpm:Answer): it is no exported argument")
    if len(statements.nodes_of_type(str(MPM.Attribution))) > MOST_ATTRIBUTIONS:
        raise ArgumentFileError(f"the file has more than {MOST_ATTRIBUTIONS} attributions; split it")
    return tuple(_read_answer(statements, answer) for answer in answers)


def _read_answer(statements: Statements, answer: ox.NamedNode) -> ExportedAnswer:
    activities = _ordered_activities(statements, answer)
    value = statements.node(answer, str(MPM.result))
    outputs = {_activity_output(statements, activity): place for place, activity in enumerate(activities)}
    if activities and outputs.get(value) != len(activities) - 1:
        raise ArgumentFileError(f"the result of {describe_node(answer)} is not what its last step gave")
    return ExportedAnswer(
        iri=answer.value,
        text=statements.text(answer, str(DCTERMS.description)),
        concept=statements.iri(answer, str(MPM.concept)),
        status=statements.text(answer, str(MPM.status)),
        at=statements.time(answer, str(MPM.asOf)),
        zone=statements.text(answer, str(MPM.zone)),
        format=statements.integer(answer, str(MPM["format"])),
        steps=tuple(_read_step(statements, activity, place, outputs) for place, activity in enumerate(activities)),
        value=read_value(statements, value),
        seal=statements.text(answer, str(MPM.seal)) if statements.values(answer, str(MPM.seal)) else None,
        attributions=read_attributions(statements, answer),
        assumed=not activities and statements.flag(value, str(MPM.assumed), default=False),
        interval=read_interval(statements, answer, str(MPM.interval)),
    )


def _ordered_activities(statements: Statements, answer: Term) -> list[Term]:
    """The steps by their positions, which are 0, 1, 2, …"""
    places: dict[int, Term] = {}
    activities = statements.nodes(answer, str(MPM.step))
    for activity in activities:
        places[statements.integer(activity, str(MPM.position))] = activity
    if sorted(places) != list(range(len(activities))):
        raise ArgumentFileError(
            f"the steps of {describe_node(answer)} are not numbered from 0 without a gap: one is missing"
        )
    return [places[place] for place in sorted(places)]


def _activity_output(statements: Statements, activity: Term) -> Term:
    found = statements.generated_by(activity)
    if len(found) != 1:
        raise ArgumentFileError(f"{describe_node(activity)} gave {len(found)} values, and must give one")
    statements.value(found[0], str(PROV.wasGeneratedBy))
    return found[0]


def _read_step(statements: Statements, activity: Term, place: int, outputs: dict[Term, int]) -> ExportedStep:
    association = statements.node(activity, str(PROV.qualifiedAssociation))
    module = statements.node(association, str(PROV.hadPlan))
    output = next(value for value, position in outputs.items() if position == place)
    inputs: dict[str, ExportedInput] = {}
    for given in statements.nodes(activity, str(PROV.used)):
        name = statements.text(given, str(MPM.name))
        if name in inputs:
            raise ArgumentFileError(f"{describe_node(activity)} has two inputs of the name {describe_node(given)}")
        inputs[name] = _read_input(statements, given, place, outputs)
    return ExportedStep(
        module=statements.iri(module, str(DCTERMS.isVersionOf)),
        title=statements.text(module, str(DCTERMS.title)),
        version=statements.text(module, str(OWL.versionInfo)),
        as_of=statements.time(activity, str(MPM.asOf)),
        inputs=inputs,
        value=read_value(statements, output),
        fingerprint=statements.text(activity, str(MPM.fingerprint)),
        content_digest=statements.text(activity, str(MPM.contentDigest)),
        description=statements.text(activity, str(MPM.descriptionDigest)),
        code=statements.text(activity, str(MPM.codeDigest)),
        environment=statements.text(activity, str(MPM.environment)),
        reused=statements.flag(activity, str(MPM.reused)),
        bounds=read_interval(statements, output, str(MPM.bounds)),
        contributions=read_contributions(statements, output),
    )


def _read_input(statements: Statements, given: Term, place: int, outputs: dict[Term, int]) -> ExportedInput:
    steps: list[int] = []
    records: list[str] = []
    for source in statements.nodes(given, str(PROV.wasDerivedFrom)):
        if source in outputs:
            steps.append(outputs[source])
        elif statements.is_a(source, str(MPM.Record)) and isinstance(source, ox.NamedNode):
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
        concept=statements.iri(given, str(MPM.concept)),
        consumed=SlotInput(
            read_value(statements, given),
            read_interval(statements, given, str(MPM.bounds)),
            statements.flag(given, str(MPM.presumed)) if statements.values(given, str(MPM.presumed)) else None,
        ),
        steps=tuple(sorted(steps)),
        records=tuple(sorted(records)),
        assumed=statements.flag(given, str(MPM.assumed), default=False),
    )

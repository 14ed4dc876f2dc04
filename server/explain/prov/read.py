"""An exported argument, read back: what it says, or why it cannot be read as one."""

import pyoxigraph as ox
from rdflib import OWL, PROV
from rdflib.namespace import DCTERMS

from ontology.inputs import Consumed
from server.errors import ArgumentFileError
from server.explain.prov.contributions import read_contributions
from server.explain.prov.parsing import Term, parse
from server.explain.prov.readattributions import read_attributions
from server.explain.prov.readvalues import read_interval, read_value
from server.explain.prov.statements import Statements, words
from server.explain.prov.terms import MPM
from server.explain.replay.said import Said, SaidInput, SaidStep

__all__ = ["read"]

MOST_ATTRIBUTIONS = 200
"""Of a file: each takes up to a second to compute again."""


def read(text: str, form: str) -> tuple[Said, ...]:
    """The arguments in a file in the form ``turtle`` or ``json-ld``, in the order of their names.

    Nothing is fetched, whatever the file names.  Raises ArgumentFileError for a file that is no argument, or not a
    whole one.
    """
    said = Statements(parse(text, form))
    answers = said.of_type(str(MPM.Answer))
    if not answers:
        raise ArgumentFileError("the file has no answer (mpm:Answer): it is no exported argument")
    if len(said.of_type(str(MPM.Attribution))) > MOST_ATTRIBUTIONS:
        raise ArgumentFileError(f"the file has more than {MOST_ATTRIBUTIONS} attributions; split it")
    return tuple(_answer(said, answer) for answer in answers)


def _answer(said: Statements, answer: ox.NamedNode) -> Said:
    activities = _in_order(said, answer)
    value = said.node(answer, str(MPM.result))
    outputs = {_output(said, activity): place for place, activity in enumerate(activities)}
    if activities and outputs.get(value) != len(activities) - 1:
        raise ArgumentFileError(f"the result of {words(answer)} is not what its last step gave")
    return Said(
        iri=answer.value,
        text=said.text(answer, str(DCTERMS.description)),
        concept=said.iri(answer, str(MPM.concept)),
        status=said.text(answer, str(MPM.status)),
        at=said.time(answer, str(MPM.asOf)),
        zone=said.text(answer, str(MPM.zone)),
        format=said.integer(answer, str(MPM["format"])),
        steps=tuple(_step(said, activity, place, outputs) for place, activity in enumerate(activities)),
        value=read_value(said, value),
        seal=said.text(answer, str(MPM.seal)) if said.all(answer, str(MPM.seal)) else None,
        attributions=read_attributions(said, answer),
        assumed=not activities and said.flag(value, str(MPM.assumed), default=False),
        interval=read_interval(said, answer, str(MPM.interval)),
    )


def _in_order(said: Statements, answer: Term) -> list[Term]:
    """The steps by their positions, which are 0, 1, 2, …"""
    places: dict[int, Term] = {}
    activities = said.nodes(answer, str(MPM.step))
    for activity in activities:
        places[said.integer(activity, str(MPM.position))] = activity
    if sorted(places) != list(range(len(activities))):
        raise ArgumentFileError(f"the steps of {words(answer)} are not numbered from 0 without a gap: one is missing")
    return [places[place] for place in sorted(places)]


def _output(said: Statements, activity: Term) -> Term:
    found = said.generated_by(activity)
    if len(found) != 1:
        raise ArgumentFileError(f"{words(activity)} gave {len(found)} values, and must give one")
    said.one(found[0], str(PROV.wasGeneratedBy))
    return found[0]


def _step(said: Statements, activity: Term, place: int, outputs: dict[Term, int]) -> SaidStep:
    association = said.node(activity, str(PROV.qualifiedAssociation))
    module = said.node(association, str(PROV.hadPlan))
    output = next(value for value, position in outputs.items() if position == place)
    inputs: dict[str, SaidInput] = {}
    for given in said.nodes(activity, str(PROV.used)):
        name = said.text(given, str(MPM.name))
        if name in inputs:
            raise ArgumentFileError(f"{words(activity)} has two inputs of the name {words(given)}")
        inputs[name] = _input(said, given, place, outputs)
    return SaidStep(
        module=said.iri(module, str(DCTERMS.isVersionOf)),
        title=said.text(module, str(DCTERMS.title)),
        version=said.text(module, str(OWL.versionInfo)),
        as_of=said.time(activity, str(MPM.asOf)),
        inputs=inputs,
        value=read_value(said, output),
        fingerprint=said.text(activity, str(MPM.fingerprint)),
        content_digest=said.text(activity, str(MPM.contentDigest)),
        description=said.text(activity, str(MPM.descriptionDigest)),
        code=said.text(activity, str(MPM.codeDigest)),
        environment=said.text(activity, str(MPM.environment)),
        reused=said.flag(activity, str(MPM.reused)),
        bounds=read_interval(said, output, str(MPM.bounds)),
        contributions=read_contributions(said, output),
    )


def _input(said: Statements, given: Term, place: int, outputs: dict[Term, int]) -> SaidInput:
    steps: list[int] = []
    records: list[str] = []
    for source in said.nodes(given, str(PROV.wasDerivedFrom)):
        if source in outputs:
            steps.append(outputs[source])
        elif said.is_a(source, str(MPM.Record)) and isinstance(source, ox.NamedNode):
            records.append(source.value)
        else:
            raise ArgumentFileError(f"{words(given)} comes from what is neither a step nor a record of its argument")
    if any(step >= place for step in steps):
        raise ArgumentFileError(f"{words(given)} comes from its own step or a later one: the steps run in a circle")
    return SaidInput(
        concept=said.iri(given, str(MPM.concept)),
        consumed=Consumed(read_value(said, given), read_interval(said, given, str(MPM.bounds))),
        steps=tuple(sorted(steps)),
        records=tuple(sorted(records)),
        assumed=said.flag(given, str(MPM.assumed), default=False),
    )

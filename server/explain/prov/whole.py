"""The chain of a result as a graph: each step an activity that used its grounds and generated its value."""

from rdflib import PROV, RDF, XSD, Graph, Literal, URIRef
from rdflib.namespace import DCTERMS
from rdflib.term import Node

from ontology.evaluation import Severity
from server.executor.fingerprint import FORMAT
from server.explain.prov.attribution import write_attributions
from server.explain.prov.canonical import digest_of, renamed
from server.explain.prov.grounds import write_ground
from server.explain.prov.seal import seal
from server.explain.prov.steps import write_step
from server.explain.prov.terms import AGENT, MPM, PPLAN, RESULTS, iri
from server.explain.prov.values import decimal, moment, write_interval
from server.explain.results import AnswerResult

_UNNAMED = "urn:medtwin:argument#"
_PERSON = b"mt.argument"


def graph(result: AnswerResult) -> Graph:
    """The argument of one result, sealed where a key is configured.

    It is named by a digest of all that it says.  So two arguments have one name only where they say the same, records
    and patient included, and any of them may stand in one graph.
    """
    draft = Graph()
    _write(draft, result)
    base = f"{RESULTS}{digest_of(draft, b'', _PERSON)}#"
    made = renamed(draft, _UNNAMED, base)
    if result.under.sealing is not None:
        made.add((URIRef(f"{base}answer"), MPM.seal, Literal(seal(made, result.under.sealing))))
    return made


def _name(part: str) -> URIRef:
    return URIRef(f"{_UNNAMED}{part}")


def _write(made: Graph, result: AnswerResult) -> None:
    answer, patient = _name("answer"), iri(result.reference)
    values: list[URIRef] = []
    for position, step in enumerate(result.chain):
        activity = write_step(made, _name, position, step, result.under, patient, values)
        made.add((answer, MPM.step, activity))
    if result.chain:
        for kind in (PROV.Entity, PROV.Plan, PPLAN.Plan, MPM.Plan):
            made.add((_name("plan"), RDF.type, kind))
    if result.leaf is not None:
        values.append(_name("value"))
        write_ground(made, values[-1], result.leaf, patient, values)
    _write_answer(made, answer, result, values[-1], patient)
    write_attributions(made, _name, result.attributions, answer, values[-1])


def _write_answer(made: Graph, answer: URIRef, result: AnswerResult, value: URIRef, patient: URIRef) -> None:
    said: list[tuple[URIRef, Node]] = [
        (RDF.type, PROV.Entity),
        (RDF.type, MPM.Answer),
        (DCTERMS.description, Literal(result.text)),
        (MPM.concept, URIRef(result.concept.iri)),
        (MPM.subject, patient),
        (MPM.status, Literal(result.status.value)),
        (MPM.asOf, moment(result.at)),
        (MPM.zone, Literal(str(result.under.zone))),
        (MPM["format"], Literal(FORMAT)),
        (MPM.intendedUse, Literal(result.intended_use)),
        (MPM.result, value),
        (PROV.wasDerivedFrom, value),
        (PROV.wasAttributedTo, AGENT),
        *((MPM.rebuttal, Literal(i.text)) for i in result.issues if i.severity is not Severity.INFORMATION),
        *((MPM.recommendation, Literal(each.text)) for each in result.recommendations),
    ]
    if result.interpretation is not None:
        said.append((MPM.interpretation, Literal(result.interpretation.text)))
    if result.risk is not None:
        said += [
            (MPM.outcome, Literal(result.risk.outcome)),
            (MPM.horizon, Literal(result.risk.horizon, datatype=XSD.duration, normalize=False)),
            (MPM.probability, decimal(result.risk.probability)),
        ]
    for term, node in said:
        made.add((answer, term, node))
    for kind in (PROV.Agent, PROV.SoftwareAgent):
        made.add((AGENT, RDF.type, kind))
    write_interval(made, answer, MPM.interval, result.interval)

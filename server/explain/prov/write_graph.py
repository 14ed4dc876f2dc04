"""The argument of a result as a graph: each step an activity, the answer an entity, sealed."""

from ontology.evaluation import Severity
from server.executor.fingerprint import FORMAT
from server.explain.prov.attributions import write_attributions
from server.explain.prov.graph import Graph, rename_nodes
from server.explain.prov.rdf_terms import (
    AGENT,
    DCTERMS,
    MPM,
    PPLAN,
    PROV,
    RDF,
    RESULTS,
    XSD,
    Iri,
    Literal,
    Object,
    iri,
    literal,
)
from server.explain.prov.rdf_values import decimal_literal, time_literal, write_interval
from server.explain.prov.seal import compute_seal, graph_digest
from server.explain.prov.steps import write_ground, write_step
from server.explain.results import AnswerResult

_UNNAMED = "urn:medtwin:argument#"
_PERSON = b"mt.argument"


def argument_graph(result: AnswerResult) -> Graph:
    """The argument of one result, sealed where a key is configured.

    Its names have a digest of its content.  So two arguments share names only where their content is equal, records
    and patient included, and any of them can be merged into one graph.
    """
    draft = Graph()
    _write_argument(draft, result)
    base = f"{RESULTS}{graph_digest(draft, b'', _PERSON)}#"
    made = rename_nodes(draft, _UNNAMED, base)
    if result.circumstances.seal_key is not None:
        made.add((Iri(f"{base}answer"), MPM.seal, literal(compute_seal(made, result.circumstances.seal_key))))
    return made


def _node_name(part: str) -> Iri:
    return Iri(f"{_UNNAMED}{part}")


def _write_argument(graph: Graph, result: AnswerResult) -> None:
    answer, patient = _node_name("answer"), iri(result.reference)
    values: list[Iri] = []
    for position, step in enumerate(result.chain):
        activity = write_step(graph, _node_name, position, step, result.circumstances, patient, values)
        graph.add((answer, MPM.step, activity))
    if result.chain:
        for kind in (PROV.Entity, PROV.Plan, PPLAN.Plan, MPM.Plan):
            graph.add((_node_name("plan"), RDF.type, kind))
    if result.leaf is not None:
        values.append(_node_name("value"))
        write_ground(graph, values[-1], result.leaf, patient, values)
    _write_answer(graph, answer, result, values[-1], patient)
    write_attributions(graph, _node_name, result.attributions, answer, values[-1])


def _write_answer(graph: Graph, answer: Iri, result: AnswerResult, value: Iri, patient: Iri) -> None:
    statements: list[tuple[Iri, Object]] = [
        (RDF.type, PROV.Entity),
        (RDF.type, MPM.Answer),
        (DCTERMS.description, literal(result.text)),
        (MPM.concept, Iri(result.concept.iri)),
        (MPM.subject, patient),
        (MPM.status, literal(result.status.value)),
        (MPM.asOf, time_literal(result.at)),
        (MPM.zone, literal(str(result.circumstances.zone))),
        (MPM["format"], literal(FORMAT)),
        (MPM.intendedUse, literal(result.intended_use)),
        (MPM.result, value),
        (PROV.wasDerivedFrom, value),
        (PROV.wasAttributedTo, AGENT),
        *((MPM.rebuttal, literal(i.text)) for i in result.issues if i.severity is not Severity.INFORMATION),
        *((MPM.recommendation, literal(each.text)) for each in result.recommendations),
    ]
    if result.interpretation is not None:
        statements.append((MPM.interpretation, literal(result.interpretation.text)))
    if result.risk is not None:
        statements += [
            (MPM.outcome, literal(result.risk.outcome)),
            (MPM.horizon, Literal(result.risk.horizon, XSD.duration)),
            (MPM.probability, decimal_literal(result.risk.probability)),
        ]
    for term, node in statements:
        graph.add((answer, term, node))
    for kind in (PROV.Agent, PROV.SoftwareAgent):
        graph.add((AGENT, RDF.type, kind))
    write_interval(graph, answer, MPM.interval, result.interval)

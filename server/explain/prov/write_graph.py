"""The argument of a result as a graph, each step an activity, and the SHACL constraints that such a graph satisfies.

The constraints are those of PROV, and ours (``constraints.ttl``).
"""

from functools import cache
from pathlib import Path

from rdflib import PROV, RDF, SH, XSD, Graph, Literal, URIRef
from rdflib.namespace import DCTERMS
from rdflib.term import Node

from ontology.evaluation import Severity
from server.catalog.turtle import term_name
from server.executor.fingerprint import FORMAT
from server.explain.prov.attributions import write_attributions
from server.explain.prov.rdf_terms import AGENT, MPM, PPLAN, RESULTS, iri
from server.explain.prov.rdf_values import decimal_literal, time_literal, write_interval
from server.explain.prov.seal import compute_seal, graph_digest, rename_iris
from server.explain.prov.steps import write_ground, write_step
from server.explain.results import AnswerResult


def constraint_violations(graph: Graph) -> list[str]:
    """One line for each constraint that a node breaks: the node, and the rule.  Empty for a valid argument."""
    # Importing it takes a third of a second, and no request needs it.
    import pyshacl

    conforms, report, _ = pyshacl.validate(graph, shacl_graph=_constraints_graph(), inference="none", advanced=True)
    if conforms or not isinstance(report, Graph):
        return []
    lines = set()
    for result in report.subjects(RDF.type, SH.ValidationResult):
        node, path = report.value(result, SH.focusNode), report.value(result, SH.resultPath)
        rule = str(report.value(result, SH.resultMessage))
        named = str(node).rsplit("#", 1)[-1]
        lines.add(f"{named}: {term_name(path)}: {rule}" if path is not None else f"{named}: {rule}")
    return sorted(lines)


@cache
def _constraints_graph() -> Graph:
    return Graph().parse(Path(__file__).with_name("constraints.ttl"), format="turtle")


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
    made = rename_iris(draft, _UNNAMED, base)
    if result.circumstances.seal_key is not None:
        made.add((URIRef(f"{base}answer"), MPM.seal, Literal(compute_seal(made, result.circumstances.seal_key))))
    return made


def _node_name(part: str) -> URIRef:
    return URIRef(f"{_UNNAMED}{part}")


def _write_argument(graph: Graph, result: AnswerResult) -> None:
    answer, patient = _node_name("answer"), iri(result.reference)
    values: list[URIRef] = []
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


def _write_answer(graph: Graph, answer: URIRef, result: AnswerResult, value: URIRef, patient: URIRef) -> None:
    statements: list[tuple[URIRef, Node]] = [
        (RDF.type, PROV.Entity),
        (RDF.type, MPM.Answer),
        (DCTERMS.description, Literal(result.text)),
        (MPM.concept, URIRef(result.concept.iri)),
        (MPM.subject, patient),
        (MPM.status, Literal(result.status.value)),
        (MPM.asOf, time_literal(result.at)),
        (MPM.zone, Literal(str(result.circumstances.zone))),
        (MPM["format"], Literal(FORMAT)),
        (MPM.intendedUse, Literal(result.intended_use)),
        (MPM.result, value),
        (PROV.wasDerivedFrom, value),
        (PROV.wasAttributedTo, AGENT),
        *((MPM.rebuttal, Literal(i.text)) for i in result.issues if i.severity is not Severity.INFORMATION),
        *((MPM.recommendation, Literal(each.text)) for each in result.recommendations),
    ]
    if result.interpretation is not None:
        statements.append((MPM.interpretation, Literal(result.interpretation.text)))
    if result.risk is not None:
        statements += [
            (MPM.outcome, Literal(result.risk.outcome)),
            (MPM.horizon, Literal(result.risk.horizon, datatype=XSD.duration, normalize=False)),
            (MPM.probability, decimal_literal(result.risk.probability)),
        ]
    for term, node in statements:
        graph.add((answer, term, node))
    for kind in (PROV.Agent, PROV.SoftwareAgent):
        graph.add((AGENT, RDF.type, kind))
    write_interval(graph, answer, MPM.interval, result.interval)

"""SHACL: every description is checked against the shapes before anything is read out of it."""

from collections.abc import Iterator, Mapping

from rdflib import RDF, SH, Graph
from rdflib.term import Node

from server.catalog.turtle import describe_node, term_name


def shape_faults(graphs: Mapping[str, Graph], shapes: Graph, first_only: bool = False) -> list[str]:
    """One line for each violation: file, node, rule.  Files are checked together: they refer to each other.

    ``first_only``: the rest is not looked for once one shape is violated.
    """
    # It takes a third of a second to import, and is mostly not needed: see ``verdict_cache``.
    import pyshacl

    union = Graph()
    for graph in graphs.values():
        for triple in graph:
            union.add(triple)
    conforms, report, _ = pyshacl.validate(
        union, shacl_graph=shapes, inference="none", advanced=False, abort_on_first=first_only
    )
    if conforms or not isinstance(report, Graph):
        return []
    lines: set[str] = set()
    for result in report.subjects(RDF.type, SH.ValidationResult):
        node = report.value(result, SH.focusNode)
        path, message = report.value(result, SH.resultPath), report.value(result, SH.resultMessage)
        if node is None:
            continue
        rule = f"{term_name(path)}: {message}" if path is not None else str(message)
        if not any((node, None, None) in graph for graph in graphs.values()):
            # A value, or a node that says nothing: what it is a value of is named.
            terms = frozenset(shapes.objects(report.value(result, SH.sourceShape), SH.targetObjectsOf))
            lines.update(_value_faults(graphs, node, terms, str(message)))
            continue
        lines.add(f"{_declaring_file(graphs, node)}: {describe_node(union, node)}: {rule}")
    return sorted(lines)


def _value_faults(graphs: Mapping[str, Graph], value: Node, terms: frozenset[Node], message: str) -> Iterator[str]:
    owned = False
    for name, graph in graphs.items():
        for owner, term in graph.subject_predicates(value):
            if not terms or term in terms:
                owned = True
                yield f"{name}: {describe_node(graph, owner)}: {term_name(term)}: {message}"
    if not owned:
        yield f"ontology: {message}"


def _declaring_file(graphs: Mapping[str, Graph], node: Node) -> str:
    for name, graph in graphs.items():
        if (node, None, None) in graph:
            return name
    return "ontology"

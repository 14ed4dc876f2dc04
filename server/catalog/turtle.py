"""Turtle: files read once into a graph and a digest, and nodes read into plain values.

A description is digested in its canonical form (RDFC-1.0), so that layout, order and names of blank nodes do not
matter.  pyoxigraph parses and canonicalises in milliseconds what takes rdflib a second at every start.  A node that
cannot be read raises ``NodeFault`` with node and rule.
"""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from hashlib import blake2b

import pyoxigraph as ox
from rdflib import RDF, RDFS, XSD, BNode, Graph, Literal, Namespace, URIRef
from rdflib.collection import Collection
from rdflib.term import Node
from rdflib.xsd_datetime import Duration

from ontology.values import Coding
from ontology.vocabulary import LINE


def read_turtle(text: bytes, base: str) -> tuple[Graph, str]:
    """The graph, and the hex BLAKE2b of its canonical N-Quads.  Raises SyntaxError with line and column."""
    quads = list(ox.parse(text, format=ox.RdfFormat.TURTLE, base_iri=base))
    # The plain store: the default one keeps for each triple in which of several graphs it is.
    graph = Graph("SimpleMemory")
    nodes: dict[object, Node] = {}
    for quad in quads:
        subject, predicate, value = (_cached_node(nodes, term) for term in (quad.subject, quad.predicate, quad.object))
        graph.add((subject, predicate, value))
    dataset = ox.Dataset(quads)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    lines = sorted(str(quad) for quad in dataset)
    return graph, blake2b("\n".join(lines).encode(), digest_size=32).hexdigest()


def _cached_node(nodes: dict[object, Node], term: object) -> Node:
    """The node of a term; each is made once, since a description uses few words often."""
    node = nodes.get(term)
    if node is None:
        node = nodes[term] = _rdflib_node(term)
    return node


def _rdflib_node(term: object) -> Node:
    if isinstance(term, ox.NamedNode):
        return URIRef(term.value)
    if isinstance(term, ox.BlankNode):
        return BNode(term.value)
    if isinstance(term, ox.Literal):
        if term.language is not None:
            return Literal(term.value, lang=term.language)
        # rdflib keeps plain strings apart from typed ones, as RDF 1.0 did: its own parser gives plain ones.
        plain = term.datatype.value == str(XSD.string)
        return Literal(term.value) if plain else Literal(term.value, datatype=URIRef(term.datatype.value))
    raise SyntaxError("a quoted triple is no part of a description")


MPM = Namespace("https://medtwin.example/mpm#")

# What a calendar unit of an xsd:duration is taken for, where a window needs days.
DAYS_A_YEAR = Decimal("365.25")
DAYS_A_MONTH = DAYS_A_YEAR / 12


class NodeFault(Exception):  # noqa: N818 - a fault that the loader collects, not an error that leaves the catalog
    """A node that cannot be read; the text names the term and what was expected."""


def line_of(graph: Graph, node: Node) -> int | None:
    """The line on which the node begins, in a graph that was read with lines (``source_lines``); else None."""
    return min((int(str(line)) for line in graph.objects(node, LINE)), default=None)


def describe_node(graph: Graph, node: Node) -> str:
    """How a node is named in a fault: by its line where that is known, and by its name, or its place in another."""
    line, name = line_of(graph, node), _node_name(graph, node)
    return name if line is None else f"line {line}: {name}"


def _node_name(graph: Graph, node: Node) -> str:
    """Its IRI's last part or its most specific property; without either, what it is of the node above it."""
    terms: list[str] = []
    seen: set[Node] = set()
    while node not in seen:
        seen.add(node)
        own = _own_name(graph, node)
        if own is not None:
            return " of ".join([*terms, own])
        for owner, term in graph.subject_predicates(node):
            if term not in (RDF.first, RDF.rest):
                terms.append(term_name(term))
            node = owner
            break
    return " of ".join([*terms, "a node without a name"])


def _own_name(graph: Graph, node: Node) -> str | None:
    if isinstance(node, URIRef):
        return str(node).rsplit("/", 1)[-1]
    for term in (MPM.name, MPM.onSlot, MPM.id, MPM.code, RDFS.label):
        value = graph.value(node, term)
        if value is not None:
            return f'[ {str(term).rsplit("#", 1)[-1]} "{value}" ]'
    return None


def term_name(term: Node) -> str:
    """A term as it is written, for faults."""
    text = str(term)
    return f"mpm:{text.removeprefix(str(MPM))}" if text.startswith(str(MPM)) else text.rsplit("#", 1)[-1]


def single_object(graph: Graph, node: Node, term: URIRef) -> Node | None:
    """The only object of a property, or None; two are a fault."""
    found = list(graph.objects(node, term))
    if len(found) > 1:
        raise NodeFault(f"{describe_node(graph, node)}: {term_name(term)} is there {len(found)} times, once is allowed")
    return found[0] if found else None


def text(graph: Graph, node: Node, term: URIRef) -> str | None:
    """A literal's text or an IRI, or None."""
    found = single_object(graph, node, term)
    return None if found is None else str(found)


def required_text(graph: Graph, node: Node, term: URIRef) -> str:
    """Like ``text``, but its absence is a fault."""
    found = text(graph, node, term)
    if found is None:
        raise NodeFault(f"{describe_node(graph, node)}: {term_name(term)} is missing")
    return found


def texts(graph: Graph, node: Node, term: URIRef) -> tuple[str, ...]:
    """All objects as text, in a stable order."""
    return tuple(sorted(str(found) for found in graph.objects(node, term)))


def number(graph: Graph, node: Node, term: URIRef) -> Decimal | None:
    """A number as it is written, or None."""
    found = single_object(graph, node, term)
    if found is None:
        return None
    try:
        value = Decimal(str(found))
    except InvalidOperation:
        raise NodeFault(f"{describe_node(graph, node)}: {term_name(term)} is not a number") from None
    if not value.is_finite():
        raise NodeFault(f"{describe_node(graph, node)}: {term_name(term)} is not a finite number")
    return value


def boolean(graph: Graph, node: Node, term: URIRef) -> bool | None:
    """A truth value, or None."""
    found = single_object(graph, node, term)
    if found is None:
        return None
    if isinstance(found, Literal) and isinstance(found.value, bool):
        return found.value
    raise NodeFault(f"{describe_node(graph, node)}: {term_name(term)} is not true or false")


def flag(graph: Graph, node: Node, term: URIRef) -> bool:
    """A truth value that is false where it is left out."""
    return boolean(graph, node, term) or False


def duration(graph: Graph, node: Node, term: URIRef) -> timedelta | None:
    """An xsd:duration in days and seconds, or None.  A year is 365.25 days, a month its twelfth part."""
    found = single_object(graph, node, term)
    if found is None:
        return None
    value = found.value if isinstance(found, Literal) else None
    if isinstance(value, timedelta):
        return value
    if isinstance(value, Duration):
        days = Decimal(str(value.years)) * DAYS_A_YEAR + Decimal(str(value.months)) * DAYS_A_MONTH
        return timedelta(days=float(days)) + value.tdelta
    raise NodeFault(
        f'{describe_node(graph, node)}: {term_name(term)} is not an xsd:duration such as "P90D"^^xsd:duration'
    )


def list_items(graph: Graph, node: Node, term: URIRef) -> Iterator[Node]:
    """The members of a list, in order; none where the property is left out."""
    head = single_object(graph, node, term)
    if head is None:
        return
    if head != RDF.nil and graph.value(head, RDF.first) is None:
        raise NodeFault(f"{describe_node(graph, node)}: {term_name(term)} is not a list ( … )")
    yield from Collection(graph, head)


def coding(graph: Graph, node: Node) -> Coding:
    """A coding node: mpm:system, mpm:code, rdfs:label."""
    label = text(graph, node, RDFS.label)
    return Coding(required_text(graph, node, MPM.system), required_text(graph, node, MPM.code), label)


def coding_or_boolean(graph: Graph, node: Node) -> Coding | bool:
    """A coding node or a truth value."""
    if isinstance(node, Literal):
        if isinstance(node.value, bool):
            return node.value
        raise NodeFault(f'"{node}" is neither a coding node nor true or false')
    return coding(graph, node)


def is_node(node: Node) -> bool:
    """Whether a node can have properties of its own."""
    return isinstance(node, BNode | URIRef)

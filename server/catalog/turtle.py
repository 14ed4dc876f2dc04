"""Turtle files, read once: as an rdflib graph to read from, and as the digest of the canonical graph.

A description is digested in its canonical form (RDFC-1.0), so that layout, order and names of blank nodes do not
matter.  pyoxigraph parses and canonicalises in milliseconds what takes rdflib a second at every start.
"""

from hashlib import blake2b

import pyoxigraph as ox
from rdflib import XSD, BNode, Graph, Literal, URIRef
from rdflib.term import Node


def read_turtle(text: bytes, base: str) -> tuple[Graph, str]:
    """The graph, and the hex BLAKE2b of its canonical N-Quads.  Raises SyntaxError with line and column."""
    quads = list(ox.parse(text, format=ox.RdfFormat.TURTLE, base_iri=base))
    # The plain store: the default one keeps for each triple in which of several graphs it is.
    graph = Graph("SimpleMemory")
    nodes: dict[object, Node] = {}
    for quad in quads:
        subject, predicate, value = (_known(nodes, term) for term in (quad.subject, quad.predicate, quad.object))
        graph.add((subject, predicate, value))
    dataset = ox.Dataset(quads)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    lines = sorted(str(quad) for quad in dataset)
    return graph, blake2b("\n".join(lines).encode(), digest_size=32).hexdigest()


def _known(nodes: dict[object, Node], term: object) -> Node:
    """The node of a term; each is made once, since a description uses few words often."""
    node = nodes.get(term)
    if node is None:
        node = nodes[term] = _node(term)
    return node


def _node(term: object) -> Node:
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

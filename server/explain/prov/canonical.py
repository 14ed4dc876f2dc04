"""Graphs in canonical form (RDFC-1.0): equal digests for graphs that say the same, however they are written."""

from hashlib import blake2b

import pyoxigraph as ox
from rdflib import BNode, Graph, Literal, URIRef
from rdflib.term import Node


def digest_of(graph: Graph, key: bytes, person: bytes) -> str:
    """Hex BLAKE2b (32 bytes) of the canonical N-Quads of a graph; keyed where there is a ``key``."""
    return digest_of_quads([ox.Quad(_subject(s), _predicate(p), _term(o)) for s, p, o in graph], key, person)


def digest_of_quads(quads: list[ox.Quad], key: bytes, person: bytes) -> str:
    """The same of statements that were read."""
    dataset = ox.Dataset(quads)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    lines = sorted(str(quad) for quad in dataset)
    return blake2b("\n".join(lines).encode(), digest_size=32, key=key, person=person).hexdigest()


def renamed(graph: Graph, before: str, after: str) -> Graph:
    """The graph with every IRI that begins with ``before`` beginning with ``after``.

    Blank nodes are named after both, so that those of another graph are others.
    """
    space = blake2b(after.encode(), digest_size=16).hexdigest()
    known: dict[Node, Node] = {}

    def name(node: Node) -> Node:
        found = known.get(node)
        if found is None:
            found = node
            if isinstance(node, BNode):
                found = BNode(f"b{space}{node}")
            elif isinstance(node, URIRef) and node.startswith(before):
                found = URIRef(after + node[len(before) :])
            known[node] = found
        return found

    made = Graph()
    for subject, predicate, value in graph:
        made.add((name(subject), predicate, value if isinstance(value, Literal) else name(value)))
    return made


def _subject(node: Node) -> ox.NamedNode | ox.BlankNode:
    return ox.BlankNode(str(node)) if isinstance(node, BNode) else ox.NamedNode(str(node))


def _predicate(node: Node) -> ox.NamedNode:
    return ox.NamedNode(str(node))


def _term(node: Node) -> ox.NamedNode | ox.BlankNode | ox.Literal:
    if isinstance(node, Literal):
        return (
            ox.Literal(str(node), datatype=ox.NamedNode(str(node.datatype))) if node.datatype else ox.Literal(str(node))
        )
    return _subject(node)

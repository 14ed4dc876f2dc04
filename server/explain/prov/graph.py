"""The statements of an argument, in memory: written once, read in order, merged, renamed.  No store, no indexes.

A general store keeps three indexes of each statement and checks each term: that took nine tenths of an export's time.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import TypeAlias

from server.explain.prov.rdf_terms import RDF, Blank, Iri, Node, Object

Triple: TypeAlias = tuple[Node, Iri, Object]


class Graph:
    """Statements, each once, in the order in which they were first made."""

    __slots__ = ("_triples",)

    def __init__(self) -> None:
        self._triples: dict[Triple, None] = {}

    def add(self, triple: Triple) -> None:
        """State subject, predicate and object."""
        self._triples[triple] = None

    def __iter__(self) -> Iterator[Triple]:
        """The statements in their order."""
        return iter(self._triples)

    def __len__(self) -> int:
        """How many statements there are."""
        return len(self._triples)

    def add_graph(self, other: "Graph") -> None:
        """State all that another graph states; equal nodes are one."""
        self._triples.update(other._triples)

    def new_blank(self) -> Blank:
        """A blank node that the graph has not; at least one statement about it follows.

        Numbered, not random: the same argument is written the same each time, and its points in their order.
        """
        return Blank(f"b{len(self._triples):09}")

    def nodes_of_type(self, kind: Iri) -> list[Node]:
        """The nodes of a class, in their order."""
        return [node for node, term, value in self._triples if term == RDF.type and value == kind]

    def by_subject(self) -> dict[Node, dict[Iri, list[Object]]]:
        """The values of each node by term."""
        nodes: dict[Node, dict[Iri, list[Object]]] = {}
        for node, term, value in self._triples:
            terms = nodes.get(node)
            if terms is None:
                terms = nodes[node] = {}
            if term in terms:
                terms[term].append(value)
            else:
                terms[term] = [value]
        return nodes


def rename_nodes(graph: Graph, before: str, after: str) -> Graph:
    """The graph with every IRI that begins with ``before`` beginning with ``after``.

    Blank nodes get labels that depend on ``after``, so that graphs can be merged without a clash.
    """
    space = blake2b(after.encode(), digest_size=16).hexdigest()
    beginning = f"<{before}"
    renamed: dict[Object, Object] = {}

    def rename(node: Object) -> Object:
        if isinstance(node, Blank):
            return Blank(f"b{space}{node[2:]}")
        if isinstance(node, Iri) and node.startswith(beginning):
            return Iri(after + node.value[len(before) :])
        return node

    made = Graph()
    for subject, predicate, value in graph:
        for node in (subject, value):
            if node not in renamed:
                renamed[node] = rename(node)
        named = renamed[subject]
        made.add((named, predicate, renamed[value]))  # type: ignore[arg-type]
    return made

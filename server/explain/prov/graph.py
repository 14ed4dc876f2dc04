"""The statements of an argument, in memory: written once, read in order, merged, renamed.  No store, no indexes.

A general store keeps three indexes of each statement and checks each term: that took nine tenths of an export's time.
"""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import TypeAlias

from server.explain.prov.rdf_terms import RDF, Blank, Iri, Node, Object

Triple: TypeAlias = tuple[Node, Iri, Object]


class Graph:
    """Statements, each once, in the order in which they were first made."""

    __slots__ = ("_triples", "blanks")

    def __init__(self) -> None:
        self._triples: dict[Triple, None] = {}
        self.blanks: set[Object] = set()
        """Its blank nodes."""

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
        self.blanks |= other.blanks

    def new_blank(self) -> Blank:
        """A blank node that the graph has not; at least one statement about it follows.

        Numbered, not random: the same argument is written the same each time, and its points in their order.
        """
        made = Blank(f"b{len(self._triples):09}")
        self.blanks.add(made)
        return made

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


def merge_graphs(graphs: Iterable[Graph]) -> Graph:
    """One graph that states all that these state; equal nodes are one."""
    made = Graph()
    for each in graphs:
        made.add_graph(each)
    return made


def rename_nodes(graph: Graph, before: str, after: str) -> Graph:
    """The graph with every IRI that begins with ``before`` beginning with ``after``.

    Blank nodes get labels that depend on ``after``, so that graphs can be merged without a clash.
    """
    space = blake2b(after.encode(), digest_size=16).hexdigest()
    beginning = f"<{before}"
    made = Graph()
    renamed: dict[Object, Object] = {}
    for node in dict.fromkeys(node for subject, _, value in graph for node in (subject, value)):
        if node in graph.blanks:
            renamed[node] = Blank(f"b{space}{node[2:]}")
            made.blanks.add(renamed[node])
        elif isinstance(node, Iri) and node.startswith(beginning):
            renamed[node] = Iri(after + node.value[len(before) :])
    for subject, predicate, value in graph:
        made.add((renamed.get(subject, subject), predicate, renamed.get(value, value)))  # type: ignore[arg-type]
    return made

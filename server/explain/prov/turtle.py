"""Graphs written as Turtle: nodes by how often they are referred to, then by name; blank nodes within others."""

from collections import Counter
from collections.abc import Mapping

from server.explain.prov.graph import Graph
from server.explain.prov.rdf_terms import RDF, RDFS, XSD, Blank, Iri, Literal, Node, Object
from server.explain.prov.short_names import ShortNames

_INDENT = "    "
_FIRST_TERMS = {RDF.type: 0, RDFS.label: 1}


def write_turtle(graph: Graph, prefixes: Mapping[str, str]) -> str:
    """The graph in Turtle, with those of the prefixes that it needs.

    Each blank node is the value of one statement, as in every argument.
    """
    writer = _Writer(graph, ShortNames(prefixes))
    references = Counter(value for _, _, value in graph)
    named = [each for each in writer.nodes if isinstance(each, Iri)]
    named.sort(key=lambda each: (references[each], each.value))
    blocks = [f"\n{writer.written[each]} {writer.values(each, 1)} .\n" for each in named]
    head = [f"@prefix {prefix}: <{prefixes[prefix]}> .\n" for prefix in sorted(writer.names.used)]
    return "".join((*head, *blocks, "\n"))


class _Writer:
    """Writes nodes of a graph; how each term is written, and in which order, is computed once."""

    def __init__(self, graph: Graph, names: ShortNames) -> None:
        self.names = names
        self.nodes = graph.by_subject()
        self.written: dict[Object, str] = {
            each: self._literal(each) if isinstance(each, Literal) else self._iri(each)
            for each in dict.fromkeys(part for triple in graph for part in triple)
            if not isinstance(each, Blank) and each != RDF.type
        }
        terms = {term for terms in self.nodes.values() for term in terms}
        ordered = sorted(terms, key=lambda each: (_FIRST_TERMS.get(each, 2), each.value))
        self._places = {term: place for place, term in enumerate(ordered)}
        self._verbs = {term: "a" if term == RDF.type else self.written[term] for term in terms}

    def values(self, node: Node, depth: int) -> str:
        """What is stated of a node, its terms in order, one a line."""
        terms = self.nodes[node]
        lines = [
            f"{self._verbs[term]} {self._objects(terms[term], depth + 1)}"
            for term in sorted(terms, key=self._places.__getitem__)
        ]
        return f" ;\n{_INDENT * depth}".join(lines)

    def _objects(self, values: list[Object], depth: int) -> str:
        if len(values) == 1:
            return self._object(values[0], depth)
        return f",\n{_INDENT * depth}".join(self._object(each, depth) for each in sorted(values, key=_value_order))

    def _object(self, value: Object, depth: int) -> str:
        return f"[ {self.values(value, depth + 1)} ]" if isinstance(value, Blank) else self.written[value]

    def _iri(self, value: Iri) -> str:
        short = self.names.shorten(value)
        return short if len(short) < len(value) - 2 else str(value)

    def _literal(self, value: Literal) -> str:
        datatype = value.datatype
        # A decimal without a point would be read as an integer.
        plain = datatype in (XSD.boolean, XSD.integer) or (datatype == XSD.decimal and "." in value.text)
        if datatype is None or plain:
            return value.text if plain else str(value)
        return f"{value.removesuffix(datatype)}{self._iri(datatype)}"


def _value_order(value: Object) -> tuple[int, str]:
    if isinstance(value, Literal):
        return 2, value.text
    return (1, value.value) if isinstance(value, Iri) else (0, value)

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
    names = ShortNames(prefixes)
    writer = _Writer(graph.by_subject(), names)
    references = Counter(value for _, _, value in graph)
    named = [each for each in writer.nodes if isinstance(each, Iri)]
    named.sort(key=lambda each: (references[each], each.value))
    blocks = [f"\n{writer.name(each)} {writer.values(each, 1)} .\n" for each in named]
    head = [f"@prefix {prefix}: <{prefixes[prefix]}> .\n" for prefix in sorted(names.used)]
    return "".join((*head, *blocks, "\n"))


class _Writer:
    def __init__(self, nodes: Mapping[Node, Mapping[Iri, list[Object]]], names: ShortNames) -> None:
        self.nodes = nodes
        self._names = names
        self._written: dict[Object, str] = {}

    def name(self, value: Object) -> str:
        found = self._written.get(value)
        if found is None:
            found = self._written[value] = self._literal(value) if isinstance(value, Literal) else self._iri(value)
        return found

    def values(self, node: Node, depth: int) -> str:
        """What is stated of a node, its terms in order, one a line."""
        terms = self.nodes[node]
        lines = (
            f"{'a' if term == RDF.type else self.name(term)} {self._objects(terms[term], depth)}"
            for term in sorted(terms, key=_term_order)
        )
        return f" ;\n{_INDENT * depth}".join(lines)

    def _objects(self, values: list[Object], depth: int) -> str:
        if len(values) == 1:
            return self._object(values[0], depth + 1)
        ordered = sorted(values, key=_value_order)
        return f",\n{_INDENT * (depth + 1)}".join(self._object(each, depth + 1) for each in ordered)

    def _object(self, value: Object, depth: int) -> str:
        return f"[ {self.values(value, depth + 1)} ]" if isinstance(value, Blank) else self.name(value)

    def _iri(self, value: Object) -> str:
        if not isinstance(value, Iri):
            raise TypeError("a blank node has no name")
        short = self._names.shorten(value)
        return short if len(short) < len(value) - 2 else str(value)

    def _literal(self, value: Literal) -> str:
        datatype = value.datatype
        # A decimal without a point would be read as an integer.
        plain = datatype in (XSD.boolean, XSD.integer) or (datatype == XSD.decimal and "." in value.text)
        if datatype is None or plain:
            return value.text if plain else str(value)
        return f"{value.removesuffix(datatype)}{self._iri(datatype)}"


def _term_order(term: Iri) -> tuple[int, str]:
    return _FIRST_TERMS.get(term, 2), term.value


def _value_order(value: Object) -> tuple[int, str]:
    if isinstance(value, Literal):
        return 2, value.text
    return (1, value.value) if isinstance(value, Iri) else (0, value)

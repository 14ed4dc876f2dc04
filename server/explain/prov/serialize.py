"""Graphs serialized as Turtle or JSON-LD, one argument or several in one graph.

The JSON-LD is one that a person can read: short names and plain values, by a context of its own.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias
from typing import Literal as Choice

from rdflib import PROV, RDF, XSD, BNode, Graph, Literal, URIRef
from rdflib.namespace import DCTERMS
from rdflib.term import Node

from server.explain.prov.rdf_terms import MPM, PPLAN, PREFIXES
from server.explain.prov.write_graph import argument_graph
from server.explain.results import AnswerResult

Json: TypeAlias = dict[str, Any]

_DECIMALS = ("amount", "base", "error", "high", "level", "low", "output", "residual", "value")
_TIMES = ("asOf", "effective", "effectiveFrom", "since", "time")
_LINKS = (
    "attribution",
    "between",
    "calls",
    "concept",
    "from",
    "item",
    "result",
    "stayed",
    "step",
    "subject",
    "to",
    "together",
)


def _typed(kind: str, *terms: URIRef) -> dict[URIRef, str]:
    return dict.fromkeys(terms, kind)


_TERM_KINDS: Mapping[URIRef, str] = {
    **_typed("xsd:decimal", *(MPM[each] for each in _DECIMALS)),
    **_typed("xsd:dateTime", *(MPM[each] for each in _TIMES)),
    **_typed("xsd:date", MPM.start, MPM.end),
    **_typed("@id", *(MPM[each] for each in _LINKS)),
    **_typed("@id", *(PROV[each] for each in ("agent", "hadPlan", "qualifiedAssociation", "specializationOf", "used"))),
    **_typed("@id", PROV.wasAssociatedWith, PROV.wasAttributedTo, PROV.wasDerivedFrom, PROV.wasGeneratedBy),
    **_typed("@id", PPLAN.correspondsToStep, PPLAN.correspondsToVariable, PPLAN.isInputVarOf, PPLAN.isOutputVarOf),
    **_typed("@id", PPLAN.isPrecededBy, PPLAN.isStepOfPlan, PPLAN.isVariableOfPlan, DCTERMS.isVersionOf),
}
"""How the values of a term are written, where they are not plain texts, numbers and truth values."""

_FIRST_KEYS = {"@id": "", "@type": " "}


def json_ld(graph: Graph, prefixes: Mapping[str, str]) -> str:
    """The graph in JSON-LD 1.1, with the context in it: nothing has to be fetched to read it."""
    short = _Prefixes(prefixes)
    context: Json = dict(prefixes)
    for term in sorted({URIRef(str(each)) for each in graph.predicates()}):
        if term in _TERM_KINDS:
            context[short.shorten(str(term))] = {"@id": short.shorten(str(term)), "@type": _TERM_KINDS[term]}
    subjects = sorted({each for each in graph.subjects() if isinstance(each, URIRef)})
    nodes = [_node_json(graph, each, short) for each in subjects]
    return json.dumps({"@context": context, "@graph": nodes}, indent=2, ensure_ascii=False) + "\n"


class _Prefixes:
    """Shortens names by the longest prefix that matches."""

    def __init__(self, prefixes: Mapping[str, str]) -> None:
        self._spaces = sorted(((space, prefix) for prefix, space in prefixes.items()), key=lambda each: -len(each[0]))

    def shorten(self, name: str) -> str:
        for space, prefix in self._spaces:
            # What follows must not look like the authority of an address: ``a://`` is no short name.
            if name.startswith(space) and not name[len(space) :].startswith("//"):
                return f"{prefix}:{name[len(space) :]}"
        return name


def _node_json(graph: Graph, node: Node, prefixes: _Prefixes) -> Json:
    made: Json = {} if isinstance(node, BNode) else {"@id": prefixes.shorten(str(node))}
    found: dict[str, list[Any]] = {}
    for term, value in graph.predicate_objects(node):
        if term == RDF.type:
            found.setdefault("@type", []).append(prefixes.shorten(str(value)))
        else:
            found.setdefault(prefixes.shorten(str(term)), []).append(
                _value_json(graph, URIRef(str(term)), value, prefixes)
            )
    for key in sorted(found, key=lambda each: _FIRST_KEYS.get(each, each)):
        values = sorted(found[key], key=lambda each: json.dumps(each, sort_keys=True))
        made[key] = values[0] if len(values) == 1 else values
    return made


def _value_json(graph: Graph, term: URIRef, value: Node, prefixes: _Prefixes) -> Any:
    kind = _TERM_KINDS.get(term)
    if isinstance(value, BNode):
        return _node_json(graph, value, prefixes)
    if isinstance(value, Literal):
        datatype = value.datatype
        if datatype is None:
            return str(value) if kind is None else {"@value": str(value)}
        if kind is not None and prefixes.shorten(str(datatype)) == kind:
            return str(value)
        if datatype in (XSD.boolean, XSD.integer) and kind is None:
            return value.toPython()
        return {"@value": str(value), "@type": prefixes.shorten(str(datatype))}
    return prefixes.shorten(str(value)) if kind == "@id" else {"@id": prefixes.shorten(str(value))}


Form = Choice["turtle", "json-ld"]


def serialize_result(result: AnswerResult, form: Form = "turtle") -> str:
    """The argument of one result in Turtle or JSON-LD."""
    return serialize_graphs([argument_graph(result)], form)


def serialize_graphs(graphs: Iterable[Graph], form: Form = "turtle") -> str:
    """Several arguments in one graph, in Turtle or JSON-LD."""
    merged = Graph(bind_namespaces="none")
    for each in graphs:
        merged += each
    prefixes = dict(PREFIXES)
    for place, answer in enumerate(sorted(map(str, merged.subjects(RDF.type, MPM.Answer)))):
        # The names of each argument share a long base: a prefix makes them readable.
        prefixes[f"a{place or ''}"] = answer.removesuffix("answer")
    for prefix, space in prefixes.items():
        merged.bind(prefix, space)
    return merged.serialize(format="turtle") if form == "turtle" else json_ld(merged, prefixes)

"""A graph as JSON-LD that a person can read: short names and plain values, by a context of its own."""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from rdflib import PROV, RDF, XSD, BNode, Graph, Literal, URIRef
from rdflib.namespace import DCTERMS
from rdflib.term import Node

from server.explain.prov.terms import MPM, PPLAN

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


_KINDS: Mapping[URIRef, str] = {
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

_FIRST = {"@id": "", "@type": " "}


def json_ld(graph: Graph, prefixes: Mapping[str, str]) -> str:
    """The graph in JSON-LD 1.1, with the context in it: nothing has to be fetched to read it."""
    short = _Short(prefixes)
    context: Json = dict(prefixes)
    for term in sorted({URIRef(str(each)) for each in graph.predicates()}):
        if term in _KINDS:
            context[short.of(str(term))] = {"@id": short.of(str(term)), "@type": _KINDS[term]}
    subjects = sorted({each for each in graph.subjects() if isinstance(each, URIRef)})
    nodes = [_node(graph, each, short) for each in subjects]
    return json.dumps({"@context": context, "@graph": nodes}, indent=2, ensure_ascii=False) + "\n"


class _Short:
    """Names by prefix, the longest that fits."""

    def __init__(self, prefixes: Mapping[str, str]) -> None:
        self._spaces = sorted(((space, prefix) for prefix, space in prefixes.items()), key=lambda each: -len(each[0]))

    def of(self, name: str) -> str:
        for space, prefix in self._spaces:
            # What follows must not look like the authority of an address: ``a://`` is no short name.
            if name.startswith(space) and not name[len(space) :].startswith("//"):
                return f"{prefix}:{name[len(space) :]}"
        return name


def _node(graph: Graph, node: Node, short: _Short) -> Json:
    told: Json = {} if isinstance(node, BNode) else {"@id": short.of(str(node))}
    said: dict[str, list[Any]] = {}
    for term, value in graph.predicate_objects(node):
        if term == RDF.type:
            said.setdefault("@type", []).append(short.of(str(value)))
        else:
            said.setdefault(short.of(str(term)), []).append(_value(graph, URIRef(str(term)), value, short))
    for key in sorted(said, key=lambda each: _FIRST.get(each, each)):
        values = sorted(said[key], key=lambda each: json.dumps(each, sort_keys=True))
        told[key] = values[0] if len(values) == 1 else values
    return told


def _value(graph: Graph, term: URIRef, value: Node, short: _Short) -> Any:
    kind = _KINDS.get(term)
    if isinstance(value, BNode):
        return _node(graph, value, short)
    if isinstance(value, Literal):
        datatype = value.datatype
        if datatype is None:
            return str(value) if kind is None else {"@value": str(value)}
        if kind is not None and short.of(str(datatype)) == kind:
            return str(value)
        if datatype in (XSD.boolean, XSD.integer) and kind is None:
            return value.toPython()
        return {"@value": str(value), "@type": short.of(str(datatype))}
    return short.of(str(value)) if kind == "@id" else {"@id": short.of(str(value))}

"""Graphs written as JSON-LD that a person can read: short names and plain values, by a context of its own."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from server.explain.prov.graph import Graph
from server.explain.prov.rdf_terms import DCTERMS, MPM, PPLAN, PROV, RDF, XSD, Blank, Iri, Literal, Node, Object
from server.explain.prov.short_names import ShortNames

Json: TypeAlias = dict[str, Any]

_DECIMALS = ("amount", "base", "error", "high", "level", "low", "output", "residual", "value")
_TIMES = ("asOf", "effective", "effectiveFrom", "issued", "since", "time")
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


def _typed(kind: str, *terms: Iri) -> dict[Iri, str]:
    return dict.fromkeys(terms, kind)


_TERM_KINDS: Mapping[Iri, str] = {
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


def write_json_ld(graph: Graph, prefixes: Mapping[str, str]) -> str:
    """The graph in JSON-LD 1.1, with the context in it: nothing has to be fetched to read it."""
    nodes = graph.by_subject()
    names = ShortNames(prefixes)
    context: Json = dict(prefixes)
    for term in sorted({term for terms in nodes.values() for term in terms}):
        if term in _TERM_KINDS:
            context[names.shorten(term)] = {"@id": names.shorten(term), "@type": _TERM_KINDS[term]}
    writer = _Writer(nodes, names)
    named = sorted((each for each in nodes if isinstance(each, Iri)), key=lambda each: each.value)
    content = {"@context": context, "@graph": [writer.node_json(each) for each in named]}
    # The encoder of the standard library takes ten times as long where it indents.
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n"


class _Writer:
    def __init__(self, nodes: Mapping[Node, Mapping[Iri, list[Object]]], names: ShortNames) -> None:
        self._nodes = nodes
        self._names = names

    def node_json(self, node: Node) -> Json:
        shorten = self._names.shorten
        found: dict[str, Any] = {} if isinstance(node, Blank) else {"@id": shorten(node)}
        for term, values in self._nodes[node].items():
            if term == RDF.type:
                found["@type"] = _one_or_sorted([shorten(each) for each in values if isinstance(each, Iri)])
            else:
                kind = _TERM_KINDS.get(term)
                found[shorten(term)] = _one_or_sorted([self._value_json(each, kind) for each in values])
        return {key: found[key] for key in sorted(found, key=lambda each: _FIRST_KEYS.get(each, each))}

    def _value_json(self, value: Object, kind: str | None) -> Any:
        if isinstance(value, Blank):
            return self.node_json(value)
        if not isinstance(value, Literal):
            name = self._names.shorten(value)
            return name if kind == "@id" else {"@id": name}
        datatype = value.datatype
        if datatype is None:
            return value.text if kind is None else {"@value": value.text}
        name = self._names.shorten(datatype)
        if name == kind:
            return value.text
        if kind is None and datatype == XSD.boolean:
            return value.text == "true"
        if kind is None and datatype == XSD.integer:
            return int(value.text)
        return {"@value": value.text, "@type": name}


def _one_or_sorted(values: list[Any]) -> Any:
    if len(values) == 1:
        return values[0]
    if all(isinstance(each, str) for each in values):
        return sorted(values)
    return sorted(values, key=msgspec.json.encode)

"""One record as FHIR RDF, in the manner of R4 (https://hl7.org/fhir/R4/rdf.html); made only on request.

``fhir:Observation.status [ fhir:value "final" ]``; elements that repeat carry ``fhir:index``; references carry
``fhir:link``.  Derived from the JSON and the element's name alone, without FHIR's definitions, hence:

- elements of data types are named by their type where ``_TYPES`` or a choice's suffix gives it (``Quantity.value``),
  all others by their path (``Observation.component.code``), as is right for backbone elements;
- dates and times are typed by how they are written, in the elements that hold such; other texts are plain literals;
- codings get no class of their code system; narrative stays a literal; contained resources are left out.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from rdflib import RDF, XSD, BNode, Graph, Literal, Namespace, URIRef
from rdflib.term import Node

FHIR = Namespace("http://hl7.org/fhir/")

_NAMES = {
    "CodeableConcept": "code category interpretation method bodySite dataAbsentReason clinicalStatus severity "
    "verificationStatus maritalStatus type language relationship summary priority serviceType",
    "Coding": "coding tag security class",
    "Reference": "subject encounter performer basedOn partOf focus hasMember derivedFrom specimen device recorder "
    "asserter managingOrganization generalPractitioner serviceProvider assigner individual other",
    "Identifier": "identifier",
    "Period": "period",
    "Quantity": "low high",
    "HumanName": "name",
    "ContactPoint": "telecom",
    "Address": "address",
    "Annotation": "note",
    "Extension": "extension modifierExtension",
    "Meta": "meta",
    "Narrative": "text",
}
_TYPES = {name: kind for kind, names in _NAMES.items() for name in names.split()}
_CHOICES = re.compile(
    r"(?:value|effective|onset|abatement)"
    r"(Quantity|CodeableConcept|Coding|Period|Range|Ratio|Reference|SampledData|Timing|Age|Identifier|Address|Money)"
)
_RESOURCE = frozenset({"id", "meta", "implicitRules", "language"})
_DOMAIN = frozenset({"text", "extension", "modifierExtension"})
_DATE_ELEMENTS = re.compile(
    r"(birthDate|recordedDate|issued|lastUpdated|start|end|sent|time|\w*(DateTime|Instant|Date))"
)
_DATE_FORMATS = (
    (re.compile(r"\d{4}"), XSD.gYear),
    (re.compile(r"\d{4}-\d\d"), XSD.gYearMonth),
    (re.compile(r"\d{4}-\d\d-\d\d"), XSD.date),
    (re.compile(r"\d{4}-\d\d-\d\dT.*"), XSD.dateTime),
)


def record_graph(raw: Mapping[str, Any], base: str) -> Graph:
    """The graph of one record; ``base`` is the address of its server, under which its relative references lie."""
    graph = Graph()
    graph.bind("fhir", FHIR)
    kind = str(raw["resourceType"])
    root = base.rstrip("/")
    subject = URIRef(f"{root}/{kind}/{raw['id']}") if "id" in raw else BNode()
    graph.add((subject, RDF.type, FHIR[kind]))
    graph.add((subject, FHIR.nodeRole, FHIR.treeRoot))
    _Writer(graph, root).elements(subject, raw, kind, is_root=True)
    return graph


class _Writer:
    def __init__(self, graph: Graph, base: str) -> None:
        self._graph = graph
        self._base = base

    def elements(self, node: Node, content: Mapping[str, Any], path: str, is_root: bool = False) -> None:
        """Every element of an object; a primitive's own extensions (``_name``) hang on its node."""
        names = dict.fromkeys(name.removeprefix("_") for name in content)
        for name in names:
            if name in ("resourceType", "contained"):
                continue
            values, more = _as_list(content.get(name)), _as_list(content.get(f"_{name}"))
            repeats = isinstance(content.get(name, content.get(f"_{name}")), list)
            for index in range(max(len(values), len(more))):
                value = values[index] if index < len(values) else None
                extra = more[index] if index < len(more) else None
                if value is None and extra is None:
                    continue
                child = BNode()
                self._graph.add((node, FHIR[_property(path, name, is_root)], child))
                if repeats:
                    self._graph.add((child, FHIR["index"], Literal(index)))
                self._value(child, name, value, path)
                if isinstance(extra, Mapping):
                    self.elements(child, extra, "Element")

    def _value(self, node: Node, name: str, value: object, path: str) -> None:
        if isinstance(value, Mapping):
            choice = _CHOICES.fullmatch(name)
            kind = choice.group(1) if choice else _TYPES.get(name)
            self.elements(node, value, kind or f"{path}.{name}")
            reference = value.get("reference")
            if isinstance(reference, str) and not reference.startswith("#"):
                target = reference if ":" in reference else f"{self._base}/{reference}"
                self._graph.add((node, FHIR["link"], URIRef(target)))
        elif value is not None:
            self._graph.add((node, FHIR["value"], _literal(name, value, path)))


def _property(path: str, name: str, is_root: bool) -> str:
    if is_root:
        holder = "Resource" if name in _RESOURCE else "DomainResource" if name in _DOMAIN else path
    else:
        holder = "Element" if name in ("id", "extension") else path
    return f"{holder}.{name}"


def _literal(name: str, value: object, path: str) -> Literal:
    if isinstance(value, bool):
        return Literal(value)
    if isinstance(value, int):
        is_integer = not (path == "Quantity" or name.endswith("Decimal"))
        return Literal(str(value), datatype=XSD.integer if is_integer else XSD.decimal)
    if isinstance(value, Decimal | float):
        return Literal(f"{Decimal(str(value)):f}", datatype=XSD.decimal)
    text = str(value)
    if _DATE_ELEMENTS.fullmatch(name):
        for written, datatype in _DATE_FORMATS:
            if written.fullmatch(text):
                return Literal(text, datatype=datatype)
    return Literal(text)


def _as_list(value: object) -> Sequence[Any]:
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)

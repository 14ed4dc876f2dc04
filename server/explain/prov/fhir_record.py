"""One record as FHIR RDF, in the manner of R4 (https://hl7.org/fhir/R4/rdf.html); made only on request.

``fhir:Observation.status [ fhir:value "final" ]``; elements that repeat carry ``fhir:index``; references carry
``fhir:link``.  Derived from the JSON and the element's name alone, without FHIR's definitions, hence:

- elements of data types are named by their type where ``_TYPES`` or a choice's suffix gives it (``Quantity.value``),
  all others by their path (``Observation.component.code``), as is right for backbone elements;
- dates and times are typed by how they are written, in the elements that hold such; other texts are plain literals;
- codings get no class of their code system; narrative stays a literal; contained resources are left out;
- a reference that is no address has no ``fhir:link``, and an object without content no node.

RDF repeats what JSON states once, so a record of a few kilobytes can be made whose RDF has no end: beyond limits that
no honest record reaches it is refused.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from collectors.errors import SourceAnswerError
from server.explain.prov.graph import Graph
from server.explain.prov.rdf_terms import RDF, XSD, Blank, Iri, Literal, Node, iri, literal

FHIR = "http://hl7.org/fhir/"

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

MOST_ELEMENTS = 20_000
"""Elements of one record; writing so many takes half a second, in the one thread in which all documents are written."""
MOST_DIGITS = 1_000
"""Of a number, before or after its point: without an exponent 1e-9999 has ten thousand."""
LONGEST_NAME = 1_000
"""Of an element, with the names of those that it is in."""


def record_graph(raw: Mapping[str, Any], base: str) -> Graph:
    """The graph of one record, which has an id; ``base`` is the address of its server, under which its relative
    references lie.  Decimals of ``raw`` are as written.  Raises SourceAnswerError where it is beyond the limits."""
    root = base.rstrip("/")
    kind = str(raw["resourceType"])
    subject = iri(f"{root}/{kind}/{raw['id']}")
    writer = _Writer(root)
    writer.graph.add((subject, RDF.type, _fhir(kind)))
    writer.graph.add((subject, _fhir("nodeRole"), _fhir("treeRoot")))
    writer.elements(subject, raw, kind, is_root=True)
    return writer.graph


class _Writer:
    def __init__(self, base: str) -> None:
        self.graph = Graph()
        self._base = base
        self._blanks = 0

    def elements(self, node: Node, content: Mapping[str, Any], path: str, is_root: bool = False) -> bool:
        """Every element of an object; a primitive's own extensions (``_name``) hang on its node.

        Whether there was anything to state.
        """
        stated = False
        for name in dict.fromkeys(name.removeprefix("_") for name in content):
            if name in ("resourceType", "contained"):
                continue
            values, more = _as_list(content.get(name)), _as_list(content.get(f"_{name}"))
            repeats = isinstance(content.get(name, content.get(f"_{name}")), list)
            for index in range(max(len(values), len(more))):
                child = self._new_blank()
                found = self._value(child, name, values[index] if index < len(values) else None, path)
                extra = more[index] if index < len(more) else None
                if isinstance(extra, Mapping):
                    found = self.elements(child, extra, "Element") or found
                if not found:
                    continue
                stated = True
                self.graph.add((node, _fhir(_property(path, name, is_root)), child))
                if repeats:
                    self.graph.add((child, _fhir("index"), literal(index)))
        return stated

    def _value(self, node: Node, name: str, value: object, path: str) -> bool:
        if isinstance(value, Mapping):
            choice = _CHOICES.fullmatch(name)
            kind = choice.group(1) if choice else _TYPES.get(name)
            stated = self.elements(node, value, kind or f"{path}.{name}")
            reference = value.get("reference")
            if isinstance(reference, str) and not reference.startswith("#"):
                target = _address(reference if ":" in reference else f"{self._base}/{reference}")
                if target is not None:
                    self.graph.add((node, _fhir("link"), target))
            return stated
        if value is None or isinstance(value, list):
            return False
        self.graph.add((node, _fhir("value"), _literal(name, value, path)))
        return True

    def _new_blank(self) -> Blank:
        # In the order of the record, in which they are written.
        self._blanks += 1
        if self._blanks > MOST_ELEMENTS:
            raise _too_large()
        return Blank(f"b{self._blanks:09}")


def _fhir(name: str) -> Iri:
    return iri(f"{FHIR}{name}")


def _address(reference: str) -> Iri | None:
    """What a reference leads to; None where it is no address."""
    found = iri(reference)
    try:
        ox.NamedNode(found.value)
    except ValueError:
        return None
    return found


def _property(path: str, name: str, is_root: bool) -> str:
    if is_root:
        holder = "Resource" if name in _RESOURCE else "DomainResource" if name in _DOMAIN else path
    else:
        holder = "Element" if name in ("id", "extension") else path
    if len(holder) + 1 + len(name) > LONGEST_NAME:
        raise _too_large()
    return f"{holder}.{name}"


def _too_large() -> SourceAnswerError:
    return SourceAnswerError("the record is larger than is written as RDF")


def _literal(name: str, value: object, path: str) -> Literal:
    if isinstance(value, bool):
        return literal(value)
    if isinstance(value, int):
        is_integer = not (path == "Quantity" or name.endswith("Decimal"))
        return Literal(str(value), XSD.integer if is_integer else XSD.decimal)
    if isinstance(value, Decimal | float):
        number = Decimal(str(value))
        if abs(number.adjusted()) > MOST_DIGITS:
            raise _too_large()
        return Literal(f"{number:f}", XSD.decimal)
    text = str(value)
    if _DATE_ELEMENTS.fullmatch(name):
        for written, datatype in _DATE_FORMATS:
            if written.fullmatch(text):
                return Literal(text, datatype)
    return Literal(text)


def _as_list(value: object) -> Sequence[Any]:
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)

"""Model cards: source attributes and metrics of modules that were fitted to data.

A card answers the 31 source attributes that 45 CFR 170.315(b)(11)(iv)(B) requires of a predictive decision support
intervention (ONC, HTI-1), in their nine groups, and gives metrics with their intervals.  Which attributes there are is
written in the vocabulary; that a card leaves none out is checked by SHACL.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby, pairwise

from rdflib import RDF, RDFS, Graph, URIRef
from rdflib.term import Node

from server.catalog.modules import DescriptionFile
from server.catalog.turtle import MPM, NodeFault, number, required_text, text, texts

_ORDER = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5}


@dataclass(frozen=True, slots=True)
class Attribute:
    """One source attribute, answered; ``paragraph`` is where the rule asks for it, such as ``(4)(ii)``."""

    id: str
    group: str
    paragraph: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class AttributeGroup:
    """One of the nine groups."""

    title: str
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure of performance with its confidence interval (``low``, ``high``, at ``level``), where it has one.

    ``subgroup`` None: of all; ``candidate`` None: of the model that is shipped; ``method``: how it was found.
    """

    measure: str
    value: Decimal
    method: str
    low: Decimal | None = None
    high: Decimal | None = None
    level: Decimal | None = None
    subgroup: str | None = None
    candidate: str | None = None
    threshold: Decimal | None = None
    number: int | None = None
    events: int | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of one or several modules (``of``: their IRIs)."""

    module_iris: tuple[str, ...]
    groups: tuple[AttributeGroup, ...]
    metrics: tuple[Metric, ...]
    turtle: str


def read_cards(
    files: Mapping[str, DescriptionFile], vocabulary: Graph, modules: Iterable[str], faults: list[str]
) -> dict[str, Card]:
    """The card of each module that has one, by the module's IRI; ``modules`` are the IRIs of those that there are."""
    known, found = frozenset(modules), dict[str, Card]()
    for name, file in files.items():
        for node in sorted(set(file.graph.subjects(RDF.type, MPM.Card)), key=str):
            try:
                card = _read_card(file, vocabulary, node)
            except NodeFault as fault:
                faults.append(f"{name}: {fault}")
                continue
            for iri in card.module_iris:
                if iri not in known or iri in found:
                    why = "has a second card" if iri in found else "names no module"
                    faults.append(f"{name}: mpm:of: {iri.rsplit('/', 1)[-1]} {why}")
                found[iri] = card
    return found


def _read_card(file: DescriptionFile, vocabulary: Graph, node: Node) -> Card:
    graph = file.graph
    attributes = sorted(
        (_read_attribute(graph, node, vocabulary, term) for term in _attribute_terms(vocabulary)), key=_attribute_order
    )
    groups = tuple(AttributeGroup(title, tuple(each)) for title, each in groupby(attributes, lambda a: a.group))
    metrics = sorted((_read_metric(graph, each) for each in graph.objects(node, MPM.metric)), key=_metric_order)
    for one, other in pairwise(metrics):
        if _metric_order(one) == _metric_order(other):
            # A table has one place for both.
            duplicate = "for the same people, candidate and threshold: name whom each is of (mpm:subgroup)"
            raise NodeFault(f"mpm:metric: two of {one.measure} {duplicate}")
    return Card(texts(graph, node, MPM.of), groups, tuple(metrics), file.turtle)


def _attribute_terms(vocabulary: Graph) -> list[URIRef]:
    return [term for term in vocabulary.subjects(MPM.paragraph, None) if isinstance(term, URIRef)]


def _read_attribute(graph: Graph, node: Node, vocabulary: Graph, term: URIRef) -> Attribute:
    group, paragraph = required_text(vocabulary, term, MPM.group), required_text(vocabulary, term, MPM.paragraph)
    label = required_text(vocabulary, term, RDFS.label)
    return Attribute(term.removeprefix(str(MPM)), group, paragraph, label, required_text(graph, node, term))


def _attribute_order(attribute: Attribute) -> tuple[int, int]:
    match = re.fullmatch(r"\((\d)\)\((i|ii|iii|iv|v)\)", attribute.paragraph)
    if match is None:
        raise NodeFault(f"mpm:{attribute.id}: {attribute.paragraph} is no paragraph")
    return int(match[1]), _ORDER[match[2]]


def _read_metric(graph: Graph, node: Node) -> Metric:
    value = number(graph, node, MPM.value)
    if value is None:
        raise NodeFault("a metric without mpm:value")
    people, events = number(graph, node, MPM.number), number(graph, node, MPM.events)
    return Metric(
        measure=required_text(graph, node, MPM.measure),
        value=value,
        method=required_text(graph, node, MPM.method),
        low=number(graph, node, MPM.low),
        high=number(graph, node, MPM.high),
        level=number(graph, node, MPM.level),
        subgroup=text(graph, node, MPM.subgroup),
        candidate=text(graph, node, MPM.ofCandidate),
        threshold=number(graph, node, MPM.threshold),
        number=None if people is None else int(people),
        events=None if events is None else int(events),
    )


def _metric_order(metric: Metric) -> tuple[str, str, str, bool, Decimal]:
    threshold = metric.threshold
    return metric.candidate or "", metric.subgroup or "", metric.measure, threshold is not None, threshold or Decimal(0)

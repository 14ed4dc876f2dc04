"""Services of CDS Hooks, read from ``service.ttl``: what a service names must be there, and able to appear.

A card that can never appear would be silence that looks like "nothing to say".  So a misspelt hook, concept or band is
a fault of the description, with what was perhaps meant.
"""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

from rdflib import DCTERMS, OWL, RDF, RDFS, Graph, URIRef
from rdflib.term import Node

from collectors.search import CollectorDescription
from ontology.concepts import Concept, Origin, ValueType
from ontology.values import Coding
from ontology.words.lists import list_words
from server.catalog.criteria import OneOf
from server.catalog.descriptions import Description
from server.catalog.modules import DescriptionFile, module_nodes
from server.catalog.services import CardRule, Hook, Indicator, Service
from server.catalog.turtle import (
    MPM,
    NodeFault,
    coding,
    describe_node,
    duration,
    flag,
    list_items,
    required_text,
    term_name,
    text,
)
from server.errors import did_you_mean

ORDER_HOOKS = frozenset({Hook.ORDER_SELECT, Hook.ORDER_SIGN})
"""The hooks whose context has draft orders."""

Choice = TypeVar("Choice", bound=StrEnum)


class Offer:
    """What a service may name: the concepts, the modules that compute them, the origins that are read, the reasons."""

    def __init__(
        self,
        concepts: Iterable[Concept],
        modules: Iterable[Description],
        collectors: Iterable[CollectorDescription],
        ontology: Iterable[Graph],
    ) -> None:
        self.by_iri = {concept.iri: concept for concept in concepts}
        self.producers: dict[str, list[Description]] = {}
        for module in modules:
            self.producers.setdefault(module.produces.iri, []).append(module)
        self.origins = {Origin.SITE, *(each.origin for each in collectors)}
        self.reasons = {node: graph for graph in ontology for node in graph.subjects(RDF.type, MPM.OverrideReason)}

    def declared_bands(self, concept: Concept) -> tuple[Coding, ...]:
        """The bands that the modules of a concept declare, and what the cases of its rules give."""
        producers = self.producers.get(concept.iri, ())
        found = [outcome.coding for each in producers for outcome in each.outcomes]
        found += [case.output for each in producers for case in each.cases if isinstance(case.output, Coding)]
        return tuple(dict.fromkeys(found))

    def values(self, concept: Concept) -> tuple[Coding, ...]:
        """Those bands, and the coded values that are known to occur: which bands are of, or which answers mean."""
        matches = [outcome.match for each in self.producers.get(concept.iri, ()) for outcome in each.outcomes]
        coded = [code for match in matches if isinstance(match, OneOf) for code in match.codes]
        meant = [answer.means for answer in concept.answers if isinstance(answer.means, Coding)]
        return tuple(dict.fromkeys((*self.declared_bands(concept), *coded, *meant)))


def service_nodes(graph: Graph) -> list[URIRef]:
    """The services that a graph describes, in a stable order."""
    return sorted(node for node in graph.subjects(RDF.type, MPM.HookService) if isinstance(node, URIRef))


def misplaced_descriptions(
    services: Mapping[str, DescriptionFile], others: Mapping[str, DescriptionFile]
) -> Iterator[str]:
    """A fault for each service outside of a service.ttl, and for each module in one: nothing would read them there."""
    for name, file in others.items():
        for node in service_nodes(file.graph):
            yield f"{name}: {describe_node(file.graph, node)}: a service stands in a service.ttl"
    for name, file in services.items():
        for node, _ in module_nodes(file.graph):
            yield f"{name}: {describe_node(file.graph, node)}: a module stands in a module.ttl"


def read_services(files: Mapping[str, DescriptionFile], offer: Offer, faults: list[str]) -> dict[str, Service]:
    """The services of all files, by id; what is wrong is added to ``faults``: file, line, node and rule."""
    found: dict[str, Service] = {}
    for name, file in files.items():
        nodes = service_nodes(file.graph)
        if not nodes:
            faults.append(f"{name}: it describes no mpm:HookService")
        for node in nodes:
            reading = _Reading(file.graph, node, offer)
            service = reading.read()
            faults += [f"{name}: {fault}" for fault in reading.faults]
            if service is None:
                continue
            if service.id in found:
                # Clients keep one of several: the other would be silent.
                where, other = describe_node(file.graph, node), found[service.id]
                faults.append(f"{name}: {where}: a second service with the id {service.id}, which is on {other.hook}")
            found[service.id] = service
    return found


class _Reading:
    """The reading of one service, which goes on after a fault: all are named at once."""

    def __init__(self, graph: Graph, node: URIRef, offer: Offer) -> None:
        self.graph, self.node, self.offer = graph, node, offer
        self.faults: list[str] = []

    def read(self) -> Service | None:
        """The service; None where there are faults."""
        try:
            return self._read()
        except NodeFault as fault:
            self.faults.append(str(fault))
            return None

    def _read(self) -> Service | None:
        graph, node = self.graph, self.node
        hook = self._choice(node, MPM.hook, Hook)
        cards = list(list_items(graph, node, MPM.card))
        rules = [rule for card in cards if (rule := self._guarded_rule(card, hook)) is not None]
        if not cards:
            self._fault(node, "mpm:card lists no card")
        compared = duration(graph, node, MPM.comparedWith)
        if compared is not None and compared.total_seconds() <= 0:
            self._fault(node, "mpm:comparedWith is not more than nothing")
        reasons = sorted((self._reason(each) for each in graph.objects(node, MPM.overrideReason)), key=str)
        for reason in sorted({each.code for each in reasons if reasons.count(each) > 1}):
            self._fault(node, f"mpm:overrideReason: {reason} is there twice")
        for card, rule in self._repeated(rules, cards):
            self._fault(card, f"{rule.concept} has a card in this band already")
        service_id, version = required_text(graph, node, MPM.id), required_text(graph, node, OWL.versionInfo)
        title, description = required_text(graph, node, DCTERMS.title), required_text(graph, node, DCTERMS.description)
        if self.faults or hook is None:
            return None
        return Service(
            iri=str(node),
            id=service_id,
            version=version,
            hook=hook,
            title=title,
            description=description,
            rules=tuple(rules),
            reports_missing=flag(graph, node, MPM.reportsMissing),
            compared_with=compared,
            override_reasons=tuple(reasons),
        )

    def _repeated(self, rules: list[CardRule], cards: list[Node]) -> Iterator[tuple[Node, CardRule]]:
        """The cards that would stand beside another of the same finding (only where all could be read)."""
        said: set[tuple[str, str | None, Coding | None]] = set()
        for card, rule in zip(cards, rules, strict=False) if len(cards) == len(rules) else ():
            findings = {(rule.concept, rule.draft, band) for band in rule.bands or (None,)}
            if findings & said:
                yield card, rule
            said |= findings

    def _guarded_rule(self, card: Node, hook: Hook | None) -> CardRule | None:
        try:
            return self._rule(card, hook)
        except NodeFault as fault:
            self.faults.append(str(fault))
            return None

    def _rule(self, card: Node, hook: Hook | None) -> CardRule | None:
        graph = self.graph
        indicator = self._choice(card, MPM.indicator, Indicator)
        concept = self._concept(card, MPM.concept, required_text(graph, card, MPM.concept))
        also = [self._concept(card, MPM.also, str(each)) for each in graph.objects(card, MPM.also)]
        for shown in also:
            if shown is not None and shown.origin is Origin.DRAFT_ORDER:
                self._fault(card, f"mpm:also: {shown.id} is a draft order, which mpm:draft names")
        written = text(graph, card, MPM.draft)
        draft = None if written is None else self._draft(card, written, hook)
        bands: tuple[Coding, ...] = ()
        if concept is not None:
            if concept.origin is Origin.DRAFT_ORDER:
                self._fault(card, f"{concept.id} is a draft order, which mpm:draft names")
            bands = tuple(self._bands(card, concept, indicator))
        if indicator is None or concept is None:
            return None
        return CardRule(
            concept=concept.id,
            bands=bands,
            indicator=indicator,
            draft=None if draft is None else draft.id,
            title=text(graph, card, RDFS.label),
            also=tuple(sorted(each.id for each in also if each is not None)),
            suggests_removal=flag(graph, card, MPM.suggestsRemoval),
        )

    def _concept(self, card: Node, term: URIRef, iri: str) -> Concept | None:
        """A concept that can be answered; None, with a fault, where there is none."""
        concept = self.offer.by_iri.get(iri)
        if concept is None:
            near = _did_you_mean_term(iri, self.offer.by_iri)
            self._fault(card, f"{term_name(term)}: no concept {term_name(URIRef(iri))} is declared{near}")
        elif concept.origin is Origin.COMPUTED and concept.iri not in self.offer.producers:
            self._fault(card, f"{term_name(term)}: no module computes {concept.id}")
            return None
        elif concept.origin is not Origin.COMPUTED and concept.origin not in self.offer.origins:
            self._fault(card, f"{term_name(term)}: no collector reads {concept.id}")
            return None
        return concept

    def _draft(self, card: Node, iri: str, hook: Hook | None) -> Concept | None:
        if hook is not None and hook not in ORDER_HOOKS:
            self._fault(card, f"mpm:draft: {hook} has no draft orders; {list_words(sorted(ORDER_HOOKS))} have")
        concept = self._concept(card, MPM.draft, iri)
        if concept is not None and concept.origin is not Origin.DRAFT_ORDER:
            self._fault(card, f"mpm:draft: {concept.id} is no draft order (mpm:DraftOrderConcept)")
        return concept

    def _bands(self, card: Node, concept: Concept, indicator: Indicator | None) -> Iterator[Coding]:
        """The bands of a card, each as it is declared, with its label."""
        written = sorted((coding(self.graph, each) for each in self.graph.objects(card, MPM.band)), key=str)
        values, declared = self.offer.values(concept), frozenset(self.offer.declared_bands(concept))
        # What is recorded may have any code, where no list says what its answers mean.
        open_ended = concept.value_type is ValueType.CODING and concept.origin is not Origin.COMPUTED and not values
        for band in written:
            known = next((each for each in values if each == band), None)
            if known is None and not open_ended:
                near = did_you_mean(band.code, [each.code for each in values])
                among = "" if near else f", which has {_codes(values) or 'none'}"
                self._fault(card, f"mpm:band: {band.system}|{band.code} is no band of {concept.id}{near or among}")
            elif indicator is Indicator.CRITICAL and band not in declared:
                self._fault(card, f"mpm:band: {band.code} is not declared by mpm:outcomes: it cannot be critical")
            yield band if known is None else known
        if not written and concept.value_type is not ValueType.FLAG:
            self._fault(card, f"mpm:band is missing: only what is true or false needs none, {concept.id} does")
        elif not written and indicator is Indicator.CRITICAL:
            self._fault(card, "mpm:indicator: only a card with an mpm:band is critical")

    def _reason(self, node: Node) -> Coding:
        """A reason with its label, of this file or shared."""
        graph = self.graph
        if isinstance(node, URIRef) and (node, MPM.code, None) not in graph:
            if node not in self.offer.reasons:
                near = _did_you_mean_term(str(node), map(str, self.offer.reasons))
                rule = f"mpm:overrideReason: no {term_name(node)} is declared{near}"
                raise NodeFault(f"{describe_node(graph, self.node)}: {rule}")
            graph = self.offer.reasons[node]
        required_text(graph, node, RDFS.label)
        return coding(graph, node)

    def _choice(self, node: Node, term: URIRef, choices: type[Choice]) -> Choice | None:
        """One of a few words; None, with a fault, where it is another."""
        written = required_text(self.graph, node, term)
        if written in list(choices):
            return choices(written)
        known = f"; it is one of {', '.join(choices)}"
        self._fault(node, f'{term_name(term)}: there is no "{written}"{did_you_mean(written, choices) or known}')
        return None

    def _fault(self, node: Node, rule: str) -> None:
        self.faults.append(f"{describe_node(self.graph, node)}: {rule}")


def _did_you_mean_term(wanted: str, known: Iterable[str]) -> str:
    """The end of a fault, such as `` (did you mean mpm:News2?)``; nothing where none is near."""
    names = sorted(each.removeprefix(MPM) for each in known)
    close = get_close_matches(wanted.removeprefix(MPM), names, n=1, cutoff=0.7)
    return f" (did you mean mpm:{close[0]}?)" if close else ""


def _codes(values: tuple[Coding, ...]) -> str:
    return ", ".join(each.code for each in values)

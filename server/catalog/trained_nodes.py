"""Trained models, from their Turtle nodes."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

from rdflib import RDFS, Graph, Literal, URIRef
from rdflib.term import Node

from ontology.concepts import ValueType
from ontology.slots import Select, Slot
from ontology.values import Coding
from server.catalog.graph import (
    MPM,
    NodeFault,
    coding_or_truth,
    flag,
    items,
    need,
    number,
    one,
    texts,
    words_of,
)
from server.catalog.trained import (
    PROBABILITIES,
    ClassLabel,
    Explainer,
    Feature,
    File,
    Group,
    Method,
    TrainedModel,
    Uncertainty,
)


def trained_model(graph: Graph, module: Node, slots: Sequence[Slot]) -> TrainedModel | None:
    """The model of a module, or None where it has none; ``NodeFault`` where it does not fit the slots."""
    node = one(graph, module, MPM.model)
    if node is None:
        return None
    known = {slot.name: slot for slot in slots}
    features = tuple(_feature(graph, each, known) for each in items(graph, node, MPM.features))
    names = [feature.name for feature in features]
    if len(names) != len(set(names)):
        raise NodeFault(f"{words_of(graph, module)}: two features have one name")
    read = {feature.slot for feature in features}
    unread = [slot.name for slot in slots if not (slot.applicability_only or slot.comparison or slot.name in read)]
    if unread:
        raise NodeFault(f"{words_of(graph, module)}: no feature reads the slot {unread[0]}")
    background, calibration = _need(graph, node, MPM.background), _need(graph, node, MPM.calibration)
    uncertainty, least = one(graph, node, MPM.uncertainty), _need(graph, node, MPM.leastMeasured)
    slope, intercept = number(graph, calibration, MPM.slope), number(graph, calibration, MPM.intercept)
    base = TrainedModel(
        artefact=_file(graph, _need(graph, node, MPM.artefact)),
        trusted=texts(graph, node, MPM.trustedType),
        positive=_label(graph, node),
        explainer=Explainer(need(graph, node, MPM.explainer)),
        background=need(graph, background, RDFS.label),
        rows=_optional_file(graph, background),
        features=features,
        calibration=need(graph, calibration, RDFS.label),
        least=int(need(graph, least, MPM["count"])),
        among=_slots(graph, least, read),
        slope=Decimal(1) if slope is None else slope,
        intercept=Decimal(0) if intercept is None else intercept,
        uncertainty=None if uncertainty is None else _uncertainty(graph, uncertainty),
        correlated=tuple(
            sorted((_group(graph, each, read) for each in graph.objects(node, MPM.correlated)), key=lambda g: g.text)
        ),
        maturity=need(graph, module, MPM.maturity),
    )
    grouped = [slot for group in base.correlated for slot in group.slots]
    if len(grouped) != len(set(grouped)):
        raise NodeFault(f"{words_of(graph, module)}: a slot is in two groups of mpm:correlated")
    if base.least > len(base.among):
        raise NodeFault(f"{words_of(graph, module)}: mpm:leastMeasured asks for more slots than it lists")
    return base


def _feature(graph: Graph, node: Node, slots: Mapping[str, Slot]) -> Feature:
    name, slot_name = need(graph, node, MPM.name), need(graph, node, MPM.fromSlot)
    slot = slots.get(slot_name)
    where = f"{words_of(graph, node)}:"
    if slot is None or slot.applicability_only or slot.comparison or slot.select is Select.SERIES:
        raise NodeFault(f"{where} there is no slot {slot_name} that a model can read")
    numeric = slot.select is not Select.ANY and slot.concept.value_type is ValueType.QUANTITY
    encodes = tuple(sorted((_encoded(graph, each) for each in graph.objects(node, MPM.encodes)), key=repr))
    quantiles = tuple(_number_of(each, where) for each in items(graph, node, MPM.quantiles))
    indicator = flag(graph, node, MPM.missingIndicator)
    if indicator and slot.required:
        raise NodeFault(f"{where} an indicator of what is never missing: the slot {slot_name} is required")
    if numeric and encodes:
        raise NodeFault(f"{where} mpm:encodes is for codes and truth values, and {slot_name} is a number")
    if numeric != bool(quantiles) and not indicator:
        raise NodeFault(f"{where} mpm:quantiles are given for numbers, and for nothing else")
    if list(quantiles) != sorted(quantiles) or len(quantiles) not in (0, len(PROBABILITIES)):
        raise NodeFault(f"{where} mpm:quantiles are seven numbers, least first")
    recorded_to = number(graph, node, MPM.recordedTo)
    if recorded_to is not None and (not quantiles or recorded_to < quantiles[-1]):
        raise NodeFault(f"{where} mpm:recordedTo is no less than the last of mpm:quantiles")
    coded = slot.select is not Select.ANY and slot.concept.value_type is ValueType.CODING
    if coded and not encodes and not indicator:
        raise NodeFault(f"{where} mpm:encodes says which number each code of {slot_name} is")
    if len({means for means, _ in encodes}) != len(encodes):
        raise NodeFault(f"{where} mpm:encodes has two numbers for one value")
    share_missing = number(graph, node, MPM.shareMissing)
    return Feature(name, slot_name, encodes, indicator, quantiles, share_missing, recorded_to)


def _number_of(node: Node, where: str) -> Decimal:
    """A member of a list of numbers."""
    try:
        return Decimal(str(node))
    except InvalidOperation:
        raise NodeFault(f"{where} a list of numbers holds something else") from None


def _encoded(graph: Graph, node: Node) -> tuple[Coding | bool, Decimal]:
    value = number(graph, node, MPM.value)
    if value is None:
        raise NodeFault(f"{words_of(graph, node)}: mpm:encodes without mpm:value")
    return coding_or_truth(graph, _need(graph, node, MPM.means)), value


def _uncertainty(graph: Graph, node: Node) -> Uncertainty:
    method = Method(need(graph, node, MPM.method))
    level = number(graph, node, MPM.level)
    if level is None and method is Method.ENSEMBLE:
        raise NodeFault(f"{words_of(graph, node)}: an ensemble's interval has an mpm:level")
    half_width = number(graph, node, MPM.halfWidth)
    return Uncertainty(method, need(graph, node, RDFS.label), level, half_width, _optional_file(graph, node))


def _group(graph: Graph, node: Node, read: set[str]) -> Group:
    return Group(need(graph, node, RDFS.label), _slots(graph, node, read))


def _slots(graph: Graph, node: Node, read: set[str]) -> tuple[str, ...]:
    slots = tuple(str(each) for each in items(graph, node, MPM.slots))
    for slot in slots:
        if slot not in read:
            raise NodeFault(f"{words_of(graph, node)}: no feature reads a slot {slot}")
    return slots


def _file(graph: Graph, node: Node) -> File:
    name = need(graph, node, MPM.file)
    if name in ("", ".", "..") or not name.isprintable() or any(each in name for each in "/\\"):
        raise NodeFault(f"{words_of(graph, node)}: mpm:file is the name of a file in the folder of the module, no path")
    return File(name, need(graph, node, MPM.sha256))


def _optional_file(graph: Graph, node: Node) -> File | None:
    return _file(graph, node) if one(graph, node, MPM.file) is not None else None


def _label(graph: Graph, node: Node) -> ClassLabel:
    found = _need(graph, node, MPM.positiveClass)
    value = found.toPython() if isinstance(found, Literal) else None
    if isinstance(value, bool | int | str):
        return value
    raise NodeFault(f"{words_of(graph, node)}: mpm:positiveClass is a whole number, a text or a truth value")


def _need(graph: Graph, node: Node, term: URIRef) -> Node:
    found = one(graph, node, term)
    if found is None:
        raise NodeFault(f"{words_of(graph, node)}: {term.replace(str(MPM), 'mpm:')} is missing")
    return found

"""Trained models, read from their Turtle nodes."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

from rdflib import RDFS, Graph, Literal, URIRef
from rdflib.term import Node

from ontology.concepts import ValueType
from ontology.slots import Select, Slot
from ontology.values import Coding
from server.catalog.trained_model import (
    PROBABILITIES,
    ClassLabel,
    CorrelatedSlots,
    Explainer,
    Feature,
    IntervalMethod,
    ModelFile,
    TrainedModel,
    Uncertainty,
)
from server.catalog.turtle import (
    MPM,
    NodeFault,
    coding_or_boolean,
    describe_node,
    flag,
    list_items,
    number,
    required_text,
    single_object,
    texts,
)
from server.errors import did_you_mean


def read_trained_model(graph: Graph, module: Node, slots: Sequence[Slot]) -> TrainedModel | None:
    """The model of a module, or None where it has none; ``NodeFault`` where it does not match the slots."""
    node = single_object(graph, module, MPM.model)
    if node is None:
        return None
    known = {slot.name: slot for slot in slots}
    features = tuple(_read_feature(graph, each, known) for each in list_items(graph, node, MPM.features))
    names = [feature.name for feature in features]
    if len(names) != len(set(names)):
        raise NodeFault(f"{describe_node(graph, module)}: two features have one name")
    read = {feature.slot for feature in features}
    unread = [slot.name for slot in slots if not (slot.applicability_only or slot.comparison or slot.name in read)]
    if unread:
        raise NodeFault(f"{describe_node(graph, module)}: no feature reads the slot {unread[0]}")
    background, calibration = _required_node(graph, node, MPM.background), _required_node(graph, node, MPM.calibration)
    uncertainty, least = single_object(graph, node, MPM.uncertainty), _required_node(graph, node, MPM.leastMeasured)
    slope, intercept = number(graph, calibration, MPM.slope), number(graph, calibration, MPM.intercept)
    base = TrainedModel(
        artefact=_read_model_file(graph, _required_node(graph, node, MPM.artefact)),
        trusted=texts(graph, node, MPM.trustedType),
        positive=_read_positive_class(graph, node),
        explainer=Explainer(required_text(graph, node, MPM.explainer)),
        background=required_text(graph, background, RDFS.label),
        rows=_read_optional_file(graph, background),
        features=features,
        calibration=required_text(graph, calibration, RDFS.label),
        least=int(required_text(graph, least, MPM["count"])),
        among=_read_slot_names(graph, least, read),
        slope=Decimal(1) if slope is None else slope,
        intercept=Decimal(0) if intercept is None else intercept,
        uncertainty=None if uncertainty is None else _read_uncertainty(graph, uncertainty),
        correlated=tuple(
            sorted(
                (_read_correlated_slots(graph, each, read) for each in graph.objects(node, MPM.correlated)),
                key=lambda g: g.text,
            )
        ),
        maturity=required_text(graph, module, MPM.maturity),
    )
    grouped = [slot for group in base.correlated for slot in group.slots]
    if len(grouped) != len(set(grouped)):
        raise NodeFault(f"{describe_node(graph, module)}: a slot is in two groups of mpm:correlated")
    if base.least > len(base.among):
        raise NodeFault(f"{describe_node(graph, module)}: mpm:leastMeasured asks for more slots than it lists")
    return base


def _read_feature(graph: Graph, node: Node, slots: Mapping[str, Slot]) -> Feature:
    name, slot_name = required_text(graph, node, MPM.name), required_text(graph, node, MPM.fromSlot)
    slot = slots.get(slot_name)
    where = f"{describe_node(graph, node)}:"
    if slot is None or slot.applicability_only or slot.comparison or slot.select is Select.SERIES:
        raise NodeFault(f"{where} there is no slot {slot_name} that a model can read{did_you_mean(slot_name, slots)}")
    numeric = slot.select is not Select.ANY and slot.concept.value_type is ValueType.QUANTITY
    encodes = tuple(sorted((_read_encoding(graph, each) for each in graph.objects(node, MPM.encodes)), key=repr))
    quantiles = tuple(_list_number(each, where) for each in list_items(graph, node, MPM.quantiles))
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


def _list_number(node: Node, where: str) -> Decimal:
    """A member of a list of numbers."""
    try:
        return Decimal(str(node))
    except InvalidOperation:
        raise NodeFault(f"{where} a list of numbers holds something else") from None


def _read_encoding(graph: Graph, node: Node) -> tuple[Coding | bool, Decimal]:
    value = number(graph, node, MPM.value)
    if value is None:
        raise NodeFault(f"{describe_node(graph, node)}: mpm:encodes without mpm:value")
    return coding_or_boolean(graph, _required_node(graph, node, MPM.means)), value


def _read_uncertainty(graph: Graph, node: Node) -> Uncertainty:
    method = IntervalMethod(required_text(graph, node, MPM.method))
    level = number(graph, node, MPM.level)
    if level is None and method is IntervalMethod.ENSEMBLE:
        raise NodeFault(f"{describe_node(graph, node)}: an ensemble's interval has an mpm:level")
    half_width = number(graph, node, MPM.halfWidth)
    return Uncertainty(
        method, required_text(graph, node, RDFS.label), level, half_width, _read_optional_file(graph, node)
    )


def _read_correlated_slots(graph: Graph, node: Node, read: set[str]) -> CorrelatedSlots:
    return CorrelatedSlots(required_text(graph, node, RDFS.label), _read_slot_names(graph, node, read))


def _read_slot_names(graph: Graph, node: Node, read: set[str]) -> tuple[str, ...]:
    slots = tuple(str(each) for each in list_items(graph, node, MPM.slots))
    for slot in slots:
        if slot not in read:
            raise NodeFault(f"{describe_node(graph, node)}: no feature reads a slot {slot}{did_you_mean(slot, read)}")
    return slots


def _read_model_file(graph: Graph, node: Node) -> ModelFile:
    name = required_text(graph, node, MPM.file)
    if name in ("", ".", "..") or not name.isprintable() or any(each in name for each in "/\\"):
        raise NodeFault(
            f"{describe_node(graph, node)}: mpm:file is the name of a file in the folder of the module, no path"
        )
    return ModelFile(name, required_text(graph, node, MPM.sha256))


def _read_optional_file(graph: Graph, node: Node) -> ModelFile | None:
    return _read_model_file(graph, node) if single_object(graph, node, MPM.file) is not None else None


def _read_positive_class(graph: Graph, node: Node) -> ClassLabel:
    found = _required_node(graph, node, MPM.positiveClass)
    value = found.toPython() if isinstance(found, Literal) else None
    if isinstance(value, bool | int | str):
        return value
    raise NodeFault(f"{describe_node(graph, node)}: mpm:positiveClass is a whole number, a text or a truth value")


def _required_node(graph: Graph, node: Node, term: URIRef) -> Node:
    found = single_object(graph, node, term)
    if found is None:
        raise NodeFault(f"{describe_node(graph, node)}: {term.replace(str(MPM), 'mpm:')} is missing")
    return found

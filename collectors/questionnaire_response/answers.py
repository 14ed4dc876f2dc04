"""The elements of a QuestionnaireResponse that are read, and the answers to its items, each for one concept."""

from collections.abc import Iterator

import msgspec

from collectors.observation.elements import ValueElements
from collectors.observation.values import read_unitless_number, read_value
from collectors.reading.codes import ConceptReader
from collectors.reading.fhir_types import MISSING_ELEMENT, CodeableConcept, Coding, Meta, Quantity, Reference
from collectors.reading.quantities import ReadValue, parse_number, unreadable_value
from ontology.values import Absent, AbsentReason


class Answer(msgspec.Struct, gc=False):
    """One answer to an item, with the items nested in it; value types that are not read stay raw."""

    valueBoolean: bool | None = None  # noqa: N815  (FHIR's own names, here and below)
    valueDecimal: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    valueInteger: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    valueDate: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    valueDateTime: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    valueTime: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    valueString: str | None = None  # noqa: N815
    valueUri: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    valueAttachment: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    valueCoding: Coding | None = None  # noqa: N815
    valueQuantity: Quantity | None = None  # noqa: N815
    valueReference: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    modifierExtension: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    item: list["Item"] = []


class Item(msgspec.Struct, gc=False):
    """An item, with its answers and the items below it."""

    linkId: str | None = None  # noqa: N815
    answer: list[Answer] = []
    item: list["Item"] = []
    modifierExtension: msgspec.Raw = MISSING_ELEMENT  # noqa: N815


class ResponseHead(msgspec.Struct, gc=False):
    """Decoded where the complete record cannot be."""

    meta: Meta | None = None
    questionnaire: str | None = None
    status: str | None = None
    subject: Reference | None = None
    authored: str | None = None


class QuestionnaireResponse(ResponseHead, gc=False):
    """A QuestionnaireResponse."""

    implicitRules: str | None = None  # noqa: N815
    modifierExtension: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    item: list[Item] = []


RESPONSE = msgspec.json.Decoder(QuestionnaireResponse)
RESPONSE_HEAD = msgspec.json.Decoder(ResponseHead)


_UNREAD_TYPES = ("valueUri", "valueAttachment", "valueReference")


def all_items(items: list[Item]) -> Iterator[Item]:
    """All items at any depth, also those nested in answers, in their order."""
    for item in items:
        yield item
        yield from all_items(item.item)
        for answer in item.answer:
            yield from all_items(answer.item)


def read_item(item: Item, known: ConceptReader, needs_unit: bool) -> list[ReadValue]:
    """The value of each of the item's answers; an item without an answer gives one Absent(RECORDED_UNKNOWN)."""
    if item.modifierExtension:
        return [unreadable_value("item.modifierExtension changes its meaning in an unknown way")]
    if not item.answer:
        return [ReadValue(Absent(AbsentReason.RECORDED_UNKNOWN), None, None, "the item has no answer")]
    return [read_answer(answer, known, needs_unit) for answer in item.answer]


def read_answer(answer: Answer, known: ConceptReader, needs_unit: bool) -> ReadValue:
    """One answer, read like an Observation's value of the same type."""
    element = "item.answer."
    if answer.modifierExtension:
        return unreadable_value(f"{element}modifierExtension changes its meaning in an unknown way")
    if answer.valueDecimal:
        value = parse_number(bytes(answer.valueDecimal))
        if value is None:
            return unreadable_value(f"{element}valueDecimal is not a number that can be used")
        return read_unitless_number(value, known, needs_unit, f"{element}valueDecimal")
    for name in _UNREAD_TYPES:
        if getattr(answer, name):
            return unreadable_value(f"{element}{name} is not read for {known.concept.id}")
    coding = answer.valueCoding
    holder = ValueElements(
        valueQuantity=answer.valueQuantity,
        valueCodeableConcept=CodeableConcept([coding]) if coding is not None else None,
        valueString=answer.valueString,
        valueBoolean=answer.valueBoolean,
        valueInteger=answer.valueInteger,
        valueTime=answer.valueTime,
        valueDateTime=_date_element(answer),
    )
    return read_value(holder, known, needs_unit, element)


def _date_element(answer: Answer) -> msgspec.Raw:
    return answer.valueDateTime or answer.valueDate or MISSING_ELEMENT

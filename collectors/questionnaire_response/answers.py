"""The answers to the items of a response, each for one concept."""

from collections.abc import Iterator

import msgspec

from collectors.observation.shape import Valued
from collectors.observation.values import bare_number, read_value
from collectors.questionnaire_response.shape import Answer, Item
from collectors.reading.codes import Reader
from collectors.reading.quantities import Reading, number, unreadable
from collectors.reading.wire import NONE, CodeableConcept
from ontology.values import Absent, AbsentReason

_UNREAD = ("valueUri", "valueAttachment", "valueReference")


def everywhere(items: list[Item]) -> Iterator[Item]:
    """All items at any depth, those below answers too, in their order."""
    for item in items:
        yield item
        yield from everywhere(item.item)
        for answer in item.answer:
            yield from everywhere(answer.item)


def read_item(item: Item, known: Reader, needs_unit: bool) -> list[Reading]:
    """What each of the item's answers says; an item without an answer says that none is known."""
    if item.modifierExtension:
        return [unreadable("item.modifierExtension changes the meaning in a way that is not known here")]
    if not item.answer:
        return [Reading(Absent(AbsentReason.RECORDED_UNKNOWN), None, None, "the item has no answer")]
    return [read_answer(answer, known, needs_unit) for answer in item.answer]


def read_answer(answer: Answer, known: Reader, needs_unit: bool) -> Reading:
    """One answer, as an Observation's value of the same type would be read."""
    element = "item.answer."
    if answer.modifierExtension:
        return unreadable(f"{element}modifierExtension changes the meaning in a way that is not known here")
    if answer.valueDecimal:
        value = number(bytes(answer.valueDecimal))
        if value is None:
            return unreadable(f"{element}valueDecimal is not a number that can be used")
        return bare_number(value, known, needs_unit, f"{element}valueDecimal")
    for name in _UNREAD:
        if getattr(answer, name):
            return unreadable(f"{element}{name} is not read for {known.concept.id}")
    coding = answer.valueCoding
    holder = Valued(
        valueQuantity=answer.valueQuantity,
        valueCodeableConcept=CodeableConcept([coding]) if coding is not None else None,
        valueString=answer.valueString,
        valueBoolean=answer.valueBoolean,
        valueInteger=answer.valueInteger,
        valueTime=answer.valueTime,
        valueDateTime=_date(answer),
    )
    return read_value(holder, known, needs_unit, element)


def _date(answer: Answer) -> msgspec.Raw:
    return answer.valueDateTime or answer.valueDate or NONE

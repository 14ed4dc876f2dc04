"""The value of an Observation or of one of its components, for one concept; or its ``dataAbsentReason``.

Most reasons say that nothing is known: then an older value may be used instead, which is reported.  Some say that
there is a value that is withheld or unusable: an older one must not replace it.
"""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from collectors.observation.elements import (
    RARE_VALUES,
    ValueElements,
    format_quantity,
    format_range,
    parse_raw_number,
)
from collectors.observation.rare_values import read_date_time, read_period, read_range, read_ratio, read_time_of_day
from collectors.observation.sampled_data import read_sampled_data
from collectors.reading.codes import ConceptReader
from collectors.reading.fhir_types import UNDECODABLE, CodeableConcept, Coding, concept_text, printable_text
from collectors.reading.quantities import (
    ReadValue,
    convert_to_concept_unit,
    parse_number,
    read_quantity,
    unreadable_value,
)
from ontology.concepts import ValueType
from ontology.values import Absent, AbsentReason

DATA_ABSENT_REASON = "http://terminology.hl7.org/CodeSystem/data-absent-reason"

UNKNOWN_REASONS: Mapping[str, str] = {
    "unknown": "the value is not known",
    "asked-unknown": "it was asked for, and the answer is not known",
    "temp-unknown": "the value is not known yet",
    "not-asked": "not requested",
    "asked-declined": "it was asked for, and an answer was declined",
    "not-applicable": "there is no value to record",
    "unsupported": "the source's system cannot hold it",
    "error": "an error prevented the value",
    "not-performed": "the measurement was not done",
}
"""Reasons that say that the value is unknown."""

UNUSABLE_REASONS: Mapping[str, str] = {
    "masked": "there is a value, which is withheld",
    "not-permitted": "there is a value, which may not be given",
    "as-text": "there is a value, in the record's text only",
    "not-a-number": "the result is not a number",
    "negative-infinity": "the result is below everything that can be stated",
    "positive-infinity": "the result is above everything that can be stated",
}
"""Reasons that say that there is a value which cannot be used."""


def stated_absence(reason: CodeableConcept, element: str) -> ReadValue:
    """The absence that a ``dataAbsentReason`` states: recorded as unknown, or a value that cannot be read."""
    shown = concept_text(reason)
    for coding in reason.coding:
        if coding.code is not None and coding.code in UNUSABLE_REASONS and coding.system in (DATA_ABSENT_REASON, None):
            return unreadable_value(f"{element}dataAbsentReason: {UNUSABLE_REASONS[coding.code]}", shown)
    return ReadValue(Absent(AbsentReason.RECORDED_UNKNOWN), shown)


def read_value(
    holder: ValueElements, known: ConceptReader, needs_unit: bool, element: str = "", asserts: bool | None = None
) -> ReadValue:
    """The value, an absence that the record states, or the problem in reading it.

    ``element`` is the path before the value's own name ("component[1]." or nothing).  ``asserts`` is what the code
    states by itself ("breathing room air"), where there is neither a value nor a reason for its absence.
    """
    kind = known.concept.value_type
    if holder.modifierExtension:
        return unreadable_value(f"{element}modifierExtension changes its meaning in an unknown way")
    reason = holder.dataAbsentReason or _extended_reason(holder)
    if reason is not None:
        if has_value(holder):
            return unreadable_value(f"{element}dataAbsentReason stands beside a value")
        return stated_absence(reason, element)
    if holder.valueQuantity is not None:
        if kind is not ValueType.QUANTITY:
            shown = format_quantity(holder.valueQuantity)
            if asserts is not None and (amount := parse_raw_number(holder.valueQuantity.value)) and amount > 0:
                # "On oxygen, 2 L/min": how much of it does not contradict the code; 0 does.
                return ReadValue(asserts, shown)
            return unreadable_value(f"{element}valueQuantity is a quantity, not a value of {known.concept.id}", shown)
        return read_quantity(holder.valueQuantity, known, needs_unit, f"{element}valueQuantity")
    if holder.valueCodeableConcept is not None:
        return _read_coded_answer(holder.valueCodeableConcept, known, f"{element}valueCodeableConcept")
    if holder.valueBoolean is not None:
        if kind is ValueType.FLAG:
            means = holder.valueBoolean if asserts is not False else not holder.valueBoolean
            return ReadValue(means, "true" if holder.valueBoolean else "false")
        return unreadable_value(f"{element}valueBoolean is a truth value, not a value of {known.concept.id}")
    if holder.valueInteger:
        return _read_integer(holder.valueInteger, known, needs_unit, f"{element}valueInteger")
    if holder.valueString is not None:
        return _read_text(holder.valueString, known, f"{element}valueString")
    for name in RARE_VALUES:
        if raw := getattr(holder, name):
            return _read_rare_value(name, raw, known, needs_unit, f"{element}{name}")
    if asserts is not None:
        return ReadValue(asserts, "stated by its code")
    return ReadValue(Absent(AbsentReason.RECORDED_UNKNOWN), None, None, f"{element}value[x] is missing")


def _read_rare_value(name: str, raw: msgspec.Raw, known: ConceptReader, needs_unit: bool, element: str) -> ReadValue:
    match name:
        case "valueRatio":
            return read_ratio(raw, known, needs_unit, element)
        case "valueSampledData":
            return read_sampled_data(raw, known, needs_unit, element)
        case "valueDateTime":
            return read_date_time(raw, known, element)
        case "valuePeriod":
            return read_period(raw, known, element)
        case "valueTime":
            return read_time_of_day(raw, known, element)
        case _:
            return read_range(raw, known, element)


ABSENT_EXTENSION = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


class _Extension(msgspec.Struct, gc=False):
    url: str | None = None
    valueCode: str | None = None  # noqa: N815  (FHIR's own name)


class _Extended(msgspec.Struct, gc=False):
    """An element of which only the extensions are read."""

    extension: list[_Extension] = []


_EXTENSIONS = msgspec.json.Decoder(list[_Extension])
_EXTENDED = msgspec.json.Decoder(_Extended)


def _extended_reason(holder: ValueElements) -> CodeableConcept | None:
    """The reason that FHIR's extension for it states at the value itself; it counts as the element does."""
    extensions: list[_Extension] = []
    try:
        for written in (holder.valueQuantity, holder.valueCodeableConcept):
            if written is not None and written.extension:
                extensions += _EXTENSIONS.decode(written.extension)
        beside = [holder.extendedString, holder.extendedBoolean, holder.extendedInteger, holder.extendedTime]
        beside += [holder.extendedDateTime, *(getattr(holder, name) for name in RARE_VALUES)]
        if holder.valueQuantity is not None:
            beside.append(holder.valueQuantity.extended_value)
        for raw in beside:
            if _ABSENT_MARK in bytes(raw):
                extensions += _EXTENDED.decode(raw).extension
    except UNDECODABLE:
        return None
    codes = [each.valueCode for each in extensions if each.url == ABSENT_EXTENSION and each.valueCode]
    # Of several reasons, one that says that there is a value counts.
    codes.sort(key=lambda code: code not in UNUSABLE_REASONS)
    return CodeableConcept([Coding(DATA_ABSENT_REASON, codes[0])]) if codes else None


_ABSENT_MARK = b"data-absent-reason"


def has_value(holder: ValueElements) -> bool:
    """Whether it has a value of any type."""
    return (
        (holder.valueQuantity is not None and bool(holder.valueQuantity.value))
        or (
            (concept := holder.valueCodeableConcept) is not None
            and bool(concept.coding or concept.text or not concept.extension)
        )
        or holder.valueString is not None
        or holder.valueBoolean is not None
        or bool(holder.valueInteger)
        or any(_has_content(getattr(holder, name)) for name in RARE_VALUES)
    )


def value_text(holder: ValueElements) -> str | None:
    """The value as it is written, for readers; None where it is of a type that is not shown so."""
    if holder.valueQuantity is not None:
        return format_quantity(holder.valueQuantity)
    if holder.valueString is not None:
        return printable_text(holder.valueString[:80])
    return concept_text(holder.valueCodeableConcept)


def _has_content(raw: msgspec.Raw) -> bool:
    """Whether a value holds more than the extension that says why there is none."""
    if not raw or _ABSENT_MARK not in bytes(raw):
        return bool(raw)
    try:
        return _CONTENT.decode(raw).keys() != {"extension"}
    except UNDECODABLE:
        return True


_CONTENT = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _read_coded_answer(written: CodeableConcept, known: ConceptReader, element: str) -> ReadValue:
    shown = concept_text(written)
    aliases = known.system_aliases
    keys = [
        (aliases.get(coding.system or "", coding.system or ""), coding.code)
        for coding in written.coding
        if coding.code is not None
    ]
    known_keys = [key for key in keys if key in known.answers]
    if not known_keys:
        return unreadable_value(f"{element} is not a known answer for {known.concept.id}", shown)
    means = known.answers[known_keys[0]]
    if any(known.answers[key] != means for key in known_keys[1:]):
        return unreadable_value(f"{element} has codings that mean different answers", shown)
    # A standard code beside a local one speaks for itself.
    note = known.notes.get(known_keys[0]) if all(key in known.notes for key in known_keys) else None
    return ReadValue(means, shown, note=note)


def _read_text(written: str, known: ConceptReader, element: str) -> ReadValue:
    """Only texts that the concept declares as answers (without a code system) are read: numbers in text never are."""
    means = known.answers.get(("", written.strip()))
    if means is None:
        return unreadable_value(f"{element} is free text", printable_text(written[:80]))
    return ReadValue(means, printable_text(written[:80]))


def _read_integer(raw: msgspec.Raw, known: ConceptReader, needs_unit: bool, element: str) -> ReadValue:
    value = parse_number(bytes(raw))
    if value is None or value != value.to_integral_value():
        return unreadable_value(f"{element} is not an integer")
    return read_unitless_number(value, known, needs_unit, element)


def read_unitless_number(value: Decimal, known: ConceptReader, needs_unit: bool, element: str) -> ReadValue:
    """A number without a unit: read only where the concept is dimensionless."""
    if known.concept.value_type is not ValueType.QUANTITY:
        return unreadable_value(f"{element} is a number, not a value of {known.concept.id}", str(value))
    if known.dimensionless_unit is None or needs_unit:
        return unreadable_value(f"{element} has no unit", str(value))
    return convert_to_concept_unit(value, known.dimensionless_unit, None, known.concept, str(value), element)


def interpretation_text(holder: ValueElements) -> str | None:
    """The laboratory's own flag, in words."""
    return "; ".join(text for each in holder.interpretation if (text := concept_text(each))) or None


def reference_range_text(holder: ValueElements) -> str | None:
    """The laboratory's own reference range, in words."""
    texts = (printable_text(each.text) if each.text else format_range(each) for each in holder.referenceRange)
    return "; ".join(text for text in texts if text) or None

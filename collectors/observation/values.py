"""The value of an Observation or of one of its components, for one concept."""

from decimal import Decimal

import msgspec

from collectors.observation.absence import stated_absence
from collectors.observation.choices import read_clock, read_moment, read_period, read_range
from collectors.observation.ratio import read_ratio
from collectors.observation.sampled import read_sampled
from collectors.observation.shape import RARE_VALUES, Valued
from collectors.observation.written import amount_text, range_text
from collectors.reading.codes import Reader
from collectors.reading.quantities import Reading, in_concept_unit, number, read_quantity, unreadable
from collectors.reading.wire import CodeableConcept, plain, text_of
from ontology.concepts import ValueType
from ontology.values import Absent, AbsentReason


def read_value(
    holder: Valued, known: Reader, needs_unit: bool, element: str = "", asserts: bool | None = None
) -> Reading:
    """The value, an absence that the record states, or why it cannot be read.

    ``element`` is the path before the value's own name ("component[1]." or nothing).  ``asserts`` is what the code
    states by itself ("breathing room air"), where there is neither a value nor a reason for its absence.
    """
    kind = known.concept.value_type
    if holder.modifierExtension:
        return unreadable(f"{element}modifierExtension changes the meaning in a way that is not known here")
    if holder.dataAbsentReason is not None:
        if _has_value(holder):
            return unreadable(f"{element}dataAbsentReason stands beside a value")
        return stated_absence(holder.dataAbsentReason, element)
    if holder.valueQuantity is not None:
        if kind is not ValueType.QUANTITY:
            shown = amount_text(holder.valueQuantity)
            return unreadable(f"{element}valueQuantity is a quantity, which {known.concept.id} is not", shown)
        return read_quantity(holder.valueQuantity, known, needs_unit, f"{element}valueQuantity")
    if holder.valueCodeableConcept is not None:
        return _coded(holder.valueCodeableConcept, known, f"{element}valueCodeableConcept")
    if holder.valueBoolean is not None:
        if kind is ValueType.FLAG:
            means = holder.valueBoolean if asserts is not False else not holder.valueBoolean
            return Reading(means, "true" if holder.valueBoolean else "false")
        return unreadable(f"{element}valueBoolean is a truth value, which {known.concept.id} is not")
    if holder.valueInteger:
        return _integer(holder.valueInteger, known, needs_unit, f"{element}valueInteger")
    if holder.valueString is not None:
        return _text(holder.valueString, known, f"{element}valueString")
    for name in RARE_VALUES:
        if raw := getattr(holder, name):
            return _rare(name, raw, known, needs_unit, f"{element}{name}")
    if asserts is not None:
        return Reading(asserts, "stated by its code")
    return Reading(Absent(AbsentReason.RECORDED_UNKNOWN), None, None, f"{element}value[x] is missing")


def _rare(name: str, raw: msgspec.Raw, known: Reader, needs_unit: bool, element: str) -> Reading:
    match name:
        case "valueRatio":
            return read_ratio(raw, known, needs_unit, element)
        case "valueSampledData":
            return read_sampled(raw, known, needs_unit, element)
        case "valueDateTime":
            return read_moment(raw, known, element)
        case "valuePeriod":
            return read_period(raw, known, element)
        case "valueTime":
            return read_clock(raw, known, element)
        case _:
            return read_range(raw, known, element)


def _has_value(holder: Valued) -> bool:
    return (
        (holder.valueQuantity is not None and bool(holder.valueQuantity.value))
        or holder.valueCodeableConcept is not None
        or holder.valueString is not None
        or holder.valueBoolean is not None
        or bool(holder.valueInteger)
        or any(getattr(holder, name) for name in RARE_VALUES)
    )


def _coded(written: CodeableConcept, known: Reader, element: str) -> Reading:
    shown = text_of(written)
    keys = [(coding.system or "", coding.code) for coding in written.coding if coding.code is not None]
    met = [key for key in keys if key in known.answers]
    if not met:
        return unreadable(f"{element} is no answer that is known for {known.concept.id}", shown)
    means = known.answers[met[0]]
    if any(known.answers[key] != means for key in met[1:]):
        return unreadable(f"{element} has codings that mean different answers", shown)
    # A standard code beside a local one speaks for itself.
    note = known.notes.get(met[0]) if all(key in known.notes for key in met) else None
    return Reading(means, shown, note=note)


def _text(written: str, known: Reader, element: str) -> Reading:
    """Only texts that the concept declares as answers (without a code system) are read: numbers in text never are."""
    means = known.answers.get(("", written.strip()))
    if means is None:
        return unreadable(f"{element} is free text", plain(written[:80]))
    return Reading(means, plain(written[:80]))


def _integer(raw: msgspec.Raw, known: Reader, needs_unit: bool, element: str) -> Reading:
    value = number(bytes(raw))
    if value is None or value != value.to_integral_value():
        return unreadable(f"{element} is not an integer")
    return bare_number(value, known, needs_unit, element)


def bare_number(value: Decimal, known: Reader, needs_unit: bool, element: str) -> Reading:
    """A number that is written without a unit: read only where the concept has none."""
    if known.concept.value_type is not ValueType.QUANTITY:
        return unreadable(f"{element} is a number, which {known.concept.id} is not", str(value))
    if known.unitless is None or needs_unit:
        return unreadable(f"{element} has no unit", str(value))
    return in_concept_unit(value, known.unitless, None, known.concept, str(value), element)


def flag(holder: Valued) -> str | None:
    """The laboratory's own flag, in words."""
    return "; ".join(text for each in holder.interpretation if (text := text_of(each))) or None


def own_range(holder: Valued) -> str | None:
    """The laboratory's own reference range, in words."""
    told = (plain(each.text) if each.text else range_text(each) for each in holder.referenceRange)
    return "; ".join(text for text in told if text) or None

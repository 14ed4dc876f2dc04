"""The elements of an Observation that are read, and quantities and ranges formatted as they are written."""

from decimal import Decimal

import msgspec

from collectors.reading.fhir_types import (
    MISSING_ELEMENT,
    CodeableConcept,
    Meta,
    Period,
    Quantity,
    Reference,
    printable_text,
)
from collectors.reading.quantities import ReadValue, parse_number, unreadable_value


class Range(msgspec.Struct, gc=False):
    """A Range, as a value or as a laboratory's own limits."""

    low: Quantity | None = None
    high: Quantity | None = None
    text: str | None = None


class ValueElements(msgspec.Struct, gc=False):
    """The elements that an Observation and each component share; rare value types stay raw.

    ``extended…`` are the extensions of values that are primitive: JSON has them beside the value (``_valueString``).
    """

    code: CodeableConcept | None = None
    valueQuantity: Quantity | None = None  # noqa: N815  (FHIR's own names, here and below)
    valueCodeableConcept: CodeableConcept | None = None  # noqa: N815
    valueString: str | None = None  # noqa: N815
    valueBoolean: bool | None = None  # noqa: N815
    valueInteger: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    valueRange: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    valueRatio: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    valueSampledData: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    valueTime: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    valueDateTime: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    valuePeriod: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    dataAbsentReason: CodeableConcept | None = None  # noqa: N815
    interpretation: list[CodeableConcept] = []
    referenceRange: list[Range] = []  # noqa: N815
    modifierExtension: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    extendedString: msgspec.Raw = msgspec.field(name="_valueString", default=MISSING_ELEMENT)  # noqa: N815
    extendedBoolean: msgspec.Raw = msgspec.field(name="_valueBoolean", default=MISSING_ELEMENT)  # noqa: N815
    extendedInteger: msgspec.Raw = msgspec.field(name="_valueInteger", default=MISSING_ELEMENT)  # noqa: N815
    extendedTime: msgspec.Raw = msgspec.field(name="_valueTime", default=MISSING_ELEMENT)  # noqa: N815
    extendedDateTime: msgspec.Raw = msgspec.field(name="_valueDateTime", default=MISSING_ELEMENT)  # noqa: N815


class Component(ValueElements):
    """One component of an Observation."""


class Observation(ValueElements):
    """An Observation."""

    resourceType: str | None = None  # noqa: N815
    id: str | None = None
    meta: Meta | None = None
    implicitRules: str | None = None  # noqa: N815
    status: str | None = None
    subject: Reference | None = None
    focus: msgspec.Raw = MISSING_ELEMENT
    effectiveDateTime: str | None = None  # noqa: N815
    effectiveInstant: str | None = None  # noqa: N815
    effectivePeriod: Period | None = None  # noqa: N815
    effectiveTiming: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    issued: str | None = None
    hasMember: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    component: list[Component] = []
    method: msgspec.Raw = MISSING_ELEMENT
    bodySite: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    device: Reference | None = None
    extension: msgspec.Raw = MISSING_ELEMENT
    contained: msgspec.Raw = MISSING_ELEMENT


class ObservationHead(msgspec.Struct, gc=False):
    """Decoded where the complete record cannot be: enough to know what it is about, and whether it counts."""

    status: str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    focus: msgspec.Raw = MISSING_ELEMENT
    method: msgspec.Raw = MISSING_ELEMENT
    meta: Meta | None = None


OBSERVATION = msgspec.json.Decoder(Observation)
OBSERVATION_HEAD = msgspec.json.Decoder(ObservationHead)

RARE_VALUES = (
    "valueRange",
    "valueRatio",
    "valueSampledData",
    "valueTime",
    "valueDateTime",
    "valuePeriod",
)
"""Value types that are decoded only where they occur."""


def format_quantity(quantity: Quantity | None) -> str | None:
    """A Quantity as it is written, in one line; None without a value."""
    if quantity is None or not quantity.value:
        return None
    unit = quantity.unit or quantity.code
    written = bytes(quantity.value).decode("utf-8", "replace")
    return printable_text(f"{quantity.comparator or ''}{written}{f' {unit}' if unit else ''}")


def format_range(written: Range) -> str | None:
    """A Range as it is written, in one line; None without limits."""
    low, high = format_quantity(written.low), format_quantity(written.high)
    if low and high:
        return f"{low} to {high}"
    return f"from {low}" if low else f"to {high}" if high else None


def wrong_type_value(element: str) -> ReadValue:
    """An unreadable value: the element has the wrong type."""
    return unreadable_value(f"{element} is not of the type that FHIR says")


def parse_raw_number(raw: msgspec.Raw) -> Decimal | None:
    """The number of a raw JSON element; None where it is missing or not a usable number."""
    return parse_number(bytes(raw)) if raw else None

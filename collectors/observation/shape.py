"""The parts of an Observation that are read."""

import msgspec

from collectors.reading.wire import NONE, CodeableConcept, Meta, Period, Quantity, Reference


class Range(msgspec.Struct, gc=False):
    """A Range, as a value or as a laboratory's own limits."""

    low: Quantity | None = None
    high: Quantity | None = None
    text: str | None = None


class Valued(msgspec.Struct, gc=False):
    """What an Observation and each of its components have in common; value types that are not read stay raw."""

    code: CodeableConcept | None = None
    valueQuantity: Quantity | None = None  # noqa: N815  (FHIR's own names, here and below)
    valueCodeableConcept: CodeableConcept | None = None  # noqa: N815
    valueString: str | None = None  # noqa: N815
    valueBoolean: bool | None = None  # noqa: N815
    valueInteger: msgspec.Raw = NONE  # noqa: N815
    valueRange: msgspec.Raw = NONE  # noqa: N815
    valueRatio: msgspec.Raw = NONE  # noqa: N815
    valueSampledData: msgspec.Raw = NONE  # noqa: N815
    valueTime: msgspec.Raw = NONE  # noqa: N815
    valueDateTime: msgspec.Raw = NONE  # noqa: N815
    valuePeriod: msgspec.Raw = NONE  # noqa: N815
    dataAbsentReason: CodeableConcept | None = None  # noqa: N815
    interpretation: list[CodeableConcept] = []
    referenceRange: list[Range] = []  # noqa: N815
    modifierExtension: msgspec.Raw = NONE  # noqa: N815


class Component(Valued):
    """One component: several results of one observation."""


class Observation(Valued):
    """An Observation."""

    resourceType: str | None = None  # noqa: N815
    id: str | None = None
    meta: Meta | None = None
    implicitRules: str | None = None  # noqa: N815
    status: str | None = None
    subject: Reference | None = None
    focus: msgspec.Raw = NONE
    effectiveDateTime: str | None = None  # noqa: N815
    effectiveInstant: str | None = None  # noqa: N815
    effectivePeriod: Period | None = None  # noqa: N815
    effectiveTiming: msgspec.Raw = NONE  # noqa: N815
    issued: str | None = None
    hasMember: msgspec.Raw = NONE  # noqa: N815
    component: list[Component] = []
    method: msgspec.Raw = NONE
    device: Reference | None = None
    extension: msgspec.Raw = NONE
    contained: msgspec.Raw = NONE


class Coded(msgspec.Struct, gc=False):
    """What is tried where the whole cannot be decoded: what the record is about, and whether it counts."""

    status: str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    focus: msgspec.Raw = NONE
    method: msgspec.Raw = NONE
    meta: Meta | None = None


OBSERVATION = msgspec.json.Decoder(Observation)
CODED = msgspec.json.Decoder(Coded)

RARE_VALUES = (
    "valueRange",
    "valueRatio",
    "valueSampledData",
    "valueTime",
    "valueDateTime",
    "valuePeriod",
)
"""Types that are decoded only where they are met."""

"""The parts of a FamilyMemberHistory that are read."""

import msgspec

from collectors.reading.wire import NONE, CodeableConcept, Meta, Period, Quantity, Reference


class Disease(msgspec.Struct, gc=False):
    """A condition that the relative had."""

    code: CodeableConcept | None = None
    onsetAge: Quantity | None = None  # noqa: N815  (FHIR's own names, here and below)
    onsetString: str | None = None  # noqa: N815
    onsetPeriod: Period | None = None  # noqa: N815
    modifierExtension: msgspec.Raw = NONE  # noqa: N815


class FamilyMemberHistory(msgspec.Struct, gc=False):
    """A FamilyMemberHistory: one relative of the patient."""

    meta: Meta | None = None
    implicitRules: str | None = None  # noqa: N815
    modifierExtension: msgspec.Raw = NONE  # noqa: N815
    status: str | None = None
    patient: Reference | None = None
    date: str | None = None
    relationship: CodeableConcept | None = None
    condition: list[Disease] = []


HISTORY = msgspec.json.Decoder(FamilyMemberHistory)

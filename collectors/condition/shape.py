"""The parts of a Condition that are read."""

import msgspec

from collectors.reading.wire import NONE, CodeableConcept, Meta, Period, Reference


class Condition(msgspec.Struct, gc=False):
    """A Condition."""

    resourceType: str | None = None  # noqa: N815  (FHIR's own names, here and below)
    id: str | None = None
    meta: Meta | None = None
    implicitRules: str | None = None  # noqa: N815
    modifierExtension: msgspec.Raw = NONE  # noqa: N815
    clinicalStatus: CodeableConcept | None = None  # noqa: N815
    verificationStatus: CodeableConcept | None = None  # noqa: N815
    code: CodeableConcept | None = None
    subject: Reference | None = None
    encounter: Reference | None = None
    onsetDateTime: str | None = None  # noqa: N815
    onsetPeriod: Period | None = None  # noqa: N815
    abatementDateTime: str | None = None  # noqa: N815
    abatementPeriod: Period | None = None  # noqa: N815
    abatementAge: msgspec.Raw = NONE  # noqa: N815
    abatementRange: msgspec.Raw = NONE  # noqa: N815
    abatementString: str | None = None  # noqa: N815
    recordedDate: str | None = None  # noqa: N815


CONDITION = msgspec.json.Decoder(Condition)


def codes(concept: CodeableConcept | None) -> frozenset[str]:
    """The codes of a status, in whatever system."""
    return frozenset(coding.code for coding in concept.coding if coding.code) if concept is not None else frozenset()

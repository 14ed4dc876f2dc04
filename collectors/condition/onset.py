"""A Condition's elements, and its onset and abatement as far as the record and its encounter state them."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import msgspec

from collectors.reading.fhir_dates import read_time
from collectors.reading.fhir_types import MISSING_ELEMENT, CodeableConcept, Meta, Period, Reference
from collectors.reading.references import encounter_period
from ontology.resources import Span


class Condition(msgspec.Struct, gc=False):
    """A Condition."""

    resourceType: str | None = None  # noqa: N815  (FHIR's own names, here and below)
    id: str | None = None
    meta: Meta | None = None
    implicitRules: str | None = None  # noqa: N815
    modifierExtension: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    clinicalStatus: CodeableConcept | None = None  # noqa: N815
    verificationStatus: CodeableConcept | None = None  # noqa: N815
    code: CodeableConcept | None = None
    subject: Reference | None = None
    encounter: Reference | None = None
    onsetDateTime: str | None = None  # noqa: N815
    onsetPeriod: Period | None = None  # noqa: N815
    abatementDateTime: str | None = None  # noqa: N815
    abatementPeriod: Period | None = None  # noqa: N815
    abatementAge: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    abatementRange: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    abatementString: str | None = None  # noqa: N815
    recordedDate: str | None = None  # noqa: N815


CONDITION = msgspec.json.Decoder(Condition)


def status_codes(concept: CodeableConcept | None) -> frozenset[str]:
    """The codes of a status, in whatever system."""
    return frozenset(coding.code for coding in concept.coding if coding.code) if concept is not None else frozenset()


def needs_encounter(condition: Condition) -> bool:
    """Whether only its encounter can date this condition."""
    return (
        condition.encounter is not None
        and condition.recordedDate is None
        and condition.onsetDateTime is None
        and (condition.onsetPeriod is None or condition.onsetPeriod.start is None)
    )


def onset_span(
    condition: Condition, periods: Mapping[str, Span], zone: ZoneInfo, bases: tuple[str, ...]
) -> Span | None:
    """When it began: by onset, else by when it was recorded, else within its encounter (ValueError if misdated).

    It is known to hold at the end of the span.  What was recorded within the onset's span began by then.
    """
    recorded = read_time(condition.recordedDate, zone) if condition.recordedDate is not None else None
    onset = _stated_onset(condition, zone)
    if onset is not None:
        if recorded is not None and onset.start <= recorded.end < onset.end:
            return Span(onset.start, recorded.end)
        return onset
    if recorded is not None:
        return recorded
    reference = condition.encounter.reference if condition.encounter is not None else None
    return encounter_period(reference, periods, bases)


def _stated_onset(condition: Condition, zone: ZoneInfo) -> Span | None:
    if condition.onsetDateTime is not None:
        return read_time(condition.onsetDateTime, zone)
    period = condition.onsetPeriod
    if period is not None and period.start is not None:
        return read_time(period.start, zone)
    return None


def abatement_span(condition: Condition, zone: ZoneInfo) -> Span | None:
    """When it ended, if that is dated (ValueError if misdated)."""
    if condition.abatementDateTime is not None:
        return read_time(condition.abatementDateTime, zone)
    period: Period | None = condition.abatementPeriod
    if period is not None and (text := period.end or period.start) is not None:
        return read_time(text, zone)
    return None


def has_undated_abatement(condition: Condition) -> bool:
    """Whether it says that it ended, but not on which date."""
    return bool(condition.abatementAge) or bool(condition.abatementRange) or condition.abatementString is not None

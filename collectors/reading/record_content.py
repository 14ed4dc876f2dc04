"""The original of a record as its source gives it: checked to be the one that was asked for, and one of the patient's.

Nothing that comes from a source is trusted to be what its address says: type, id, version and subject are those in the
record itself.  What is about no patient (a drug, a practitioner) counts only if a record of the patient refers to it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from collectors.errors import VERSION_GONE, SourceAnswerError, VersionGoneError
from collectors.reading.fhir_types import Reference
from collectors.reading.readout import PatientContext, parse_record
from collectors.reading.records import decode_strict
from collectors.settings import Source
from ontology.resources import RecordRef

_SUBJECTS: Mapping[str, tuple[str, ...]] = {
    "Coverage": ("beneficiary",),
    "EnrollmentRequest": ("candidate",),
    "ResearchSubject": ("individual",),
    "Task": ("for",),
}
"""Elements that name the patient, of the types in R4's compartment of the patient that name them in their own way."""
_USUAL_SUBJECTS = ("subject", "patient")
# Not Group or Person: those name other patients.
_SHARED_TYPES = frozenset(
    {"Device", "Location", "Medication", "Organization", "Practitioner", "PractitionerRole", "Substance"}
)
"""Types that are about no patient, or need not be."""


FHIR_JSON = "application/fhir+json"


@dataclass(frozen=True, slots=True)
class RecordContent:
    """One version of a record.

    ``ref`` names what came: its version is that of the record itself (None: its source keeps no versions), and
    ``last_updated`` its time as it is written there.  ``body`` is the JSON exactly as it came, ``values`` the same as
    plain values, decimals as written.
    """

    ref: RecordRef
    body: bytes = field(repr=False)
    values: Mapping[str, Any] = field(repr=False)
    last_updated: str | None = None
    media_type: str = FHIR_JSON


def read_content(body: bytes, wanted: RecordRef, source: Source) -> RecordContent:
    """The record in an answer to a request for ``wanted``.

    Raises SourceAnswerError where it is no record in JSON, or another one, and VersionGoneError where it is another
    version.
    """
    record = parse_record(body, source)
    if record is None:
        raise SourceAnswerError(f"source {source.id}: what it gave is no FHIR record, or a larger one than is read")
    try:
        # The one is stricter about what JSON is, the other about names that occur twice.
        msgspec.json.decode(body)
        values = decode_strict(body)
    except (ValueError, RecursionError):
        raise SourceAnswerError(f"source {source.id}: the record cannot be decoded") from None
    if (record.ref.type, record.ref.id) != (wanted.type, wanted.id):
        raise SourceAnswerError(f"source {source.id}: it gave another record than was asked for")
    if wanted.version is not None and record.ref.version != wanted.version:
        raise VersionGoneError(f"source {source.id}: {VERSION_GONE}")
    return RecordContent(record.ref, body, values, record.last_updated)


def is_of_patient(content: RecordContent, context: PatientContext) -> bool:
    """Whether it is the patient's own record, or names the patient, and nobody else, as the one whom it is about."""
    if content.ref.type == "Patient":
        return content.ref.id == context.patient
    named = list(_subjects(content))
    return bool(named) and all(map(context.refers_to_patient, named))


def may_be_shared(content: RecordContent) -> bool:
    """Whether it is of a type that is about no patient, and names none."""
    return content.ref.type in _SHARED_TYPES and not any(_subjects(content))


def refers_to(content: RecordContent, target: RecordRef, source: Source) -> bool:
    """Whether a record refers to another of its source, in whichever version."""
    name = f"{target.type}/{target.id}"
    literal = frozenset((name, *(f"{base}/{name}" for base in source.bases)))
    return any(reference.partition("/_history/")[0] in literal for reference in _references(content.values))


def _subjects(content: RecordContent) -> Iterator[Reference]:
    """The references in the elements that say whom a record is about; one without an address means nobody known."""
    for name in _SUBJECTS.get(content.ref.type, _USUAL_SUBJECTS):
        given = content.values.get(name)
        for each in given if isinstance(given, list) else [given]:
            if each is not None:
                reference = each.get("reference") if isinstance(each, Mapping) else None
                yield Reference(reference=reference if isinstance(reference, str) else None)


def _references(record: Mapping[str, Any]) -> Iterator[str]:
    pending: list[Any] = [record]
    while pending:
        value = pending.pop()
        if isinstance(value, Mapping):
            reference = value.get("reference")
            if isinstance(reference, str):
                yield reference
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)

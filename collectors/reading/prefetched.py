"""Whether what a client prefetched can be the whole answer to its template, by what each of its records is.

A client that substitutes the wrong id, or serves an error as an entry, would else hand in a "there is none".
"""

import re
from collections.abc import Collection, Iterable

import msgspec

from collectors.reading.fhir_types import MISSING_ELEMENT, UNDECODABLE, Reference
from collectors.reading.readout import FHIR_ID
from collectors.reading.records import exceeds_limits

OF_ANOTHER = "it holds records of another patient"
OF_UNKNOWN = "it refers to the patient by an address that is none of this source's"
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_PATIENT_ID = re.compile(r"(?:.*/)?Patient/([^/]+)(?:/_history/[^/]*)?", re.DOTALL)


class _Record(msgspec.Struct, gc=False):
    resourceType: str | None = None  # noqa: N815  (FHIR's own name)
    id: str | None = None
    subject: msgspec.Raw = MISSING_ELEMENT
    patient: msgspec.Raw = MISSING_ELEMENT


_RECORD = msgspec.json.Decoder(_Record)
_REFERENCE = msgspec.json.Decoder(Reference)


def answer_fault(records: Iterable[bytes], resource_type: str, patient: str) -> str | None:
    """Why these records cannot be the answer to a template for the patient's records of a type; None where they can.

    Records of other types (included ones) and a server's remarks may be among them, but not in place of the records.
    """
    kinds = set()
    for raw in records:
        if exceeds_limits(raw):
            return "it holds a record beyond all limits"
        try:
            record = _RECORD.decode(raw)
        except UNDECODABLE:
            return "it holds an entry that is no record"
        if record.resourceType == "OperationOutcome":
            continue
        if not record.resourceType or record.id is None or FHIR_ID.fullmatch(record.id) is None:
            return "it holds a record without a type or an id"
        kinds.add(record.resourceType)
        if record.resourceType == resource_type == "Patient" and record.id != patient:
            return "it is the record of another patient"
        if resource_type != "Patient" and any(
            _names_another(each, patient) for each in (record.subject, record.patient)
        ):
            return OF_ANOTHER
    if resource_type not in kinds and (kinds or resource_type == "Patient"):
        return f"it holds no {resource_type} record"
    return None


def subject_fault(records: Iterable[bytes], patient: str, aliases: Collection[str]) -> str | None:
    """Why it cannot be told whose these records are; None where each names the patient, or nobody.

    An absolute reference means the patient where it is one of ``aliases``.  Under another base URL the same id is
    somebody else's, and a record that is only left out would read as none.
    """
    known = {f"urn:uuid:{patient}", *aliases}
    for raw in records:
        try:
            record = _RECORD.decode(raw)
        except UNDECODABLE:
            continue
        for each in (record.subject, record.patient):
            text = _reference_text(each)
            if text is not None and _ABSOLUTE.match(text) and text.partition("/_history/")[0] not in known:
                return OF_UNKNOWN
    return None


def _reference_text(raw: msgspec.Raw) -> str | None:
    try:
        return _REFERENCE.decode(raw).reference if raw else None
    except UNDECODABLE:
        return None


def _names_another(raw: msgspec.Raw, patient: str) -> bool:
    """Whether a reference leads to a Patient of another id; one that cannot be read is left to reading."""
    text = _reference_text(raw)
    named = _PATIENT_ID.fullmatch(text) if text is not None else None
    return named is not None and named[1] != patient

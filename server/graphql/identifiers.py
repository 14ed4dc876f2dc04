"""Identifiers that are unique over types, versions and sources, for clients that keep objects by type and id.

A FHIR id is unique for one resource type of one server only.  An identifier holds the source, the type, the id and,
of a record that has one, the version; it begins with ``_``, as no FHIR id can, so that the two are never mistaken for
each other.  Clients are not to read it; it hides nothing.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import quote, unquote

from collectors.errors import PatientNotFoundError
from collectors.reading.readout import check_fhir_id
from ontology.resources import RecordRef
from server.errors import QuestionError

_MARK = "_"
_PATIENT = "Patient"
_LONGEST = 256


def record_identifier(record: RecordRef) -> str:
    """The identifier of one version of a record; of the record itself, where its source keeps no versions."""
    parts = (record.source, record.type, record.id)
    return _written(*parts, record.version) if record.version else _written(*parts)


def patient_identifier(source: str, patient: str) -> str:
    """The identifier of a patient of a source, by their FHIR id there."""
    return _written(source, _PATIENT, patient)


def read_patient_identifier(given: str, source: str | None) -> tuple[str | None, str]:
    """The id of the source (None: the only one that there is) and the FHIR id of the patient that ``given`` means.

    ``given``: a FHIR id of the patient in ``source``, or what ``patient_identifier`` gave.  Nothing else reads one.
    Raises PatientNotFoundError where it can be neither, and QuestionError where it is of another source than
    ``source``; their texts do not repeat it.
    """
    if not given.startswith(_MARK):
        return source, check_fhir_id(given)
    own, patient = _read(given)
    if source is not None and source != own:
        raise QuestionError("source-mismatch", "the patient's id is of another source than `source` names")
    return own, check_fhir_id(patient)


def _written(*parts: str) -> str:
    # Quoted, so that no part can hold the sign between the parts.
    joined = "/".join(quote(part, safe="") for part in parts)
    return _MARK + urlsafe_b64encode(joined.encode()).decode().rstrip("=")


def _read(given: str) -> tuple[str, str]:
    """The source and the patient's FHIR id; only the one spelling that we write is read."""
    encoded = given.removeprefix(_MARK)
    try:
        if len(given) > _LONGEST:
            raise ValueError
        joined = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
        source, kind, patient = (unquote(part) for part in joined.split("/"))
    except (binascii.Error, ValueError):
        raise PatientNotFoundError("the patient's id is neither a FHIR id nor one that was given here") from None
    if kind != _PATIENT or _written(source, kind, patient) != given:
        raise PatientNotFoundError("the patient's id is not the id of a patient")
    return source, patient

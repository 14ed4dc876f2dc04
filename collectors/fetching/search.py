"""Writes the queries of a search.  Results are filtered here all the same, since servers ignore parameters."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from collectors.capability.capability import Capability
from collectors.errors import PatientNotFoundError
from collectors.needs import CollectorDescription, Search
from collectors.settings import Source
from ontology.values import Coding

Parameters: TypeAlias = tuple[tuple[str, str], ...]

MOST_CODES = 100
"""Codes in one request; servers have answered 500 to five times as many."""
TOO_MANY_CODES = 500
"""Beyond so many codes, all records of the type are asked for instead."""

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_RESERVED = re.compile(r"([\\,|$])")
# A server may read a date in a zone of its own, so a day on either side is asked for as well.
_MARGIN = timedelta(days=2)


def checked_id(patient: str) -> str:
    """The id, if it can be a FHIR id at all (else PatientNotFoundError, which does not repeat it)."""
    if _ID.fullmatch(patient) is None:
        raise PatientNotFoundError("the patient's id is not a FHIR id (letters, digits, '-' and '.', at most 64)")
    return patient


def queries(
    search: Search,
    source: Source,
    patient: str,
    at: datetime,
    capability: Capability | None = None,
    most_codes: int | None = TOO_MANY_CODES,
) -> tuple[Parameters, ...]:
    """The parameters of each request that the search needs: one, or one a hundred codes.

    There is no upper limit in time: a partial date that ends after ``at`` must not be lost in silence.  A parameter
    that the source declares not to know is left out, as are codes where there are more than ``most_codes`` (None: they
    never are): what comes is sorted out here in any case.  Categories never stand in for codes: records without one
    would be lost.
    """
    description = search.description
    patient_of = of_patient(description, patient, capability)
    further = (
        *since(search, at, capability),
        ("_count", str(source.page_size)),
        *elements(description, source),
    )
    code = description.code_parameter
    too_many = most_codes is not None and len(search.codes) > most_codes
    if code is None or not search.codes or too_many or not _known(description, code, capability):
        return ((patient_of, *further),)
    chunks = [search.codes[first : first + MOST_CODES] for first in range(0, len(search.codes), MOST_CODES)]
    return tuple((patient_of, (code, tokens(chunk)), *further) for chunk in chunks)


def of_patient(description: CollectorDescription, patient: str, capability: Capability | None) -> tuple[str, str]:
    """The parameter that names the patient; ``subject`` where only that is declared."""
    if not _known(description, description.patient_parameter, capability) and _known(
        description, "subject", capability
    ):
        return ("subject", f"Patient/{checked_id(patient)}")
    return (description.patient_parameter, checked_id(patient))


def since(search: Search, at: datetime, capability: Capability | None) -> Parameters:
    """The parameter that begins the window, where there is one and the source knows it."""
    name = search.description.date_parameter
    if name is None or search.window is None or not _known(search.description, name, capability):
        return ()
    return ((name, f"ge{_earliest(at, search.window)}"),)


def elements(description: CollectorDescription, source: Source) -> Parameters:
    """Asks for nothing but the elements that are read, where it was tried that the source leaves those whole."""
    return (("_elements", ",".join(description.elements)),) if source.elements and description.elements else ()


def _known(description: CollectorDescription, parameter: str, capability: Capability | None) -> bool:
    return capability is None or capability.knows(description.resource_type, parameter)


def simple_query(source: Source, patient: str, parameter: str) -> Parameters:
    """Everything of one type for the patient."""
    return ((parameter, checked_id(patient)), ("_count", str(source.page_size)))


def by_ids(source: Source, ids: Collection[str]) -> tuple[Parameters, ...]:
    """The records of one type with these ids, whoever they are of: one request a hundred."""
    ordered = sorted(each for each in ids if _ID.fullmatch(each))
    chunks = (ordered[first : first + MOST_CODES] for first in range(0, len(ordered), MOST_CODES))
    return tuple((("_id", ",".join(chunk)), ("_count", str(source.page_size))) for chunk in chunks)


def tokens(codes: Sequence[Coding]) -> str:
    """Codes as the value of a token parameter: ``system|code`` joined by commas, reserved characters escaped."""
    return ",".join(f"{_escaped(code.system)}|{_escaped(code.code)}" for code in codes)


def _escaped(text: str) -> str:
    return _RESERVED.sub(r"\\\1", text)


def _earliest(at: datetime, window: timedelta) -> str:
    try:
        return (at - window - _MARGIN).date().isoformat()
    except OverflowError:
        return "0001-01-01"

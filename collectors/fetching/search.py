"""Writes the queries of a search.  Results are filtered here all the same, since servers ignore parameters."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from collectors.errors import PatientNotFoundError
from collectors.needs import Search
from collectors.settings import Source
from ontology.values import Coding

Parameters: TypeAlias = tuple[tuple[str, str], ...]

MOST_CODES = 100
"""Codes in one request; servers have answered 500 to five times as many."""

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_RESERVED = re.compile(r"([\\,|$])")
# A server may read a date in a zone of its own, so a day on either side is asked for as well.
_MARGIN = timedelta(days=2)


def checked_id(patient: str) -> str:
    """The id, if it can be a FHIR id at all (else PatientNotFoundError, which does not repeat it)."""
    if _ID.fullmatch(patient) is None:
        raise PatientNotFoundError("the patient's id is not a FHIR id (letters, digits, '-' and '.', at most 64)")
    return patient


def queries(search: Search, source: Source, patient: str, at: datetime) -> tuple[Parameters, ...]:
    """The parameters of each request that the search needs: one, or one a hundred codes.

    There is no upper limit in time: a partial date that ends after ``at`` must not be lost in silence.
    """
    description = search.description
    common: list[tuple[str, str]] = [(description.patient_parameter, checked_id(patient))]
    if description.date_parameter is not None and search.window is not None:
        common.append((description.date_parameter, f"ge{_earliest(at, search.window)}"))
    common.append(("_count", str(source.page_size)))
    if description.code_parameter is None:
        return (tuple(common),)
    chunks = [search.codes[first : first + MOST_CODES] for first in range(0, len(search.codes), MOST_CODES)]
    return tuple((common[0], (description.code_parameter, tokens(chunk)), *common[1:]) for chunk in chunks)


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

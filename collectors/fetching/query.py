"""The query of a search: its parameters as they are sent, and which of them the source ignored.

Results are filtered here all the same: a server answers 200 with more than was asked for, and may say so or not.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeAlias
from urllib.parse import parse_qsl, urlsplit

from collectors.capability.capability import Capability
from collectors.reading.code_and_time import ObservationOutline, decode_outline
from collectors.reading.readout import FHIR_ID, check_fhir_id
from collectors.reading.records import Record
from collectors.search import CollectorDescription, Search
from collectors.settings import Source
from ontology.evaluation import Issue, Severity
from ontology.values import Coding

Parameters: TypeAlias = tuple[tuple[str, str], ...]

MOST_CODES = 100
"""Codes in one request; servers have answered 500 to five times as many."""
TOO_MANY_CODES = 500
"""Beyond so many codes, all records of the type are asked for instead."""

_RESERVED = re.compile(r"([\\,|$])")
# A server may read a date in a zone of its own, so a day on either side is asked for as well.
_MARGIN = timedelta(days=2)


def search_queries(
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
    never are): what comes is filtered here in any case.  Categories never stand in for codes: records without one
    would be lost.
    """
    description = search.description
    patient_of = patient_parameter(description, patient, capability)
    further = (
        *window_parameter(search, at, capability),
        ("_count", str(source.page_size)),
        *elements_parameter(description, source),
    )
    code = description.code_parameter
    too_many = most_codes is not None and len(search.codes) > most_codes
    if code is None or not search.codes or too_many or not _is_declared(description, code, capability):
        return ((patient_of, *further),)
    chunks = [search.codes[first : first + MOST_CODES] for first in range(0, len(search.codes), MOST_CODES)]
    bare = source.bare_codes
    return tuple((patient_of, (code, format_tokens(chunk, bare)), *further) for chunk in chunks)


def patient_parameter(
    description: CollectorDescription, patient: str, capability: Capability | None
) -> tuple[str, str]:
    """The parameter that names the patient; ``subject`` where only that is declared."""
    if not _is_declared(description, description.patient_parameter, capability) and _is_declared(
        description, "subject", capability
    ):
        return ("subject", f"Patient/{check_fhir_id(patient)}")
    return (description.patient_parameter, check_fhir_id(patient))


def window_parameter(search: Search, at: datetime, capability: Capability | None) -> Parameters:
    """The parameter that begins the window, where there is one and the source knows it."""
    name = search.description.date_parameter
    if name is None or search.window is None or not _is_declared(search.description, name, capability):
        return ()
    return ((name, f"ge{_earliest_day(at, search.window)}"),)


def elements_parameter(description: CollectorDescription, source: Source) -> Parameters:
    """Asks for nothing but the elements that are read, where trials showed that the source returns those complete."""
    return (("_elements", ",".join(description.elements)),) if source.elements and description.elements else ()


def _is_declared(description: CollectorDescription, parameter: str, capability: Capability | None) -> bool:
    return capability is None or capability.knows_parameter(description.resource_type, parameter)


def patient_query(source: Source, patient: str, parameter: str) -> Parameters:
    """Everything of one type for the patient."""
    return ((parameter, check_fhir_id(patient)), ("_count", str(source.page_size)))


def target_queries(source: Source, resource_type: str, ids: Collection[str]) -> tuple[Parameters, ...]:
    """The Provenance of the records of a type with these ids: one request a hundred."""
    ordered = sorted(each for each in ids if FHIR_ID.fullmatch(each))
    chunks = (ordered[first : first + MOST_CODES] for first in range(0, len(ordered), MOST_CODES))
    return tuple(
        (("target", ",".join(f"{resource_type}/{each}" for each in chunk)), ("_count", str(source.page_size)))
        for chunk in chunks
    )


def id_queries(source: Source, ids: Collection[str]) -> tuple[Parameters, ...]:
    """The records of one type with these ids, whoever they are of: one request a hundred."""
    ordered = sorted(each for each in ids if FHIR_ID.fullmatch(each))
    chunks = (ordered[first : first + MOST_CODES] for first in range(0, len(ordered), MOST_CODES))
    return tuple((("_id", ",".join(chunk)), ("_count", str(source.page_size))) for chunk in chunks)


def format_tokens(codes: Sequence[Coding], bare: bool = False) -> str:
    """Codes as the value of a token parameter: ``system|code`` joined by commas, reserved characters escaped.

    ``bare``: without their system, for a code in any; what comes is filtered here.
    """
    if bare:
        return ",".join(dict.fromkeys(_escape(code.code) for code in codes))
    return ",".join(f"{_escape(code.system)}|{_escape(code.code)}" for code in codes)


def _escape(text: str) -> str:
    return _RESERVED.sub(r"\\\1", text)


def _earliest_day(at: datetime, window: timedelta) -> str:
    try:
        return (at - window - _MARGIN).date().isoformat()
    except OverflowError:
        return "0001-01-01"


@dataclass(frozen=True, slots=True)
class IgnoredParameters:
    """Which parameters had no effect, and how many records came that were not asked for."""

    parameters: frozenset[str]
    other_code_count: int = 0
    early_count: int = 0

    def issue(self, resource_type: str) -> Issue | None:
        """What is reported: nothing was lost by it, and such records are not used."""
        if not self.parameters:
            return None
        names = ", ".join(sorted(self.parameters))
        text = f"The source seems to ignore parameters of the search for {resource_type} ({names})"
        others = [(self.other_code_count, "under other codes"), (self.early_count, "from before the window")]
        counted = " and ".join(f"{count} {words}" for count, words in others if count)
        text += f". {counted[0].upper()}{counted[1:]} removed here." if counted else ". The records were filtered here."
        return Issue(Severity.INFORMATION, "parameters-ignored", text)


def find_ignored_parameters(
    search: Search,
    sent: Sequence[Parameters],
    links: Iterable[str | None],
    records: Sequence[Record],
    bare: bool = False,
) -> IgnoredParameters:
    """The parameters without effect, by the server's own link to the search and by the records that came.

    ``bare``: codes were sent without their system, so that those of any were asked for.
    """
    description = search.description
    names = {name for parameters in sent for name, _ in parameters}
    missing = frozenset(name for link in links for name in _missing_from_link(link, names))
    codes = early = 0
    if description.resource_type == "Observation":
        asked = {(each.system, each.code) for each in search.codes} if description.code_parameter in names else None
        day = next((_day_before(value[2:]) for name, value in sent[0] if name == description.date_parameter), None)
        for record in records if asked is not None or day is not None else ():
            # What cannot be read is reported elsewhere.
            outline = decode_outline(record) or ObservationOutline()
            codes += asked is not None and _has_other_code(outline, asked, bare)
            early += day is not None and _ends_before(outline, day)
    found = {description.code_parameter: codes, description.date_parameter: early}
    return IgnoredParameters(missing | {name for name, count in found.items() if name and count}, codes, early)


def _missing_from_link(link: str | None, sent: Iterable[str]) -> set[str]:
    """The parameters that narrow a search and are not in the server's own link, where it gives one."""
    try:
        named = {name.partition(":")[0] for name, _ in parse_qsl(urlsplit(link or "").query, keep_blank_values=True)}
    except ValueError:
        return set()
    return {name for name in sent if not name.startswith("_")} - named if named else set()


def _has_other_code(outline: ObservationOutline, asked: set[tuple[str, str]], bare: bool) -> bool:
    if outline.code is None:
        return False
    if bare:
        return {each.code for each in outline.code.coding}.isdisjoint(code for _, code in asked)
    return all((each.system or "", each.code or "") not in asked for each in outline.code.coding)


def _ends_before(outline: ObservationOutline, day: str) -> bool:
    """Whether a record ends before a day; dates compare as they are written, as far as they are."""
    text = outline.effectiveDateTime or (outline.effectivePeriod.end if outline.effectivePeriod is not None else None)
    return text is not None and text[:10] < day[: len(text)]


def _day_before(day: str) -> str:
    """A server may read days in a zone of its own."""
    try:
        return (date.fromisoformat(day) - timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return day

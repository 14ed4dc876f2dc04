"""The identity in a Patient record: identifiers, links, birth date and gender.  Names are never read."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import msgspec

from collectors.reading.fhir_types import Period, Reference, read_date, read_time
from collectors.reading.records import Record
from collectors.settings import Source
from ontology.values import Date

Identifier: TypeAlias = tuple[str, str]
"""System and value, as they are written."""

_EXCLUDED_USES = frozenset({"old", "temp"})
_GENDERS = frozenset({"male", "female", "other"})
_LINK_TYPES = frozenset({"replaced-by", "replaces", "refer", "seealso"})
_PLACEHOLDERS = frozenset(
    {"unknown", "unk", "none", "null", "nil", "na", "tbd", "test", "pending", "notavailable", "notknown", "noid"}
)
_DIGIT_SEQUENCE = "01234567890123456789"


class _Identifier(msgspec.Struct, gc=False):
    use: str | None = None
    system: str | None = None
    value: str | None = None
    period: Period | None = None


class _Link(msgspec.Struct, gc=False):
    other: Reference | None = None
    type: str | None = None


class _Patient(msgspec.Struct, gc=False):
    identifier: list[_Identifier] = []
    link: list[_Link] = []
    birthDate: str | None = None  # noqa: N815  (FHIR's own name)
    gender: str | None = None


_PATIENT = msgspec.json.Decoder(_Patient)


@dataclass(frozen=True, slots=True)
class Link:
    """A link to another record of the same person: FHIR's type of link, and the reference as it is written."""

    type: str
    reference: str


@dataclass(frozen=True, slots=True)
class Person:
    """The identity in one Patient record; ``birth_date`` and ``gender`` are None where they cannot be compared.

    ``unreliable_identifiers`` are those by which nobody is identified for sure.
    """

    record: Record
    identifiers: frozenset[Identifier]
    links: tuple[Link, ...]
    birth_date: Date | None
    gender: str | None
    unreliable_identifiers: frozenset[Identifier] = frozenset()

    @property
    def id(self) -> str:
        """The id of the record."""
        return self.record.ref.id

    def may_match(self, identifiers: Iterable[Identifier]) -> bool:
        """Whether one of these identifiers is the record's in another writing, or by one that was left out."""
        own = {_normalised(each) for each in self.identifiers | self.unreliable_identifiers}
        return any(_normalised(each) in own for each in identifiers)


def read_person(record: Record, source: Source, now: datetime) -> Person | None:
    """The person of a Patient record, or None where the record cannot be read.

    Identifiers that are old, temporary, out of their period or mere placeholders are left out: they may be somebody
    else's by now.
    """
    try:
        patient = _PATIENT.decode(record.raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    identifiers = frozenset(
        (each.system, each.value)
        for each in patient.identifier
        if each.system
        and each.value
        and is_identifying(each.value)
        and each.use not in _EXCLUDED_USES
        and _is_current(each, source, now)
    )
    every = frozenset((each.system, each.value) for each in patient.identifier if each.system and each.value)
    links = (
        Link(each.type, each.other.reference)
        for each in patient.link
        if each.type in _LINK_TYPES and each.other is not None and each.other.reference
    )
    gender = patient.gender if patient.gender in _GENDERS else None
    return Person(
        record,
        identifiers,
        tuple(dict.fromkeys(links)),
        _read_birth_date(patient.birthDate),
        gender,
        every - identifiers,
    )


def _normalised(identifier: Identifier) -> Identifier:
    """An identifier without what is lost or gained when it is copied from one system into another."""
    system, value = identifier
    return system.strip().casefold(), re.sub(r"\s", "", value).casefold()


def is_identifying(value: str) -> bool:
    """Whether a value can identify anybody: not one that is put where there is none ("0000", "N/A", "12345678")."""
    bare = re.sub(r"[\W_]", "", value).casefold()
    if not bare or bare in _PLACEHOLDERS:
        return False
    alike = len(set(bare)) == 1
    if alike and (len(bare) > 2 or bare[0] in "0x"):
        return False
    return not (len(bare) > 4 and bare in _DIGIT_SEQUENCE)


def find_conflict(one: Person, others: Iterable[Person]) -> str | None:
    """What surely distinguishes a person from one of the others ("birth date", "gender"); None where nothing does."""
    for other in others:
        if one.birth_date is not None and other.birth_date is not None and _disjoint(one.birth_date, other.birth_date):
            return "birth date"
        if one.gender is not None and other.gender is not None and one.gender != other.gender:
            return "gender"
    return None


def _disjoint(one: Date, other: Date) -> bool:
    """Whether two dates, however imprecise, cannot be the same day."""
    return one.end < other.start or other.end < one.start


def _is_current(identifier: _Identifier, source: Source, now: datetime) -> bool:
    """Whether now lies in the period of an identifier; not where that cannot be read."""
    period = identifier.period
    if period is None:
        return True
    try:
        if period.start is not None and read_time(period.start, source.zone).start > now:
            return False
        return period.end is None or read_time(period.end, source.zone).end >= now
    except (ValueError, OverflowError):
        return False


def _read_birth_date(text: str | None) -> Date | None:
    try:
        return read_date(text) if text is not None else None
    except ValueError:
        return None

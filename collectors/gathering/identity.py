"""Who a Patient record is of: identifiers, links to other records, birth date and gender.  Names are never read."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import msgspec

from collectors.reading.records import Record
from collectors.reading.timing import read_date, read_time
from collectors.reading.wire import Period, Reference
from collectors.settings import Source
from ontology.values import Date

Identifier: TypeAlias = tuple[str, str]
"""System and value, as they are written."""

_UNUSED = frozenset({"old", "temp"})
_GENDERS = frozenset({"male", "female", "other"})
_LINKS = frozenset({"replaced-by", "replaces", "refer", "seealso"})
_PLACEHOLDERS = frozenset(
    {"unknown", "unk", "none", "null", "nil", "na", "tbd", "test", "pending", "notavailable", "notknown", "noid"}
)
_COUNTED_UP = "01234567890123456789"


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
    """What one Patient record says of who it is of; ``birth`` and ``gender`` are None where they cannot be compared.

    ``left_out`` are identifiers by which it cannot be known for sure.
    """

    record: Record
    identifiers: frozenset[Identifier]
    links: tuple[Link, ...]
    birth: Date | None
    gender: str | None
    left_out: frozenset[Identifier] = frozenset()

    @property
    def id(self) -> str:
        """The id of the record."""
        return self.record.ref.id

    def may_be(self, identifiers: Iterable[Identifier]) -> bool:
        """Whether one of these identifiers is the record's in another writing, or by one that was left out."""
        own = {_bare(each) for each in self.identifiers | self.left_out}
        return any(_bare(each) in own for each in identifiers)


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
        if each.system and each.value and usable(each.value) and each.use not in _UNUSED and _now(each, source, now)
    )
    left_out = frozenset((each.system, each.value) for each in patient.identifier if each.system and each.value)
    links = (
        Link(each.type, each.other.reference)
        for each in patient.link
        if each.type in _LINKS and each.other is not None and each.other.reference
    )
    gender = patient.gender if patient.gender in _GENDERS else None
    return Person(
        record, identifiers, tuple(dict.fromkeys(links)), _birth(patient.birthDate), gender, left_out - identifiers
    )


def _bare(identifier: Identifier) -> Identifier:
    """An identifier without what is lost or gained when it is copied from one system into another."""
    system, value = identifier
    return system.strip().casefold(), re.sub(r"\s", "", value).casefold()


def usable(value: str) -> bool:
    """Whether a value can identify anybody: not one that is put where there is none ("0000", "N/A", "12345678")."""
    bare = re.sub(r"[\W_]", "", value).casefold()
    if not bare or bare in _PLACEHOLDERS:
        return False
    alike = len(set(bare)) == 1
    if alike and (len(bare) > 2 or bare[0] in "0x"):
        return False
    return not (len(bare) > 4 and bare in _COUNTED_UP)


def contradiction(one: Person, others: Iterable[Person]) -> str | None:
    """What tells a person from one of the others for sure ("birth date", "gender"); None where nothing does."""
    for other in others:
        if one.birth is not None and other.birth is not None and _apart(one.birth, other.birth):
            return "birth date"
        if one.gender is not None and other.gender is not None and one.gender != other.gender:
            return "gender"
    return None


def _apart(one: Date, other: Date) -> bool:
    """Whether two dates, however imprecise, cannot be the same day."""
    return one.end < other.start or other.end < one.start


def _now(identifier: _Identifier, source: Source, now: datetime) -> bool:
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


def _birth(text: str | None) -> Date | None:
    try:
        return read_date(text) if text is not None else None
    except ValueError:
        return None

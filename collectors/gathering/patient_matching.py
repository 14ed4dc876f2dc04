"""Which records are of the same patient: by an identifier that both sources know, or by a link; never by name.

A person is what a Patient record says of identity: identifiers, links, birth date and gender.  Names are never read.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

import httpx
import msgspec

from collectors.errors import PatientNotFoundError
from collectors.fetching.addresses import is_within
from collectors.fetching.query import Parameters, format_tokens, id_queries
from collectors.gathering.source_question import SourceQuestion
from collectors.reading.fhir_types import Period, Reference, read_date, read_time
from collectors.reading.readout import check_fhir_id
from collectors.reading.records import Record
from collectors.settings import Source
from ontology.evaluation import Issue, Severity
from ontology.values import Coding, Date

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


MOST_LINKED = 20
"""More records than these of one person are not followed."""

REPLACED_BY = "replaced-by"


@dataclass(slots=True)
class LinkedPersons:
    """The persons of one source that are taken for one, by id, and the issues that this raises.

    ``excluded``: texts on records that are linked and not used.  ``outside_links``: links that leave the source.
    """

    persons: dict[str, Person]
    linked_pairs: set[frozenset[str]] = field(default_factory=set)
    issues: list[Issue] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)
    outside_links: list[Link] = field(default_factory=list)

    def all_linked(self, ids: Iterable[str]) -> bool:
        """Whether all these records are linked to one another, be it by way of others."""
        first, *rest = ids
        reached = {first}
        grows = True
        while grows:
            grows = False
            for join in self.linked_pairs:
                if join & reached and not join <= reached:
                    reached |= join
                    grows = True
        return reached.issuperset(rest)


async def follow_links(
    question: SourceQuestion, source: Source, seeds: Mapping[str, Person], known: Iterable[Person], now: datetime
) -> LinkedPersons:
    """Follows the links of the seeds inside their source; nothing is asked where there are none (CollectorError).

    A linked record with another birth date or gender is left out, and its own links are not followed.
    """
    found = LinkedPersons(dict(seeds))
    seen = set(seeds)
    known = [*known, *seeds.values()]
    pending = list(seeds.values())
    while pending:
        wanted: dict[str, str] = {}
        for person in pending:
            for link in person.links:
                other = patient_id_in(link.reference, source)
                if other is None:
                    found.outside_links.append(link)
                    continue
                found.linked_pairs.add(frozenset((person.id, other)))
                if other not in seen and len(seen) < MOST_LINKED:
                    seen.add(other)
                    wanted[other] = link.type
                elif other not in seen:
                    found.excluded.append(f"more than {MOST_LINKED} records are linked to the patient's")
        pending = []
        if not wanted:
            break
        records = await question.fetch_patients(id_queries(source, wanted))
        for record in sorted(records, key=lambda each: each.ref.id):
            if record.ref.id not in wanted:
                continue
            other_person = read_person(record, source, now)
            if other_person is None:
                found.excluded.append(f"Patient/{record.ref.id} is linked, but cannot be read")
            elif (differs := find_conflict(other_person, known)) is not None:
                found.excluded.append(f"Patient/{record.ref.id} is linked, but has another {differs}")
            else:
                found.persons[other_person.id] = other_person
                found.issues.append(_linked_issue(other_person, wanted[other_person.id], source))
                pending.append(other_person)
        there = {record.ref.id for record in records}
        for other in sorted(wanted.keys() - there):
            if wanted[other] == REPLACED_BY:
                # What is new since then is there, wherever that is.
                found.excluded.append(f"Patient/{other}, by which the patient's record was replaced, is not there")
            else:
                found.issues.append(_missing_issue(other, source))
    found.excluded = list(dict.fromkeys(found.excluded))
    return found


def linked_in_sources(sources: Sequence[Source], links: Iterable[Link]) -> tuple[Mapping[int, list[str]], list[Issue]]:
    """The patients that links name in other sources, by the source's position; an issue for each link to none."""
    ids: dict[int, list[str]] = {}
    issues: list[Issue] = []
    for link in links:
        absolute = not link.reference.startswith("Patient/")
        for position, source in enumerate(sources):
            if absolute and (there := patient_id_in(link.reference, source)) is not None:
                ids.setdefault(position, []).append(there)
                break
        else:
            text = "The patient's record is linked to a record outside the configured sources."
            issues.append(Issue(Severity.INFORMATION, "link-outside", text))
    return ids, issues


def patient_id_in(reference: str, source: Source) -> str | None:
    """The id of a Patient of this source, where a reference means one; None where it leads elsewhere."""
    path = reference.partition("/_history/")[0]
    if path.startswith("Patient/"):
        return _valid_id(path.removeprefix("Patient/"))
    try:
        if not any(is_within(httpx.URL(path), base) for base in source.bases):
            return None
    except (httpx.InvalidURL, ValueError):
        return None
    head, _, name = path.rpartition("/Patient/")
    return _valid_id(name) if head.rstrip("/") in source.bases else None


def _valid_id(name: str) -> str | None:
    try:
        return check_fhir_id(name)
    except PatientNotFoundError:
        return None


def _linked_issue(person: Person, link: str, source: Source) -> Issue:
    name = f"Patient/{person.id}"
    if link == REPLACED_BY:
        text = f"The patient's record was replaced by {name} in source {source.id}: the records of both are used."
        return Issue(Severity.WARNING, "replaced-patient", text)
    text = f"{name} in source {source.id} is linked to the patient's record: its records are used too."
    return Issue(Severity.INFORMATION, "linked-patient", text)


def _missing_issue(other: str, source: Source) -> Issue:
    text = f"Patient/{other}, to which the patient's record links, is not there in source {source.id}."
    return Issue(Severity.WARNING, "linked-patient-missing", text)


async def look_up_patient(
    question: SourceQuestion,
    source: Source,
    identifiers: frozenset[Identifier],
    linked: Collection[str],
    known: tuple[Person, ...],
    now: datetime,
) -> LinkedPersons | str:
    """The records of the patient there, perhaps none; or a text that says why it is unknown which they are.

    ``known`` are the persons that the question's source holds.  One request (two where a link leads there), and those
    that links there cost.  Raises CollectorError.
    """
    records = []
    if identifiers:
        records += await question.fetch_patients((identifier_query(source, identifiers),))
    if linked:
        records += await question.fetch_patients(id_queries(source, linked))
    matches: dict[str, Person] = {}
    doubtful = False
    for record in sorted(records, key=lambda each: each.ref.id):
        person = read_person(record, source, now)
        if person is None:
            return "a patient's record there cannot be read"
        # Servers ignore parameters: what came is compared with the identifiers once more.
        if person.id in linked or person.identifiers & identifiers:
            matches[person.id] = person
        elif person.may_match(identifiers):
            doubtful = True
    if not matches and doubtful:
        return "a patient there has this identifier in another spelling, or as a former one"
    if not matches:
        text = f"Source {source.id} has no patient with the same identifier."
        return LinkedPersons({}, issues=[Issue(Severity.INFORMATION, "not-known-there", text)])
    for person in matches.values():
        if (differs := find_conflict(person, known)) is not None:
            return f"the patient with this identifier there has another {differs}"
    found = await follow_links(question, source, matches, known, now)
    if not found.all_linked(matches):
        return f"{'two' if len(matches) == 2 else len(matches)} patients there have this identifier"
    return found


def identifier_query(source: Source, identifiers: Iterable[Identifier]) -> Parameters:
    """All patients of a source who carry one of the identifiers, in one request."""
    wanted = format_tokens([Coding(system, value) for system, value in sorted(identifiers)])
    return (("identifier", wanted), ("_count", str(source.page_size)))

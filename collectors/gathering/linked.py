"""The records of one person in one source: those that link to each other, as far as none contradicts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from collectors.errors import PatientNotFoundError
from collectors.fetching.addresses import within
from collectors.fetching.search import by_ids, checked_id
from collectors.gathering.identity import Link, Person, contradiction, read_person
from collectors.gathering.run import Run
from collectors.settings import Source
from ontology.evaluation import Issue, Severity

MOST_LINKED = 20
"""More records than these of one person are not followed."""

REPLACED = "replaced-by"


@dataclass(slots=True)
class Circle:
    """The persons of one source that are taken for one, by id, and what is to be told of it.

    ``left_out``: texts on records that are linked and not used.  ``outside``: links that leave the source.
    """

    persons: dict[str, Person]
    joins: set[frozenset[str]] = field(default_factory=set)
    issues: list[Issue] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    outside: list[Link] = field(default_factory=list)

    def one(self, ids: Iterable[str]) -> bool:
        """Whether all these records are linked to one another, be it by way of others."""
        first, *rest = ids
        reached = {first}
        grows = True
        while grows:
            grows = False
            for join in self.joins:
                if join & reached and not join <= reached:
                    reached |= join
                    grows = True
        return reached.issuperset(rest)


async def circle(
    run: Run, source: Source, seeds: Mapping[str, Person], known: Iterable[Person], now: datetime
) -> Circle:
    """Follows the links of the seeds inside their source; nothing is asked where there are none (CollectorError).

    A linked record with another birth date or gender is left out, and its own links are not followed.
    """
    found = Circle(dict(seeds))
    seen = set(seeds)
    known = [*known, *seeds.values()]
    pending = list(seeds.values())
    while pending:
        wanted: dict[str, str] = {}
        for person in pending:
            for link in person.links:
                other = id_in(link.reference, source)
                if other is None:
                    found.outside.append(link)
                    continue
                found.joins.add(frozenset((person.id, other)))
                if other not in seen and len(seen) < MOST_LINKED:
                    seen.add(other)
                    wanted[other] = link.type
                elif other not in seen:
                    found.left_out.append(f"more than {MOST_LINKED} records are linked to the patient's")
        pending = []
        if not wanted:
            break
        records = await run.patients(by_ids(source, wanted))
        for record in sorted(records, key=lambda each: each.ref.id):
            if record.ref.id not in wanted:
                continue
            other_person = read_person(record, source, now)
            if other_person is None:
                found.left_out.append(f"Patient/{record.ref.id} is linked, but cannot be read")
            elif (differs := contradiction(other_person, known)) is not None:
                found.left_out.append(f"Patient/{record.ref.id} is linked, but has another {differs}")
            else:
                found.persons[other_person.id] = other_person
                found.issues.append(_told(other_person, wanted[other_person.id], source))
                pending.append(other_person)
        there = {record.ref.id for record in records}
        for other in sorted(wanted.keys() - there):
            if wanted[other] == REPLACED:
                # What is new since then is there, wherever that is.
                found.left_out.append(f"Patient/{other}, by which the patient's record was replaced, is not there")
            else:
                found.issues.append(_gone(other, source))
    found.left_out = list(dict.fromkeys(found.left_out))
    return found


def elsewhere_in(sources: Sequence[Source], links: Iterable[Link]) -> tuple[Mapping[int, list[str]], list[Issue]]:
    """The patients that links name in other sources, by the source's position; links that lead to none are told."""
    ids: dict[int, list[str]] = {}
    told: list[Issue] = []
    for link in links:
        absolute = not link.reference.startswith("Patient/")
        for position, source in enumerate(sources):
            if absolute and (there := id_in(link.reference, source)) is not None:
                ids.setdefault(position, []).append(there)
                break
        else:
            text = "The patient's record is linked to one that lies in none of the configured sources."
            told.append(Issue(Severity.INFORMATION, "link-outside", text))
    return ids, told


def id_in(reference: str, source: Source) -> str | None:
    """The id of a Patient of this source, where a reference means one; None where it leads elsewhere."""
    path = reference.partition("/_history/")[0]
    if path.startswith("Patient/"):
        return _checked(path.removeprefix("Patient/"))
    try:
        if not any(within(httpx.URL(path), base) for base in source.bases):
            return None
    except (httpx.InvalidURL, ValueError):
        return None
    head, _, name = path.rpartition("/Patient/")
    return _checked(name) if head.rstrip("/") in source.bases else None


def _checked(name: str) -> str | None:
    try:
        return checked_id(name)
    except PatientNotFoundError:
        return None


def _told(person: Person, link: str, source: Source) -> Issue:
    name = f"Patient/{person.id}"
    if link == REPLACED:
        text = f"The patient's record was replaced by {name} in source {source.id}: the records of both are used."
        return Issue(Severity.WARNING, "replaced-patient", text)
    text = f"{name} in source {source.id} is linked to the patient's record: its records are used too."
    return Issue(Severity.INFORMATION, "linked-patient", text)


def _gone(other: str, source: Source) -> Issue:
    text = f"Patient/{other}, to which the patient's record links, is not there in source {source.id}."
    return Issue(Severity.WARNING, "linked-patient-missing", text)

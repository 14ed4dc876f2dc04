"""Records that were handed in with a question: which searches of its plan they answer, and which they do not.

"Handed in and empty" is an answer; "not handed in" is none.  In doubt a search was not handed in: it is fetched then,
or, where nothing can be fetched, said to be unknown.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec

from collectors.errors import HandedInError
from collectors.fetching.templates import MOST_ENTRIES, beside_templates, templates
from collectors.needs import Search
from collectors.reading import wire
from collectors.reading.whole import Whole, encode, of_records, read_whole
from collectors.settings import Source

OFFLINE = Source(id="handed-in", base_url="https://medtwin.example/handed-in")
"""The source of handed-in records where none is configured.  It is never called."""

Json: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HandedIn:
    """What was handed in.

    ``answers``: the records of whole searches, by collector id.  ``types``: all of the patient's records of a type.
    ``loose``: every record handed in, by type; enough where single records are looked for by id.  ``aliases``: further
    references that mean the patient.  ``why`` says of searches (by collector id) why they are not answered.
    """

    answers: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    types: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    loose: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    aliases: frozenset[str] = frozenset()
    why: Mapping[str, str] = field(default_factory=dict)

    def of(self, search: Search) -> tuple[bytes, ...] | None:
        """The records of a search, perhaps none; None where it was not handed in."""
        description = search.description
        found = self.answers.get(description.id)
        return self.types.get(description.resource_type) if found is None else found

    def beside(self, resource_type: str, ids: frozenset[str] | None) -> tuple[tuple[bytes, ...], frozenset[str] | None]:
        """What was handed in of the records wanted beside others (None: all of the patient's), and what is still to
        be fetched: no ids where nothing is.
        """
        if ids is None:
            whole = self.types.get(resource_type)
            return ((), None) if whole is None else (whole, frozenset())
        found = {raw: wire.HEAD.decode(raw).id for raw in self.loose.get(resource_type, ())}
        return tuple(raw for raw, id_ in found.items() if id_ in ids), ids - {id_ for id_ in found.values() if id_}

    def reason(self, search: Search) -> str:
        """Why a search is not answered by what was handed in."""
        kind = search.description.resource_type
        return self.why.get(search.description.id, f"no complete set of {kind} records was handed in")


def from_prefetch(prefetch: Mapping[str, bytes | Json | None], searches: Iterable[Search], patient: str) -> HandedIn:
    """What a CDS Hooks prefetch answers, whose keys and templates are those of ``templates``.

    ``null`` is taken as not handed in: clients send it for "nothing there" and for "could not be had" alike.
    """
    read = {key: read_whole(value, MOST_ENTRIES) for key, value in prefetch.items() if value is not None}
    answers: dict[str, tuple[bytes, ...]] = {}
    types: dict[str, tuple[bytes, ...]] = {}
    why: dict[str, str] = {}
    for search in searches:
        wanted = templates(search)
        if not wanted:
            continue
        faults = [_fault(key, prefetch, read, key == "patient") for key in wanted]
        told = next((fault for fault in faults if fault is not None), None)
        if told is None:
            answers[search.description.id] = tuple(raw for key in wanted for raw in read[key].records)
        else:
            why[search.description.id] = told
        for key, kind in beside_templates(search).items():
            if _fault(key, prefetch, read, False) is None:
                types[kind] = read[key].records
    handed = tuple(read.values())
    return HandedIn(answers, types, _by_type(handed), _aliases(handed, patient), why)


def from_records(handed: bytes | Iterable[Json | bytes], complete: Collection[str], patient: str) -> HandedIn:
    """What one Bundle (of any type) or a JSON array of records answers.

    ``complete``: the resource types of which all of the patient's records are among them, or none exist.  The
    patient's own record needs no such word.  Of a history the newest versions count.  Raises HandedInError where it is
    neither, is one page of several, or holds a record twice with different contents.
    """
    if isinstance(handed, bytes):
        read = read_whole(handed, array=True)
    else:
        read = of_records(tuple(each if isinstance(each, bytes) else encode(each) for each in handed))
    if read.fault is not None:
        raise HandedInError(f"what was handed in cannot be used: {read.fault}")
    loose = _by_type((read,))
    # A record that cannot even be named may be of any type: it is counted there, as one that cannot be read.
    types = {kind: (*loose.get(kind, ()), *loose.get("", ())) for kind in complete}
    own = tuple(raw for raw in loose.get("Patient", ()) if wire.HEAD.decode(raw).id == patient)
    if own:
        types["Patient"] = own
    return HandedIn({}, types, loose, _aliases((read,), patient))


def _fault(
    key: str, prefetch: Mapping[str, bytes | Json | None], read: Mapping[str, Whole], single: bool
) -> str | None:
    """Why what was handed in under a key is no answer to its template."""
    if key not in prefetch:
        return f'"{key}" was not handed in'
    if key not in read:
        return f'"{key}" was handed in as null, which does not tell "none" from "not to be had"'
    if read[key].fault is not None:
        return f'"{key}" was not handed in whole: {read[key].fault}'
    if not single and not read[key].searchset:
        return f'"{key}" was not handed in whole: it is not a search set'
    return None


def _by_type(handed: Iterable[Whole]) -> dict[str, tuple[bytes, ...]]:
    found: dict[str, list[bytes]] = {}
    for each in handed:
        for raw in each.records:
            try:
                kind = wire.HEAD.decode(raw).resourceType
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                kind = None
            found.setdefault(kind or "", []).append(raw)
    return {kind: tuple(raws) for kind, raws in found.items()}


def _aliases(handed: Iterable[Whole], patient: str) -> frozenset[str]:
    """The full URLs under which the patient's own record was handed in: other records may refer to them by these."""
    found = set()
    for each in handed:
        for url, raw in each.urls:
            try:
                head = wire.HEAD.decode(raw)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            if head.resourceType == "Patient" and head.id == patient:
                found.add(url)
    return frozenset(found)

"""When entries of a patient's lists were recorded or changed, and in which encounter: that a list is looked after.

Only the dates that clinicians state count.  ``meta.lastUpdated`` is the server's: a migration changes it for all.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from collectors.reading.fhir_types import CodeableConcept, Reference, printable_text, read_time
from collectors.reading.readout import PatientContext, local_id
from collectors.reading.records import OUR_TAG, CodedEntry, CodedPart, Fact, Record
from ontology.concepts import Origin
from ontology.resources import Span

OUTPATIENT_VISIT = "outpatient-visit"
"""The id of the concept of the encounters in which lists are looked after."""
LIST_ORIGINS = {"problem-list": Origin.CONDITION, "medication-list": Origin.MEDICATION}
"""Of which origin the entries of a list are, by the id of its concept."""


class ListReview(msgspec.Struct, frozen=True):
    """That a list was looked after: when, by which record (``text`` is for readers)."""

    span: Span
    text: str


class ListEntry(msgspec.Struct, frozen=True):
    """An entry: the days on which it was recorded or changed, and the id of its encounter.

    ``in_encounter``: it names an encounter, of whatever source; then no other dates it.
    """

    name: str
    days: tuple[date, ...]
    in_encounter: bool
    encounter: str | None


class _Tags(msgspec.Struct, gc=False):
    tag: list[dict[str, Any]] = []


class _Entry(msgspec.Struct, gc=False):
    meta: _Tags | None = None
    status: str | None = None
    intent: str | None = None
    verificationStatus: CodeableConcept | None = None  # noqa: N815  (FHIR's own names, here and below)
    category: list[CodeableConcept] | CodeableConcept | None = None
    subject: Reference | None = None
    encounter: Reference | None = None
    context: Reference | None = None
    recordedDate: str | None = None  # noqa: N815
    authoredOn: str | None = None  # noqa: N815
    dateAsserted: str | None = None  # noqa: N815
    abatementDateTime: str | None = None  # noqa: N815


_ENTRY = msgspec.json.Decoder(_Entry)
# What a hospital stay or a single visit writes down is no entry of the list that somebody keeps.
_OTHER_CATEGORIES = frozenset({"encounter-diagnosis", "inpatient"})
_NOT_ENTERED = frozenset({"entered-in-error", "draft", "cancelled"})
_NOT_ORDERED = frozenset({"proposal", "plan", "option"})


def list_entries(records: Iterable[Record], context: PatientContext) -> list[ListEntry]:
    """The entries of the patient's own lists among records of conditions or medications."""
    return [entry for record in records if (entry := _read_entry(record, context)) is not None]


def _read_entry(record: Record, context: PatientContext) -> ListEntry | None:
    try:
        found = _ENTRY.decode(record.raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not context.refers_to_patient(found.subject) or not _is_entered(found):
        return None
    zone = context.source.zone
    texts = (found.recordedDate, found.authoredOn, found.dateAsserted, found.abatementDateTime)
    days = tuple(day for text in texts if text is not None and (day := _day(text, zone)) is not None)
    reference = found.encounter or found.context
    literal = reference.reference if reference is not None else None
    return ListEntry(record.name, days, reference is not None, local_id(literal, "Encounter", context.source.bases))


def _is_entered(found: _Entry) -> bool:
    """Whether it is an entry of the list: not withdrawn, not ours, not of a stay, not a proposal."""
    tags = found.meta.tag if found.meta is not None else []
    categories = found.category if isinstance(found.category, list) else [found.category]
    codes = {coding.code for each in categories if each is not None for coding in each.coding}
    verified = {coding.code for coding in found.verificationStatus.coding} if found.verificationStatus else set()
    return not (
        any((tag.get("system"), tag.get("code")) == OUR_TAG for tag in tags)
        or codes & _OTHER_CATEGORIES
        or "entered-in-error" in verified
        or found.status in _NOT_ENTERED
        or found.intent in _NOT_ORDERED
    )


def _day(text: str, zone: ZoneInfo) -> date | None:
    """The day of a date or time; None where it names none (a month)."""
    try:
        span = read_time(text, zone)
    except (ValueError, OverflowError):
        return None
    first, last = span.start.astimezone(zone).date(), span.end.astimezone(zone).date()
    return first if first == last else None


class _Item(msgspec.Struct, gc=False):
    reference: str | None = None
    display: str | None = None


class _ListItem(msgspec.Struct, gc=False):
    item: _Item | None = None
    deleted: bool = False


class _ListContent(msgspec.Struct, gc=False):
    entry: list[_ListItem] = []


_LIST = msgspec.json.Decoder(_ListContent)


def items_without_record(
    lists: Iterable[Fact], records: Collection[tuple[str, str]], bases: tuple[str, ...]
) -> Iterator[CodedEntry]:
    """What current lists name and none of the records (type, id) describes: entries of which nothing is known."""
    types = sorted({kind for kind, _ in records})
    # A list that its Provenance dates has several facts: the first is of the list itself.
    first = {fact.record.ref: fact for fact in reversed(tuple(lists)) if not (fact.doubted or fact.negated)}
    for fact in first.values():
        record, since = fact.record, _since(fact)
        for name in _item_names(record):
            reference = name.reference
            if any((kind, local_id(reference, kind, bases)) in records for kind in types):
                continue
            words = printable_text(name.display or reference or "without a name")
            yield CodedEntry(CodedPart(), since, record_name=record.name, words=words)


def _since(fact: Fact) -> datetime | None:
    return fact.resource.effective.start if fact.resource.effective is not None else None


def _item_names(record: Record) -> list[_Item]:
    """The items of a list; one without a name where they cannot be read."""
    try:
        entries = _LIST.decode(record.raw).entry
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [_Item()]
    return [each.item or _Item() for each in entries if not each.deleted]


def entry_reviews(entries: Iterable[ListEntry], visits: Iterable[Fact], zone: ZoneInfo) -> tuple[ListReview, ...]:
    """The outpatient visits in which an entry was recorded or changed: the one that it names, else any of its day."""
    certain = (fact for fact in visits if (fact.doubted, fact.negated, fact.resource.problem) == (None, None, None))
    held = {fact.record.ref.id: fact for fact in certain}
    found: dict[str, ListReview] = {}
    for entry in entries:
        if entry.in_encounter:
            named = held.get(entry.encounter or "")
            candidates = [named] if named is not None else []
        else:
            candidates = [fact for fact in held.values() if any(_is_in(day, fact, zone) for day in entry.days)]
        for fact in candidates:
            if fact.resource.effective is not None:
                text = f"{entry.name} was recorded or changed in {fact.record.name}"
                found.setdefault(fact.record.ref.id, ListReview(fact.resource.effective, text))
    return tuple(found.values())


def _is_in(day: date, visit: Fact, zone: ZoneInfo) -> bool:
    """Whether a day is within those of the visit; of one that has no end, its first day."""
    begin = visit.resource.effective
    if begin is None:
        return False
    last = visit.end.end if visit.end is not None else begin.end
    return begin.start.astimezone(zone).date() <= day <= last.astimezone(zone).date()

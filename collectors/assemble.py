"""Fetched or handed-in records into the facts of a patient."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from collectors.collector import Beside, begin
from collectors.draft import Draft
from collectors.errors import PatientNotFoundError
from collectors.fetching.search import checked_id
from collectors.needs import Search, wanted
from collectors.reading.readout import Setting, is_outcome, record_of
from collectors.reading.records import Record, newest
from collectors.reading.whole import encode
from collectors.settings import Source
from collectors.sourcefacts import SourceFacts
from ontology.concepts import Origin
from ontology.evaluation import Issue, Severity


def records_of(raws: Iterable[bytes], resource_type: str, draft: Draft, origin: Origin | None = None) -> list[Record]:
    """The records of one type, each once, newest version; others are passed over, unreadable ones are told.

    ``origin``: what an entry that cannot even be named may hide.
    """
    source = draft.setting.source
    records: list[Record] = []
    nameless = 0
    for raw in raws:
        record = record_of(raw, source)
        if record is None and is_outcome(raw):
            draft.issues.append(remark(resource_type))
        elif record is None:
            nameless += 1
        elif record.ref.type == resource_type:
            records.append(record)
    if nameless:
        text = f"{nameless} {resource_type} entry or entries without a type or id were left out"
        draft.issues.append(Issue(Severity.WARNING, "unreadable-record", text))
        if origin is not None:
            draft.hide(origin, nameless)
    return newest(records)


def remark(resource_type: str) -> Issue:
    """The server had something to say about a search: mostly that it does not know a parameter."""
    text = f"The source remarked on the search for {resource_type}: it may have ignored a parameter."
    return Issue(Severity.INFORMATION, "search-remark", text)


def check_patient(draft: Draft, records: Iterable[Record]) -> None:
    """PatientNotFoundError if the patient's own record is not among the records."""
    if not holds_patient(draft, records):
        raise PatientNotFoundError(f"source {draft.setting.source.id}: it holds no such patient")


def holds_patient(draft: Draft, records: Iterable[Record]) -> bool:
    """Whether the patient's own record is among the records."""
    return any(record.ref.id == draft.setting.patient for record in records)


def facts_from_resources(
    source: Source,
    patient: str,
    searches: tuple[Search, ...],
    resources: Iterable[Mapping[str, Any] | bytes],
    at: datetime | None = None,
) -> SourceFacts:
    """The same facts from records that were handed in, as JSON values or bytes; nothing is fetched.

    Every search that the source is asked counts as answered by them.  ``at`` is not needed: selection looks at the
    times itself.  Raises PatientNotFoundError if the patient's own record is not among them.
    """
    draft = Draft(Setting.of(source, checked_id(patient)))
    by_type: dict[str, list[Record]] = {}
    for each in resources:
        record = record_of(each if isinstance(each, bytes) else encode(each), source)
        if record is not None:
            by_type.setdefault(record.ref.type, []).append(record)
    held = {resource_type: newest(records) for resource_type, records in by_type.items()}
    check_patient(draft, held.get("Patient", ()))
    for search in searches:
        if not wanted(search, source):
            continue
        begun = begin(held.get(search.description.resource_type, []), search, draft.setting)
        beside = Beside({kind: tuple(held.get(kind, ())) for kind in begun.wants})
        draft.take(begun.finish(beside), search)
    return draft.finish()

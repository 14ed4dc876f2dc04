"""Fetched or handed-in records into the facts of a patient."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from collectors.condition import read as conditions
from collectors.condition.dating import encounter_periods
from collectors.errors import PatientNotFoundError
from collectors.facts import Failure
from collectors.fetching.search import checked_id
from collectors.needs import Search
from collectors.observation import read as observations
from collectors.patient import read as patients
from collectors.reading.codes import CodeIndex
from collectors.reading.readout import Readout, Setting, is_outcome, record_of
from collectors.reading.records import CodedCondition, Fact, Record, newest
from collectors.settings import Source
from collectors.sourcefacts import SourceFacts
from ontology.evaluation import Issue, Severity
from ontology.times import Span


@dataclass(slots=True)
class Draft:
    """Facts while they are put together; ``finish`` makes what is handed out."""

    setting: Setting
    facts: dict[str, list[Fact]] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    death: Span | None = None
    requests: int = 0
    coded: list[CodedCondition] = field(default_factory=list)
    undecoded: int = 0

    def take(self, readout: Readout, search: Search) -> None:
        """Files what one search gave; every concept of it counts as searched."""
        for concept in search.concepts:
            self.facts.setdefault(concept.id, []).extend(readout.facts.get(concept.id, ()))
        self.issues.extend(readout.closing_issues(search.description.resource_type))

    def fail(self, search: Search, failure: Failure) -> None:
        """Notes for all concepts of a search why nothing could be had."""
        for concept in search.concepts:
            self.failures[concept.id] = failure

    def finish(self) -> SourceFacts:
        """What the executor selects from."""
        return SourceFacts(
            {concept: tuple(facts) for concept, facts in self.facts.items()},
            self.failures,
            tuple(dict.fromkeys(self.issues)),
            self.death,
            self.requests,
            tuple(self.coded),
            self.undecoded,
        )


def records_of(raws: Iterable[bytes], resource_type: str, source: Source, draft: Draft) -> list[Record]:
    """The records of one type, each once, newest version; others are passed over, unreadable ones are told."""
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
        if resource_type == "Condition":
            draft.undecoded += nameless
    return newest(records)


def remark(resource_type: str) -> Issue:
    """The server had something to say about a search: mostly that it does not know a parameter."""
    text = f"The source remarked on the search for {resource_type}: it may have ignored a parameter."
    return Issue(Severity.INFORMATION, "search-remark", text)


def take_patient(draft: Draft, records: list[Record], search: Search | None) -> None:
    """Reads the Patient record (PatientNotFoundError if it is not among the records)."""
    mine = [record for record in records if record.ref.id == draft.setting.patient]
    if not mine:
        raise PatientNotFoundError(f"source {draft.setting.source.id}: it holds no such patient")
    result = patients.read(mine[0], search.concepts if search is not None else (), draft.setting)
    draft.death = result.death
    if search is not None:
        draft.take(result.readout, search)
    else:
        draft.issues.extend(result.readout.closing_issues("Patient"))


def take_observations(draft: Draft, records: list[Record], search: Search) -> None:
    """Reads Observations."""
    draft.take(observations.read(records, CodeIndex(search.concepts), draft.setting), search)


def take_conditions(
    draft: Draft, parsed: list[conditions.Parsed], encounters: Iterable[Record], search: Search, readout: Readout
) -> None:
    """Reads Conditions that were parsed before, dated by these encounters where they have no date."""
    periods = encounter_periods(encounters, draft.setting.source.zone)
    draft.coded.extend(conditions.read(parsed, periods, CodeIndex(search.concepts), draft.setting, readout))
    draft.undecoded += readout.unnamed
    draft.take(readout, search)


def facts_from_resources(
    source: Source,
    patient: str,
    searches: tuple[Search, ...],
    resources: Iterable[Mapping[str, Any] | bytes],
    at: datetime | None = None,
) -> SourceFacts:
    """The same facts from records that were handed in, as JSON values or bytes; nothing is fetched.

    Every search counts as answered by them.  ``at`` is not needed: selection looks at the times itself.
    Raises PatientNotFoundError if the patient's own record is not among them.
    """
    draft = Draft(Setting.of(source, checked_id(patient)))
    by_type: dict[str, list[Record]] = {}
    for each in resources:
        record = record_of(each if isinstance(each, bytes) else encode(each), source)
        if record is not None:
            by_type.setdefault(record.ref.type, []).append(record)
    held = {resource_type: newest(records) for resource_type, records in by_type.items()}
    own = next((search for search in searches if search.description.resource_type == "Patient"), None)
    take_patient(draft, held.get("Patient", []), own)
    for search in searches:
        resource_type = search.description.resource_type
        if resource_type == "Observation":
            take_observations(draft, held.get(resource_type, []), search)
        elif resource_type == "Condition":
            readout = Readout()
            parsed = conditions.parse(held.get(resource_type, []), draft.setting, readout)
            take_conditions(draft, parsed, held.get("Encounter", []), search, readout)
    return draft.finish()


def encode(resource: Mapping[str, Any]) -> bytes:
    """JSON of a record; decimals keep their digits."""
    return _ENCODER.encode(resource)


_ENCODER = msgspec.json.Encoder(decimal_format="number")

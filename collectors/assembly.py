"""Records assembled into the facts of a patient: a draft to which each search adds what was read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from collectors.collector import ReferencedRecords, begin_reading
from collectors.errors import CollectorError, PatientNotFoundError, SourceUnreachableError
from collectors.facts import Failure
from collectors.reading import records
from collectors.reading.codes import deciding_systems
from collectors.reading.list_entries import (
    LIST_ORIGINS,
    OUTPATIENT_VISIT,
    ListEntry,
    ListReview,
    entry_reviews,
    items_without_record,
    list_entries,
)
from collectors.reading.readout import PatientContext, Readout, check_fhir_id, is_operation_outcome, parse_record
from collectors.reading.records import CodedEntry, Fact, Record, newest_versions
from collectors.reading.supplied import encode_resource
from collectors.search import Search
from collectors.settings import Source
from collectors.source_facts import SourceFacts
from collectors.terminology.concept_codes import value_sets_of
from ontology.concepts import Origin
from ontology.evaluation import Issue, Severity
from ontology.resources import Span
from ontology.values import AbsentReason


@dataclass(slots=True)
class Draft:
    """Facts while they are gathered; ``finish`` makes the facts of the patient.

    Several searches may serve one concept: ``failures`` has all that failed, ``answered`` the concepts for which at
    least one did not.
    """

    context: PatientContext
    facts: dict[str, list[Fact]] = field(default_factory=dict)
    failures: dict[str, list[Failure]] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    issues: list[Issue] = field(default_factory=list)
    death: Span | None = None
    requests: int = 0
    coded: dict[Origin, list[CodedEntry]] = field(default_factory=dict)
    undecoded: dict[Origin, int] = field(default_factory=dict)
    systems: dict[str, frozenset[str]] = field(default_factory=dict)
    withdrawn: dict[tuple[str, str], str] = field(default_factory=dict)
    missing_types: dict[str, list[Failure]] = field(default_factory=dict)
    patient_failure: Failure | None = None
    unreachable: dict[str, str] = field(default_factory=dict)
    list_entries: dict[Origin, list[ListEntry]] = field(default_factory=dict)
    list_records: set[tuple[str, str]] = field(default_factory=set)

    def add_readout(self, readout: Readout, search: Search, read: Iterable[Record] = ()) -> None:
        """Adds what one search gave; its concepts are answered, but for those whose codes are not all known.

        ``read``: the records that were read, for when the lists that they are entries of were looked after.
        """
        if search.of_list:
            read = tuple(read)
            self.list_entries.setdefault(search.description.origin, []).extend(list_entries(read, self.context))
            self.list_records.update((record.ref.type, record.ref.id) for record in read)
        for concept in search.concepts:
            if names := value_sets_of(concept):
                text = f"The codes of {concept.display} are not known: {', '.join(names)} was not asked for."
                self.add_concept_failure(concept.id, Failure(AbsentReason.NOT_QUERIED, text))
                continue
            mine = [records.refuse_conflicting(fact) for fact in readout.facts.get(concept.id, ())]
            records.merge_facts(self.facts.setdefault(concept.id, []), mine)
            self.answered.add(concept.id)
            self.systems[concept.id] = self.systems.get(concept.id, frozenset()) | deciding_systems(concept)
        self.withdrawn.update(readout.withdrawn)
        if readout.retrieval_failure is not None:
            self.add_failure(search, readout.retrieval_failure)
        origin = search.description.origin
        self.coded.setdefault(origin, []).extend(readout.coded_entries)
        self.count_hidden(origin, readout.unreadable_count + readout.uncertain_subject_count)
        self.death = readout.death or self.death
        self.issues.extend(readout.batch_issues(search.description.resource_type))

    def count_hidden(self, origin: Origin, count: int) -> None:
        """Counts entries that may be anything of this origin, since they could not be read at all."""
        self.undecoded[origin] = self.undecoded.get(origin, 0) + count

    def add_failure(self, search: Search, failure: Failure) -> None:
        """Notes for all concepts of a search why nothing is available."""
        for concept in search.concepts:
            self.add_concept_failure(concept.id, failure)

    def add_concept_failure(self, concept: str, failure: Failure) -> None:
        """Notes for one concept (by id) why nothing is available."""
        self.failures.setdefault(concept, []).append(failure)

    def add_missing_type(self, search: Search, failure: Failure) -> None:
        """Notes that the source has no such type: a failure, unless another type of the same origin was searched."""
        for concept in search.concepts:
            self.missing_types.setdefault(concept.id, []).append(failure)

    def note_if_unreachable(self, resource_type: str, error: CollectorError) -> None:
        """Notes why records of a type are missing, where the error is that the source cannot be reached."""
        if isinstance(error, SourceUnreachableError):
            reason = str(error).removeprefix(f"source {self.context.source.id}: ")
            self.unreachable.setdefault(resource_type, reason)

    def has_failure(self, search: Search) -> bool:
        """Whether something that a search needs is unavailable."""
        return any(concept.id in self.failures for concept in search.concepts)

    def finish(self) -> SourceFacts:
        """What the executor selects from."""
        for concept, failures in self.missing_types.items():
            # What a source does not have at all can hide nothing, where it was asked for what it has instead.
            if concept not in self.answered:
                self.failures.setdefault(concept, []).extend(failures)
        kept, issues = records.drop_withdrawn(self.facts, self.withdrawn) if self.withdrawn else (self.facts, [])
        return SourceFacts(
            {concept: tuple(facts) for concept, facts in kept.items()},
            {concept: tuple(dict.fromkeys(failures)) for concept, failures in self.failures.items()},
            frozenset(self.answered),
            tuple(dict.fromkeys((*self.issues, *issues))),
            self.death,
            self.requests,
            self._coded_entries(kept),
            self.undecoded,
            self.systems,
            self.patient_failure,
            {self.context.source.id: self.unreachable} if self.unreachable else {},
            self._entry_reviews(kept),
        )

    def _coded_entries(self, facts: Mapping[str, Sequence[Fact]]) -> dict[Origin, tuple[CodedEntry, ...]]:
        """The entries of each origin; also what its list names and no record describes."""
        found = {origin: tuple(entries) for origin, entries in self.coded.items()}
        for kept, origin in LIST_ORIGINS.items():
            if lists := facts.get(kept):
                more = items_without_record(lists, self.list_records, self.context.source.bases)
                found[origin] = (*found.get(origin, ()), *more)
        return found

    def _entry_reviews(self, facts: Mapping[str, Sequence[Fact]]) -> Mapping[Origin, tuple[ListReview, ...]]:
        if not self.list_entries:
            return {}
        visits, zone = facts.get(OUTPATIENT_VISIT, ()), self.context.source.zone
        return {origin: entry_reviews(entries, visits, zone) for origin, entries in self.list_entries.items()}


def read_records(
    raw_records: Iterable[bytes], resource_type: str, draft: Draft, origin: Origin | None = None
) -> list[Record]:
    """The records of one type, each once, newest version; others are passed over, unreadable ones are reported.

    ``origin``: what an entry that cannot even be named may hide.
    """
    source = draft.context.source
    records: list[Record] = []
    nameless = 0
    for raw in raw_records:
        record = parse_record(raw, source)
        if record is None and is_operation_outcome(raw):
            draft.issues.append(outcome_issue(resource_type))
        elif record is None:
            nameless += 1
        elif record.ref.type == resource_type:
            records.append(record)
    if nameless:
        text = f"{nameless} {resource_type} entry or entries without a type or id were left out"
        draft.issues.append(Issue(Severity.WARNING, "unreadable-record", text))
        if origin is not None:
            draft.count_hidden(origin, nameless)
    return newest_versions(records, of_one_search=True)


def outcome_issue(resource_type: str) -> Issue:
    """The server remarked on a search: mostly that it does not know a parameter."""
    text = f"The source remarked on the search for {resource_type}: it may have ignored a parameter."
    return Issue(Severity.INFORMATION, "search-remark", text)


def check_patient(draft: Draft, records: Iterable[Record]) -> None:
    """PatientNotFoundError if the patient's own record is not among the records."""
    if not contains_patient(draft, records):
        raise PatientNotFoundError(f"source {draft.context.source.id}: it holds no such patient")


def contains_patient(draft: Draft, records: Iterable[Record]) -> bool:
    """Whether the patient's own record is among the records."""
    return any(record.ref.id == draft.context.patient for record in records)


def is_enabled(search: Search, source: Source) -> bool:
    """Whether a source is asked at all: some collectors are used only where its settings name them, and none for what
    comes with the question."""
    if search.description.comes_with_question:
        return False
    return not search.description.on_request or search.description.id in source.collectors


def facts_from_resources(
    source: Source,
    patient: str,
    searches: tuple[Search, ...],
    resources: Iterable[Mapping[str, Any] | bytes],
    at: datetime | None = None,
) -> SourceFacts:
    """The same facts from given records, as JSON values or bytes; nothing is fetched.

    Every search that the source is asked is answered by them.  ``at`` is not needed: selection looks at the
    times itself.  Raises PatientNotFoundError if the patient's own record is not among them.
    """
    draft = Draft(PatientContext.for_patient(source, check_fhir_id(patient)))
    by_type: dict[str, list[Record]] = {}
    for each in resources:
        record = parse_record(each if isinstance(each, bytes) else encode_resource(each), source)
        if record is not None:
            by_type.setdefault(record.ref.type, []).append(record)
    held = {resource_type: newest_versions(records, of_one_search=True) for resource_type, records in by_type.items()}
    check_patient(draft, held.get("Patient", ()))
    for search in searches:
        if not is_enabled(search, source):
            continue
        begun = begin_reading(held.get(search.description.resource_type, []), search, draft.context)
        references = ReferencedRecords({kind: tuple(held.get(kind, ())) for kind in begun.needed_references})
        draft.add_readout(begun.finish(references), search, held.get(search.description.resource_type, ()))
    return draft.finish()

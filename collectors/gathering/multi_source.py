"""One question to all sources that know the patient: its own at once, the others once the patient is found there.

A patient is known elsewhere by identifiers of systems that both sources' settings name, or by a link; never by name.
Whoever might be somebody else is excluded, and that is reported: what such a source holds is then unknown, never "no".
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from collectors.assembly import Draft, is_enabled
from collectors.errors import CollectorError, SourceRefusedError
from collectors.facts import Failure
from collectors.fetching.access import Target, WithheldAccess
from collectors.gathering.patient_matching import (
    LinkedPersons,
    Person,
    find_conflict,
    follow_links,
    linked_in_sources,
    look_up_patient,
    read_person,
)
from collectors.gathering.source_ability import is_patient_search
from collectors.gathering.source_question import SourceQuestion
from collectors.reading.list_entries import ListReview
from collectors.reading.records import CodedEntry, Fact
from collectors.search import Search
from collectors.settings import Source
from collectors.source_facts import SourceFacts
from ontology.concepts import Origin
from ontology.evaluation import Issue, Severity
from ontology.resources import Span
from ontology.values import AbsentReason
from ontology.words.time import exact_span_words


async def run_task_group(calls: Iterable[Coroutine[Any, Any, Any]]) -> None:
    """Runs all; the first exception ends them all, and is raised once they have ended."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class ExcludedSources:
    """What is excluded in one question.  ``drafts`` are of sources, or records in them, of which nothing is used."""

    def __init__(self, searches: Sequence[Search]) -> None:
        self._searches = searches
        self.drafts: list[Draft] = []

    def exclude(
        self,
        question: SourceQuestion,
        reasons: Iterable[str],
        absence: AbsentReason = AbsentReason.NOT_QUERIED,
        draft: Draft | None = None,
    ) -> None:
        """Reports why records of a source are not used, as failures of its searches in its draft or in ``draft``."""
        draft = draft or question.draft
        for text in reasons:
            failure = Failure(absence, f"Source {question.target.source.id}: {text}.")
            draft.issues.append(Issue(Severity.WARNING, "not-joined", failure.text))
            for search in self._searches:
                if not is_patient_search(search) and not question.ability.lacks_type(search.description.resource_type):
                    draft.add_failure(search, failure)


MakeQuestion = Callable[[Target, str], Awaitable[SourceQuestion]]
"""Makes the question to a source about one of its patient records (by id)."""

NO_PATIENT = ""
"""The id for questions to a source in which it is not known yet who the patient is."""


class MultiSourceQuestion:
    """Finds the patient in every source, and asks each about all its records that are surely this patient's.

    ``parts`` are the questions to sources whose answers are merged, the question's own source first.
    """

    def __init__(
        self,
        make_question: MakeQuestion,
        searches: Sequence[Search],
        at: datetime,
        now: datetime,
        others: Sequence[Target],
    ) -> None:
        self._make_question = make_question
        self._searches = searches
        self._patient_search = next(filter(is_patient_search, searches), None)
        self._at = at
        self._now = max(at, now)
        self._others = others
        self.parts: list[SourceQuestion] = []
        self._excluded = ExcludedSources(searches)
        self.persons: dict[int, Person] = {}

    async def ask(self, first: SourceQuestion, supplied: Sequence[Search] = ()) -> None:
        """Asks the question's own source, and whichever others know the patient.  Raises PatientNotFoundError.

        ``supplied`` are searches that what came with the question answers, and no source.
        """
        self.parts.append(first)
        searches = [
            each
            for each in self._searches
            if each is not self._patient_search and is_enabled(each, first.target.source)
        ]
        searches += supplied
        await run_task_group([self._find_patient(first), *(first.search(each, self._at) for each in searches)])
        await run_task_group(self._searches_to_widen())

    def _searches_to_widen(self) -> Iterable[Coroutine[Any, Any, None]]:
        """Searches for the newest records in sources that do not record the death that another source does.

        What such a source held at the time of the death may be missing.
        """
        death, _ = reconcile_deaths((part.target.source, part.draft.death) for part in self.parts)
        for part in self.parts:
            known = part.draft.death.end if part.draft.death is not None else self._at
            if death is not None and death.end < min(known, self._at):
                yield from (part.widen(search, self._at) for search in part.narrowed_searches)

    def withdraw(self, question: SourceQuestion, reason: str) -> None:
        """Discards all that a source gave."""
        self.parts = [part for part in self.parts if part is not question]
        empty = Draft(question.draft.context, requests=question.draft.requests)
        self._excluded.drafts.append(empty)
        self._excluded.exclude(question, [f"what it gave is not used: {reason}"], draft=empty)

    def drafts(self) -> tuple[list[Draft], list[Draft]]:
        """The drafts to merge, the question's own first and then by trust; and those that are excluded.

        Persons who contradict nothing in the question's own source may still contradict each other: then the source
        that is trusted more counts.
        """
        first, *rest = self.parts
        rest.sort(key=lambda each: (each.target.source.rank, each.target.source.id, each.draft.context.patient))
        believed = [self.persons[id(first)]] if id(first) in self.persons else []
        for asked in rest:
            person = self.persons[id(asked)]
            if (differs := find_conflict(person, believed)) is not None:
                self.withdraw(asked, f"the patient has another {differs} there than in a source that is trusted more")
            else:
                believed.append(person)
        included = {id(part) for part in self.parts}
        drafts = [part.draft for part in (first, *rest) if id(part) in included]
        return drafts, sorted(self._excluded.drafts, key=lambda draft: draft.context.source.id)

    async def _find_patient(self, first: SourceQuestion) -> None:
        if self._patient_search is None:
            return
        await first.search(self._patient_search, self._at)
        source = first.target.source
        if first.patient_record is None:
            await self._exclude_others(
                source.identifiers, "the patient's own record, by which to find it, could not be retrieved"
            )
            return
        person = read_person(first.patient_record, source, self._now)
        if person is None:
            await self._exclude_others(
                source.identifiers, "the patient's own record, by which to find it, cannot be read"
            )
            return
        self.persons[id(first)] = person
        found = LinkedPersons({person.id: person})
        try:
            found = await follow_links(first, source, {person.id: person}, (), self._now)
        except CollectorError as error:
            first.draft.note_if_unreachable("Patient", error)
            found.excluded.append(f"records that are linked to the patient's could not be retrieved: {error}")
        first.draft.issues.extend(found.issues)
        self._excluded.exclude(first, found.excluded)
        known = tuple(found.persons.values())
        linked = [each for each in known if each is not person]
        elsewhere, unknown = linked_in_sources([target.source for target in self._others], found.outside_links)
        first.draft.issues.extend(unknown)
        await run_task_group(
            [
                *(self._ask_about_record(first.target, each) for each in linked),
                *(self._ask_other_source(target, source.identifiers, known, elsewhere.get(position, ()))
                  for position, target in enumerate(self._others)),
            ]
        )  # fmt: skip

    async def _ask_other_source(
        self, target: Target, systems: tuple[str, ...], known: tuple[Person, ...], linked: Sequence[str]
    ) -> None:
        """Looks the patient up in another source, and asks it about each record that is found."""
        source = target.source
        shared = set(systems) & set(source.identifiers)
        if not shared and not linked:
            return
        asked = await self._make_question(target, NO_PATIENT)
        self._excluded.drafts.append(asked.draft)
        if isinstance(target.access, WithheldAccess):
            self._excluded.exclude(asked, [f"it was not asked: {target.access.reason}"], AbsentReason.NOT_PERMITTED)
            return
        identifiers = frozenset(each for person in known for each in person.identifiers if each[0] in shared)
        refusal = asked.ability.declared.refusal
        if refusal is None and not identifiers and not linked:
            refusal = "the patient's record has no identifier by which it would be known there"
        if refusal is not None:
            self._excluded.exclude(asked, [f"it was not asked: {refusal}"])
            return
        try:
            found = await look_up_patient(asked, source, identifiers, linked, known, self._now)
        except CollectorError as error:
            asked.draft.note_if_unreachable("Patient", error)
            reason = AbsentReason.NOT_PERMITTED if isinstance(error, SourceRefusedError) else AbsentReason.UNREACHABLE
            self._excluded.exclude(asked, [f"the patient could not be looked up there: {error}"], reason)
            return
        if isinstance(found, str):
            self._excluded.exclude(asked, [f"it was not asked: {found}"])
            return
        asked.draft.issues.extend(found.issues)
        self._excluded.exclude(asked, found.excluded)
        await run_task_group(self._ask_about_record(target, person) for person in found.persons.values())

    async def _ask_about_record(self, target: Target, person: Person) -> None:
        """Everything about one more record of the patient, whose own record is there already."""
        asked = await self._make_question(target, person.id)
        self.parts.append(asked)
        self.persons[id(asked)] = person
        searches = [
            each for each in self._searches if each is not self._patient_search and is_enabled(each, target.source)
        ]
        if self._patient_search is not None:
            await asked.read_records(self._patient_search, [person.record])
        await run_task_group(asked.search(each, self._at) for each in searches)

    async def _exclude_others(self, systems: Iterable[str], reason: str) -> None:
        for target in self._others:
            if set(systems) & set(target.source.identifiers):
                asked = await self._make_question(target, NO_PATIENT)
                self._excluded.drafts.append(asked.draft)
                if isinstance(target.access, WithheldAccess):
                    own = [f"it was not asked: {target.access.reason}"]
                    self._excluded.exclude(asked, own, AbsentReason.NOT_PERMITTED)
                else:
                    self._excluded.exclude(asked, [f"it was not asked: {reason}"])


def reconcile_deaths(recorded: Iterable[tuple[Source, Span | None]]) -> tuple[Span | None, tuple[Issue, ...]]:
    """The death that is used, and the issues that it raises.

    Times that agree as far as they go: the most precise one.  Times that cannot both be so: that of the source which
    is trusted most, of one source the earliest, with a warning.
    """
    deaths = [(source, span) for source, span in recorded if span is not None]
    if not deaths:
        return None, ()
    latest_start = max(span.start for _, span in deaths)
    earliest_end = min(span.end for _, span in deaths)
    if latest_start <= earliest_end:
        return min((span for _, span in deaths), key=lambda span: (span.end - span.start, span.end)), ()
    source, chosen = min(deaths, key=lambda each: (each[0].rank, each[1].end))
    stated = "; ".join(dict.fromkeys(f"{each.id} says {exact_span_words(span)}" for each, span in deaths))
    used = f"{exact_span_words(chosen)} is used, from {source.id}"
    text = f"The records do not agree on when the patient died: {stated}. {used}."
    return chosen, (Issue(Severity.WARNING, "death-contradicted", text),)


def merge_drafts(parts: Sequence[Draft], excluded: Iterable[Draft] = ()) -> SourceFacts:
    """The facts of all parts, the question's own first.

    ``excluded`` are sources that gave no facts: their failures, issues and requests are included.  Facts carry the rank
    of their source, and where there are several sources records and texts carry its name.
    """
    drafts = (*parts, *excluded)
    if len(drafts) == 1:
        return parts[0].finish()
    several = len({draft.context.source.id for draft in drafts}) > 1
    missing_types = [(draft, draft.missing_types) for draft in drafts]
    for draft in drafts:
        draft.missing_types = {}
    finished = [(draft, draft.finish()) for draft in drafts]
    answered = frozenset().union(*(facts.answered for _, facts in finished))
    failures: dict[str, list[Failure]] = {}
    for draft, facts in finished:
        _add_failures(failures, facts.failures, draft, several)
    for draft, missing in missing_types:
        # What one source does not have at all hides nothing, where another has it and was asked.
        _add_failures(
            failures, {concept: each for concept, each in missing.items() if concept not in answered}, draft, several
        )
    merged: dict[str, list[Fact]] = {}
    coded: dict[Origin, list[CodedEntry]] = {}
    undecoded: dict[Origin, int] = {}
    systems: dict[str, frozenset[str]] = {}
    issues: dict[Issue, None] = {}
    unreachable: dict[str, dict[str, str]] = {}
    reviews: dict[Origin, tuple[ListReview, ...]] = {}
    for position, (draft, facts) in enumerate(finished):
        for concept, each in facts.facts.items():
            merged.setdefault(concept, []).extend(_facts_with_source(each, draft) if several else each)
        for origin, entries in facts.coded.items():
            coded.setdefault(origin, []).extend(_entries_with_source(entries, draft) if several else entries)
        for origin, count in facts.undecoded.items():
            undecoded[origin] = undecoded.get(origin, 0) + count
        for concept, known in facts.systems.items():
            systems[concept] = systems.get(concept, frozenset()) | known
        for origin, found in facts.entry_reviews.items():
            reviews[origin] = (*reviews.get(origin, ()), *found)
        for source, types in facts.unreachable.items():
            unreachable[source] = {**types, **unreachable.get(source, {})}
        for issue in facts.issues:
            if position and issue.code == "not-offered":
                continue
            issues[replace(issue, text=_text_with_source(draft, issue.text)) if several else issue] = None
    death, raised = reconcile_deaths((draft.context.source, facts.death) for draft, facts in finished)
    return SourceFacts(
        {concept: tuple(facts) for concept, facts in merged.items()},
        {concept: tuple(dict.fromkeys(each)) for concept, each in failures.items()},
        answered,
        (*issues, *raised),
        death,
        sum(facts.requests for _, facts in finished),
        {origin: tuple(entries) for origin, entries in coded.items()},
        undecoded,
        systems,
        parts[0].patient_failure if parts else None,
        unreachable,
        reviews,
    )


def _add_failures(
    failures: dict[str, list[Failure]], more: Mapping[str, Iterable[Failure]], draft: Draft, several: bool
) -> None:
    for concept, each in more.items():
        texts = (
            replace(failure, text=_text_with_source(draft, failure.text)) if several else failure for failure in each
        )
        failures.setdefault(concept, []).extend(texts)


def _facts_with_source(facts: Iterable[Fact], draft: Draft) -> Iterable[Fact]:
    """The facts with their records' source in their names, and its place in the order of trust."""
    change = msgspec.structs.replace
    rank = draft.context.source.rank
    return (change(fact, record=change(fact.record, shows_source=True), trust=rank) for fact in facts)


def _entries_with_source(entries: Iterable[CodedEntry], draft: Draft) -> Iterable[CodedEntry]:
    """The entries with their records' source in their names."""
    change, source = msgspec.structs.replace, draft.context.source.id
    return (
        change(each, record_name=f"{each.record_name} ({source})") if each.record_name is not None else each
        for each in entries
    )


def _text_with_source(draft: Draft, text: str) -> str:
    """A text that names its source."""
    source = draft.context.source.id
    if f"source {source}" in text.casefold():
        return text
    return f"Source {source}: {text}"

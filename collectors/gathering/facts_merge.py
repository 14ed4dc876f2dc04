"""Merges what several patient records, of one or several sources, gave: the facts of one patient, and one death."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import msgspec

from collectors.assembly import Draft
from collectors.facts import Failure
from collectors.reading.list_entries import ListReview
from collectors.reading.records import CodedEntry, Fact
from collectors.settings import Source
from collectors.source_facts import SourceFacts
from ontology.concepts import Origin
from ontology.evaluation import Issue, Severity
from ontology.resources import Span
from ontology.words.time import exact_span_words


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

"""What several patient records, of one source or of several, gave: put together to the facts of one patient."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import msgspec

from collectors.draft import Draft
from collectors.facts import Failure
from collectors.gathering.deaths import death_of
from collectors.reading.records import CodedEntry, Fact
from collectors.sourcefacts import SourceFacts
from ontology.concepts import Origin
from ontology.evaluation import Issue


def merge(parts: Sequence[Draft], beside: Iterable[Draft] = ()) -> SourceFacts:
    """The facts of all parts, the question's own first.

    ``beside`` are sources that gave no facts: why, and what it cost, counts.  Facts carry the rank of their source,
    and where there are several sources records and texts carry its name.
    """
    drafts = (*parts, *beside)
    if len(drafts) == 1:
        return parts[0].finish()
    several = len({draft.setting.source.id for draft in drafts}) > 1
    lacking = [(draft, draft.lacking) for draft in drafts]
    for draft in drafts:
        draft.lacking = {}
    finished = [(draft, draft.finish()) for draft in drafts]
    answered = frozenset().union(*(facts.answered for _, facts in finished))
    failures: dict[str, list[Failure]] = {}
    for draft, facts in finished:
        _add(failures, facts.failures, draft, several)
    for draft, lacks in lacking:
        # What one source does not have at all hides nothing, where another has it and was asked.
        _add(failures, {concept: each for concept, each in lacks.items() if concept not in answered}, draft, several)
    merged: dict[str, list[Fact]] = {}
    coded: dict[Origin, list[CodedEntry]] = {}
    undecoded: dict[Origin, int] = {}
    systems: dict[str, frozenset[str]] = {}
    issues: dict[Issue, None] = {}
    for position, (draft, facts) in enumerate(finished):
        for concept, each in facts.facts.items():
            merged.setdefault(concept, []).extend(_named(each, draft) if several else each)
        for origin, entries in facts.coded.items():
            coded.setdefault(origin, []).extend(_placed(entries, draft) if several else entries)
        for origin, count in facts.undecoded.items():
            undecoded[origin] = undecoded.get(origin, 0) + count
        for concept, known in facts.systems.items():
            systems[concept] = systems.get(concept, frozenset()) | known
        for issue in facts.issues:
            if position and issue.code == "not-offered":
                continue
            issues[replace(issue, text=_of(draft, issue.text)) if several else issue] = None
    death, told = death_of((draft.setting.source, facts.death) for draft, facts in finished)
    return SourceFacts(
        {concept: tuple(facts) for concept, facts in merged.items()},
        {concept: tuple(dict.fromkeys(each)) for concept, each in failures.items()},
        answered,
        (*issues, *told),
        death,
        sum(facts.requests for _, facts in finished),
        {origin: tuple(entries) for origin, entries in coded.items()},
        undecoded,
        systems,
        parts[0].unverified if parts else None,
    )


def _add(
    failures: dict[str, list[Failure]], more: Mapping[str, Iterable[Failure]], draft: Draft, several: bool
) -> None:
    for concept, each in more.items():
        told = (replace(failure, text=_of(draft, failure.text)) if several else failure for failure in each)
        failures.setdefault(concept, []).extend(told)


def _named(facts: Iterable[Fact], draft: Draft) -> Iterable[Fact]:
    """The facts with their records' source in their names, and its place in the order of trust."""
    change = msgspec.structs.replace
    rank = draft.setting.source.rank
    return (change(fact, record=change(fact.record, joined=True), trust=rank) for fact in facts)


def _placed(entries: Iterable[CodedEntry], draft: Draft) -> Iterable[CodedEntry]:
    """The entries with their records' source in their names."""
    change, source = msgspec.structs.replace, draft.setting.source.id
    return (change(each, name=f"{each.name} ({source})") if each.name is not None else each for each in entries)


def _of(draft: Draft, text: str) -> str:
    """A text that says of which source it is."""
    source = draft.setting.source.id
    if f"source {source}" in text.casefold():
        return text
    return f"Source {source}: {text}"

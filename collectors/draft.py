"""Facts of a patient while they are put together, search by search."""

from dataclasses import dataclass, field

from collectors.facts import Failure
from collectors.needs import Search
from collectors.reading import merging
from collectors.reading.codes import accepted_systems
from collectors.reading.readout import Readout, Setting
from collectors.reading.records import CodedEntry, Fact
from collectors.sourcefacts import SourceFacts
from collectors.terminology.concepts import sets_of
from ontology.concepts import Origin
from ontology.evaluation import Issue
from ontology.times import Span
from ontology.values import AbsentReason


@dataclass(slots=True)
class Draft:
    """Facts while they are put together; ``finish`` makes what is handed out.

    Several searches may serve one concept: ``failures`` has all that failed, ``answered`` the concepts for which at
    least one did not.
    """

    setting: Setting
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
    lacking: dict[str, list[Failure]] = field(default_factory=dict)
    unverified: Failure | None = None

    def take(self, readout: Readout, search: Search) -> None:
        """Files what one search gave; its concepts count as searched, but for those whose codes are not all known."""
        for concept in search.concepts:
            if names := sets_of(concept):
                text = f"The codes of {concept.display} are not known: {', '.join(names)} was not asked for."
                self.fail_concept(concept.id, Failure(AbsentReason.NOT_QUERIED, text))
                continue
            merging.add(self.facts.setdefault(concept.id, []), readout.facts.get(concept.id, ()))
            self.answered.add(concept.id)
            self.systems[concept.id] = self.systems.get(concept.id, frozenset()) | accepted_systems(concept)
        self.withdrawn.update(readout.withdrawn)
        if readout.hindered is not None:
            self.fail(search, readout.hindered)
        origin = search.description.origin
        self.coded.setdefault(origin, []).extend(readout.coded)
        self.hide(origin, readout.unnamed + readout.unsure)
        self.death = readout.death or self.death
        self.issues.extend(readout.closing_issues(search.description.resource_type))

    def hide(self, origin: Origin, count: int) -> None:
        """Counts entries that may be anything of this origin, since they could not be read at all."""
        self.undecoded[origin] = self.undecoded.get(origin, 0) + count

    def fail(self, search: Search, failure: Failure) -> None:
        """Notes for all concepts of a search why nothing could be had."""
        for concept in search.concepts:
            self.fail_concept(concept.id, failure)

    def fail_concept(self, concept: str, failure: Failure) -> None:
        """Notes for one concept (by id) why nothing could be had."""
        self.failures.setdefault(concept, []).append(failure)

    def lack(self, search: Search, failure: Failure) -> None:
        """Notes that the source has no such type: a failure, unless another type of the same origin was searched."""
        for concept in search.concepts:
            self.lacking.setdefault(concept.id, []).append(failure)

    def failed(self, search: Search) -> bool:
        """Whether something of what a search needs could not be had."""
        return any(concept.id in self.failures for concept in search.concepts)

    def finish(self) -> SourceFacts:
        """What the executor selects from."""
        for concept, failures in self.lacking.items():
            # What a source does not have at all can hide nothing, where it was asked for what it has instead.
            if concept not in self.answered:
                self.failures.setdefault(concept, []).extend(failures)
        kept, told = merging.counting(self.facts, self.withdrawn) if self.withdrawn else (self.facts, [])
        return SourceFacts(
            {concept: tuple(facts) for concept, facts in kept.items()},
            {concept: tuple(dict.fromkeys(failures)) for concept, failures in self.failures.items()},
            frozenset(self.answered),
            tuple(dict.fromkeys((*self.issues, *told))),
            self.death,
            self.requests,
            {origin: tuple(entries) for origin, entries in self.coded.items()},
            self.undecoded,
            self.systems,
            self.unverified,
        )

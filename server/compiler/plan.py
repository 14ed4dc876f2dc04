"""A plan: the call hierarchy compiled for a question.  Immutable, without a patient, cached per catalog."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from collectors.search import Search
from ontology.concepts import Concept
from ontology.slots import Slot
from server.catalog.descriptions import Description


@dataclass(frozen=True, slots=True)
class Leaf:
    """The slot is filled by a collector, from the site's settings, or by an assumption.

    ``slot`` is what is selected: the module's own slot, but for the recorded concept where it prefers that.
    """

    slot: Slot


@dataclass(frozen=True, slots=True)
class FromCall:
    """The slot is filled by the module with this IRI."""

    call: str


@dataclass(frozen=True, slots=True)
class FromSeries:
    """The slot is a series of a computed concept: the module ``call``, run as of each time at which
    one of the observations under it was made.  ``drivers`` are the ids of those observed concepts."""

    call: str
    drivers: tuple[str, ...]


Binding: TypeAlias = Leaf | FromCall | FromSeries


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One module of the plan, and where each of its slots is filled from, by slot name."""

    description: Description
    bindings: Mapping[str, Binding]


@dataclass(frozen=True, slots=True)
class Goal:
    """One concept that the question asks for: a call's result, or (``call`` None) facts as they are recorded."""

    concept: Concept
    call: str | None
    slot: Slot | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Calls in topological order (inputs before what needs them), searches, and goals in the order asked."""

    calls: tuple[PlannedCall, ...]
    searches: tuple[Search, ...]
    goals: tuple[Goal, ...]

    @property
    def input_concepts(self) -> frozenset[str]:
        """The ids of the concepts that are read or assumed: of leaves, and of goals that are not computed."""
        found = {goal.concept.id for goal in self.goals if goal.call is None}
        for call in self.calls:
            for slot in call.description.slots:
                binding = call.bindings[slot.name]
                if slot.enabled_by is not None:
                    found.add(slot.enabled_by)
                if isinstance(binding, Leaf):
                    found |= {binding.slot.concept.id, slot.concept.id}
                elif isinstance(binding, FromSeries):
                    found |= set(binding.drivers)
        return frozenset(found)

    def call(self, iri: str) -> PlannedCall:
        """The planned call of this module (KeyError if it is not in the plan)."""
        for call in self.calls:
            if call.description.iri == iri:
                return call
        raise KeyError(iri)

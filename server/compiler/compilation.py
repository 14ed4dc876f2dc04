"""From goals to a plan: which modules and collectors a question needs.  Pure, and cached per catalog.

Each computed concept is resolved to the module that produces it, and a unit that can never be converted to its slot's
is found here, when the question is compiled, not at the patient's side.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from decimal import Decimal

from ontology.concepts import EVENT_ORIGINS, Concept, Origin, ValueType
from ontology.errors import UnitError
from ontology.slots import Select, Slot
from ontology.units import convert
from server.catalog.catalog import Catalog
from server.catalog.descriptions import Description
from server.compiler.plan import Binding, FromCall, FromSeries, Goal, Leaf, Plan, PlannedCall
from server.compiler.searches import plan_searches
from server.errors import (
    AmbiguousProducerError,
    CompileError,
    CycleError,
    NoProducerError,
    UnitMismatchError,
    UnknownConceptError,
    did_you_mean,
)

CACHED_PLANS = 512
ARROW = " → "
_plans: OrderedDict[tuple[str, tuple[str, ...], frozenset[str]], Plan] = OrderedDict()


def compile_plan(catalog: Catalog, goals: tuple[str, ...], assumed: frozenset[str] = frozenset()) -> Plan:
    """The plan that answers these concepts (ids); those ``assumed`` are given and need no producer.

    Raises a CompileError: unknown concept, no producer, two producers without a preference, a cycle (shown as a
    path), or a unit that can never meet its slot.
    """
    key = (catalog.digest, goals, assumed)
    found = _plans.get(key)
    if found is None:
        found = _plans[key] = _Compilation(catalog, assumed).plan(goals)
        if len(_plans) > CACHED_PLANS:
            _plans.popitem(last=False)
    else:
        _plans.move_to_end(key)
    return found


@dataclass(frozen=True, slots=True)
class PlanFault:
    """Why a module can be part of no plan; ``slot`` None: it is not one of its slots."""

    module: Description
    slot: str | None
    text: str


def plan_faults(catalog: Catalog) -> list[PlanFault]:
    """Each slot of each module that nothing can fill, then each module whose concept cannot be compiled otherwise."""
    faults: list[PlanFault] = []
    compilation = _Compilation(catalog, frozenset())
    for module in catalog.modules.values():
        for slot in module.slots:
            try:
                compilation.resolve_slot(module, slot)
            except CompileError as error:
                faults.append(PlanFault(module, slot.name, str(error)))
    known = {fault.text for fault in faults}
    cycles: set[frozenset[str]] = set()
    for module in catalog.modules.values():
        try:
            compile_plan(catalog, (module.produces.id,))
        except CycleError as error:
            # Each module of a cycle shows the same one, from itself on.
            members = frozenset(str(error).split(ARROW))
            if members not in cycles:
                faults.append(PlanFault(module, None, f"modules depend on each other: {error}"))
            cycles.add(members)
        except CompileError as error:
            if str(error) not in known:
                faults.append(PlanFault(module, None, str(error)))
            known.add(str(error))
    return faults


def recorded_slot(concept: Concept) -> Slot:
    """The slot that asks for a concept as it is recorded, whatever its age."""
    present = concept.origin in EVENT_ORIGINS and concept.value_type is ValueType.FLAG
    select = Select.ANY if present else Select.LATEST
    return Slot(concept.id, concept, select, required=True, unit=concept.unit, accepts_bound=True)


class _Compilation:
    """One walk from goals down to leaves; calls come out inputs first."""

    def __init__(self, catalog: Catalog, assumed: frozenset[str]) -> None:
        self.catalog = catalog
        self.assumed = assumed
        self.producers = Producers(catalog)
        self.readable = {Origin.SITE, Origin.COMPUTED, *(each.origin for each in catalog.collectors.values())}
        self.calls: dict[str, PlannedCall] = {}
        self.path: list[Description] = []

    def plan(self, ids: tuple[str, ...]) -> Plan:
        for concept_id in sorted(self.assumed):
            self._find_concept(concept_id)
        goals = tuple(self._plan_goal(self._find_concept(concept_id)) for concept_id in ids)
        calls = tuple(self.calls.values())
        return Plan(calls, plan_searches(self.catalog, calls, goals), goals)

    def _find_concept(self, concept_id: str) -> Concept:
        concept = self.catalog.concepts.get(concept_id)
        if concept is None:
            suggestion = did_you_mean(concept_id, self.catalog.concepts)
            raise UnknownConceptError(f"no concept has the id {concept_id[:64]!r}{suggestion}")
        return concept

    def _plan_goal(self, concept: Concept) -> Goal:
        if concept.origin is Origin.COMPUTED and concept.id not in self.assumed:
            return Goal(concept, self._plan_call(self.producers.producer(concept)))
        self._check_readable(concept, f"{concept.id}")
        return Goal(concept, None, recorded_slot(concept))

    def _plan_call(self, description: Description) -> str:
        if description.iri in self.calls:
            return description.iri
        if any(passed is description for passed in self.path):
            start = self.path.index(description)
            raise CycleError(ARROW.join(d.id for d in [*self.path[start:], description]))
        self.path.append(description)
        bindings = {slot.name: self._bind_slot(description, slot) for slot in description.slots}
        self.path.pop()
        self.calls[description.iri] = PlannedCall(description, bindings)
        return description.iri

    def _bind_slot(self, description: Description, slot: Slot) -> Binding:
        found = self.resolve_slot(description, slot)
        if isinstance(found, Leaf):
            return found
        call = self._plan_call(found)
        if slot.select is Select.SERIES:
            return FromSeries(call, self._drivers(call))
        return FromCall(call)

    def resolve_slot(self, description: Description, slot: Slot) -> Leaf | Description:
        """What fills a slot: a leaf, or the module that computes it; what that one needs is not looked at.

        Raises a CompileError where nothing can, or not in a unit that can be converted.
        """
        concept = slot.concept
        given = concept.id in self.assumed and slot.select is not Select.SERIES
        if concept.origin is Origin.COMPUTED and not given:
            if slot.prefer_recorded:
                return self._bind_recorded(description, slot)
            producer = self.producers.producer(concept)
            check_unit(description, slot, producer.unit)
            return producer
        check_unit(description, slot, concept.unit)
        if not given:
            self._check_readable(concept, f"{description.id}: slot {slot.name}")
        return Leaf(slot)

    def _bind_recorded(self, description: Description, slot: Slot) -> Leaf:
        iri = slot.concept.recorded_as
        recorded = next((c for c in self.catalog.concepts.values() if c.iri == iri), None)
        if recorded is None:
            raise NoProducerError(f"{description.id}: slot {slot.name} prefers the record, and none is declared for it")
        return Leaf(replace(slot, concept=recorded))

    def _check_readable(self, concept: Concept, where: str) -> None:
        if concept.origin not in self.readable:
            raise NoProducerError(f"{where}: no collector reads {concept.id}")

    def _drivers(self, call: str) -> tuple[str, ...]:
        """The observed concepts under a call whose times are the time points of its series."""
        found: set[str] = set()
        pending = [call]
        while pending:
            planned = self.calls[pending.pop()]
            for slot in planned.description.slots:
                binding = planned.bindings[slot.name]
                if isinstance(binding, FromCall | FromSeries):
                    pending.append(binding.call)
                elif slot.concept.origin is Origin.OBSERVATION and not (slot.applicability_only or slot.comparison):
                    found.add(binding.slot.concept.id)
        return tuple(sorted(found))


class Producers:
    """Modules by the concept that they produce."""

    def __init__(self, catalog: Catalog) -> None:
        self._by_concept: dict[str, list[Description]] = {}
        for description in catalog.modules.values():
            self._by_concept.setdefault(description.produces.iri, []).append(description)

    def producer(self, concept: Concept) -> Description:
        """The only producer, or the preferred one.

        Raises NoProducerError, or AmbiguousProducerError naming all of them.
        """
        found = self._by_concept.get(concept.iri, [])
        if not found:
            raise NoProducerError(f"no module computes {concept.id}")
        if len(found) == 1:
            return found[0]
        preferred = [d for d in found if d.preferred]
        if len(preferred) == 1:
            return preferred[0]
        names = ", ".join(sorted(d.id for d in found))
        raise AmbiguousProducerError(f"{concept.id} is computed by {names}, and {len(preferred)} of them are preferred")


def check_unit(description: Description, slot: Slot, given: str | None) -> None:
    """Raise UnitMismatchError unless values in ``given`` can be converted to the slot's unit."""
    if slot.concept.value_type is not ValueType.QUANTITY or slot.unit == given:
        return
    where = f"{description.id}: slot {slot.name}"
    if slot.unit is None or given is None:
        raise UnitMismatchError(f"{where}: a number without a unit ({given} → {slot.unit})")
    try:
        convert(Decimal(1), given, slot.unit, slot.concept.molar_mass)
    except UnitError:
        raise UnitMismatchError(f"{where} wants {slot.unit}, which {given} cannot be converted to") from None

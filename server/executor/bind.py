"""Filling the slots of one instance: from records, from assumptions, from the site, from other executions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from collectors.facts import Facts
from ontology.concepts import Concept, Origin
from ontology.evaluation import Interval, Issue, Severity
from ontology.resources import Resource
from ontology.slots import Select, Slot
from ontology.units import convert
from ontology.values import Absent, AbsentReason, Bound, Quantity, Series, Value
from server.compiler.plan import FromSeries, Leaf
from server.executor.instances import Instance
from server.executor.trace import BoundInput, Execution


class Binder:
    """Fills slots for one run.  ``executions`` grows as the run goes on; ``known_at`` is the question's time."""

    def __init__(
        self,
        facts: Facts,
        known_at: datetime,
        assume: Mapping[str, Value],
        site: Mapping[str, Value],
        concepts: Mapping[str, Concept],
        executions: Sequence[Execution | None],
    ) -> None:
        self.facts = facts
        self.known_at = known_at
        self.assume = assume
        self.site = site
        self.concepts = concepts
        self.executions = executions

    def bind(self, instance: Instance) -> dict[str, BoundInput]:
        """Every slot of the instance, by name, before the limits of ``within``."""
        return {slot.name: self._slot(instance, slot) for slot in instance.call.description.slots}

    def leaf(self, slot: Slot, as_of: datetime, filled: Slot | None = None) -> BoundInput:
        """A slot that no module fills.  ``filled``: the slot that takes it, where that is another."""
        concept = slot.concept
        taker = slot if filled is None else filled
        if concept.id in self.assume and slot.select is not Select.SERIES:
            return BoundInput(taker, in_unit(self.assume[concept.id], slot), assumed=True)
        if concept.origin is Origin.SITE:
            return self._from_site(slot, taker)
        selected = self.facts.select(slot, as_of, self.known_at)
        return BoundInput(taker, selected.value, resources=selected.resources, issues=selected.issues)

    def _from_site(self, slot: Slot, taker: Slot) -> BoundInput:
        value = self.site.get(slot.concept.id)
        if value is not None:
            return BoundInput(taker, value, assumed=True, by_site=True)
        text = f"{slot.concept.display}: neither set for this site nor assumed"
        return BoundInput(
            taker,
            Absent(AbsentReason.NOT_FOUND),
            issues=(Issue(Severity.WARNING, "not-set", text, slot.name),),
        )

    def _slot(self, instance: Instance, slot: Slot) -> BoundInput:
        if instance.point and slot.current_only:
            return BoundInput(slot, Absent(AbsentReason.NOT_QUERIED))
        binding = instance.call.bindings[slot.name]
        if isinstance(binding, Leaf):
            return self.leaf(binding.slot, instance.as_of, slot)
        positions = instance.sources[slot.name]
        if isinstance(binding, FromSeries):
            return self._series(slot, binding, positions, instance.as_of)
        return self._computed(slot, positions[0], instance.as_of)

    def _computed(self, slot: Slot, position: int, as_of: datetime) -> BoundInput:
        evaluation = self._execution(position).evaluation
        value, bounds = in_unit(evaluation.value, slot), bounds_in_unit(evaluation.bounds, slot)
        issues: tuple[Issue, ...] = ()
        newest = self._newest(position) if slot.window is not None else None
        if slot.window is not None and newest is not None and newest < as_of - slot.window:
            text = f"{slot.concept.display}: rests on records of {newest:%Y-%m-%d %H:%M %Z} at the latest"
            issues = (Issue(Severity.WARNING, "stale", text, slot.name),)
            value, bounds = Absent(AbsentReason.STALE), None
        return BoundInput(slot, value, bounds, steps=(position,), issues=issues)

    def _newest(self, position: int) -> datetime | None:
        return max((r.effective.end for r in self.rests_on(position) if r.effective), default=None)

    def _series(self, slot: Slot, binding: FromSeries, positions: tuple[int, ...], as_of: datetime) -> BoundInput:
        points: list[tuple[datetime, Decimal]] = []
        resources: list[Resource] = []
        used: list[int] = []
        left_out = 0
        for position in positions:
            execution = self._execution(position)
            value = in_unit(execution.evaluation.value, slot)
            records = [r for r in self.rests_on(position) if r.concept in binding.drivers]
            if not any(r.effective is not None and r.effective.end == execution.as_of for r in records):
                # The observation made then is not usable (not issued yet, say): an older one must not stand for it.
                continue
            if isinstance(value, Quantity):
                points.append((execution.as_of, value.value))
                resources += records
                used.append(position)
            else:
                left_out += 1
        issues = self._read_issues(slot, binding, as_of)
        if left_out:
            text = f"{slot.concept.display}: {left_out} of {left_out + len(used)} values could not be computed"
            issues += (Issue(Severity.WARNING, "points-left-out", text, slot.name),)
        if not points:
            return BoundInput(slot, Absent(self._no_points(slot, binding, positions, as_of)), issues=issues)
        series = Series(tuple(points), slot.unit or "")
        return BoundInput(slot, series, resources=tuple(dict.fromkeys(resources)), steps=tuple(used), issues=issues)

    def _drivers(self, slot: Slot, binding: FromSeries) -> list[Slot]:
        found = [self.concepts[driver] for driver in binding.drivers]
        return [Slot(slot.name, c, Select.SERIES, True, unit=c.unit, window=slot.window, step_back=True) for c in found]

    def _read_issues(self, slot: Slot, binding: FromSeries, as_of: datetime) -> tuple[Issue, ...]:
        """What the reader must know of the records under a series: those that could not be read, for one."""
        found = [self.facts.select(driver, as_of, self.known_at) for driver in self._drivers(slot, binding)]
        return tuple(dict.fromkeys(issue for selected in found for issue in selected.issues))

    def _no_points(self, slot: Slot, binding: FromSeries, positions: tuple[int, ...], as_of: datetime) -> AbsentReason:
        if positions:
            return AbsentReason.INPUT_ABSENT
        for driver in self._drivers(slot, binding):
            value = self.facts.select(driver, as_of, self.known_at).value
            if isinstance(value, Absent):
                return value.reason
        return AbsentReason.NOT_FOUND

    def rests_on(self, position: int) -> tuple[Resource, ...]:
        """The records under an execution, through all executions that it used."""
        found: dict[Resource, None] = {}
        pending = [position]
        while pending:
            for given in self._execution(pending.pop()).inputs.values():
                if not (given.slot.applicability_only or given.slot.comparison):
                    found.update(dict.fromkeys(given.resources))
                    pending += given.steps
        return tuple(found)

    def _execution(self, position: int) -> Execution:
        execution = self.executions[position]
        if execution is None:
            raise RuntimeError("an execution was needed before it was made")
        return execution


def in_unit(value: Value, slot: Slot) -> Value:
    """A number in the slot's unit; anything else as it is.  The compiler has made sure that the units meet."""
    if slot.unit is None:
        return value
    mass = slot.concept.molar_mass
    if isinstance(value, Quantity) and value.unit != slot.unit:
        return Quantity(convert(value.value, value.unit, slot.unit, mass), slot.unit)
    if isinstance(value, Bound) and value.unit != slot.unit:
        return Bound(value.comparator, convert(value.value, value.unit, slot.unit, mass), slot.unit)
    return value


def bounds_in_unit(bounds: Interval | None, slot: Slot) -> Interval | None:
    """The limits of an absent value in the slot's unit."""
    if bounds is None or slot.unit is None or bounds.unit == slot.unit:
        return bounds
    low, high = (convert(v, bounds.unit, slot.unit, slot.concept.molar_mass) for v in (bounds.low, bounds.high))
    return replace(bounds, low=low, high=high, unit=slot.unit)

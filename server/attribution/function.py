"""A whole call hierarchy as one function of who takes part.

Pure: nothing is fetched, and no cache is asked.  Each call is remembered by the players that it depends on, so that a
step of a chain is evaluated as often as its own inputs differ, not as often as there are coalitions.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo

from ontology.evaluation import Evaluation, Working
from ontology.inputs import Consumed
from ontology.slots import Slot
from server import kinds
from server.attribution.effort import Effort
from server.attribution.sides import Field, Place
from server.catalog.descriptions import Description, Kind
from server.compiler.plan import FromCall, PlannedCall
from server.executor.bind import bounds_in_unit, in_unit
from server.executor.boundary import evaluate_safely
from server.executor.fingerprint import truncate
from server.kinds.errors import KindError


class Hierarchy:
    """Evaluates the goal of a field for any coalition, given as a bit mask of its players.

    ``times`` are the evaluation times at the baseline and now.  What it takes is taken off ``effort``: TooMuchError.
    """

    def __init__(
        self, field: Field, times: tuple[datetime, datetime], zone: tzinfo, effort: Effort | None = None
    ) -> None:
        self.field = field
        self._effort = Effort() if effort is None else effort
        self._times = times
        self._zone = zone
        self._moved: dict[Place, tuple[int, Consumed]] = {}
        self._time = 0
        for index, player in enumerate(field.players):
            if player.is_time:
                self._time = 1 << index
            for move in player.moves:
                self._moved[move.place] = 1 << index, Consumed(move.before.value, move.before.bounds)
        self.calls = {call.description.iri: call for call in field.calls}
        self._masks: dict[str, int] = {}
        for call in field.calls:
            self._masks[call.description.iri] = self._mask(call)
        self._known: dict[tuple[str, int], Evaluation] = {}
        self._by_value: dict[tuple[object, ...], Evaluation] = {}

    def over(self, field: Field) -> "Hierarchy":
        """The same between the same ends over another field."""
        return Hierarchy(field, self._times, self._zone, self._effort)

    @property
    def everyone(self) -> int:
        """The coalition of all players: the actual end."""
        return (1 << len(self.field.players)) - 1

    @property
    def evaluated(self) -> int:
        """How many module calls were really made."""
        return len(self._by_value)

    def goal(self, mask: int) -> Evaluation:
        """The result where the players of ``mask`` are at their actual side and the others at the baseline."""
        return self.call(self.field.goal, mask)

    def call(self, iri: str, mask: int) -> Evaluation:
        """The same of any call of the hierarchy."""
        own = mask & self._masks[iri]
        found = self._known.get((iri, own))
        if found is None:
            found = self._known[iri, own] = self._evaluate(self.calls[iri], own)
        return found

    def prepare(self, masks: Iterable[int]) -> None:
        """Evaluate trained models for these coalitions all at once, without explaining each."""
        masks = tuple(masks)
        for iri, call in self.calls.items():
            if call.description.kind is Kind.MODEL:
                open_ = {mask & self._masks[iri] for mask in masks}
                self._predict(call.description, [mask for mask in sorted(open_) if (iri, mask) not in self._known])

    def _predict(self, description: Description, masks: Sequence[int]) -> None:
        if not masks:
            return
        self._effort.take(len(masks))
        try:
            values = kinds.values_of(description, self._mixtures(description, masks))
        except KindError:
            # Whatever it is, the execution boundary tells it of each.
            return
        for mask, value in zip(masks, values, strict=True):
            self._known[description.iri, mask] = Evaluation(value, Working(""))

    def _mixtures(self, description: Description, masks: Sequence[int]) -> kinds.Mixtures:
        """Each slot is filled once for each way in which the players that move it take part, not for each mask."""
        values: dict[str, list[Consumed]] = {}
        picks: dict[str, list[int]] = {}
        for slot in description.slots:
            own = self.movers((description.iri, slot.name))
            at: dict[int, int] = {}
            picks[slot.name] = [at.setdefault(mask & own, len(at)) for mask in masks]
            values[slot.name] = [self._input(self.calls[description.iri], slot, mask) for mask in at]
        return kinds.Mixtures(len(masks), values, picks)

    def inputs(self, iri: str, mask: int) -> dict[str, Consumed]:
        """What fills the slots of a call."""
        call = self.calls[iri]
        return {slot.name: self._input(call, slot, mask) for slot in call.description.slots}

    def filled(self, places: Iterable[Place], mask: int) -> dict[str, Consumed]:
        """What fills these slots of a call, by their names."""
        return {
            name: self._input(self.calls[iri], self.calls[iri].description.slot(name), mask) for iri, name in places
        }

    def _evaluate(self, call: PlannedCall, mask: int) -> Evaluation:
        description = call.description
        inputs = self.inputs(description.iri, mask)
        at = None
        if description.evaluation_time is not None:
            movers = self._clock(description)
            now = bool(mask & movers) or not movers
            at = truncate(self._times[now], description.evaluation_time, self._zone)
        # Values that are equal but written otherwise ("1.0" and "1.00") give results equal as values.
        key = (description.iri, at, *inputs.values())
        found = self._by_value.get(key)
        if found is None:
            self._effort.take()
            found = self._by_value[key] = evaluate_safely(description, inputs, at)
        return found

    def _input(self, call: PlannedCall, slot: Slot, mask: int) -> Consumed:
        place = call.description.iri, slot.name
        fixed = self.field.fixed.get(place)
        if fixed is not None:
            bit, before = self._moved.get(place, (0, fixed))
            return before if bit and not mask & bit else fixed
        binding = call.bindings[slot.name]
        if not isinstance(binding, FromCall):
            raise TypeError("only computed inputs are not fixed")
        evaluation = self.call(binding.call, mask)
        return Consumed(in_unit(evaluation.value, slot), bounds_in_unit(evaluation.bounds, slot))

    def movers(self, place: Place) -> int:
        """The players that what fills a slot depends on."""
        if place in self._moved:
            return self._moved[place][0]
        binding = self.calls[place[0]].bindings[place[1]]
        return self._masks[binding.call] if isinstance(binding, FromCall) and place not in self.field.fixed else 0

    def _clock(self, description: Description) -> int:
        """The players of whom one suffices to make the evaluation time of a call the actual one; none: it is that."""
        if description.evaluation_time is None:
            return 0
        tied = self.field.timed.get(description.iri)
        if tied is None:
            return self._time
        mask = 0
        for place in tied:
            mask |= self._moved[place][0] if place in self._moved else 0
        return mask

    def _mask(self, call: PlannedCall) -> int:
        mask = self._clock(call.description)
        for name in call.bindings:
            mask |= self.movers((call.description.iri, name))
        return mask

"""The value function of the game: a complete call hierarchy as a function of the coalition that takes part.

Pure: nothing is fetched, and no shared cache is read.  Evaluations are kept by the players that a call depends on, so
that a step of a chain is evaluated once for each combination of its own inputs, not once for each coalition.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo

from ontology.evaluation import Evaluation, SlotInput, Working
from ontology.slots import Slot
from server import kinds
from server.attribution.game import Game, Place
from server.catalog.descriptions import Description, Kind
from server.compiler.plan import FromCall, PlannedCall
from server.errors import KindError
from server.executor.binding import bounds_in_slot_unit, certain_value, in_slot_unit
from server.executor.budget import Effort
from server.executor.fingerprint import truncate_time
from server.executor.plan_run import evaluate_safely


class ValueFunction:
    """Evaluates the goal of a game for any coalition, given as a bit mask of its players.

    ``times`` are the evaluation times at the baseline and now.  Calls count against ``effort``, which raises
    EffortExceededError.
    """

    def __init__(
        self, game: Game, times: tuple[datetime, datetime], zone: tzinfo, effort: Effort | None = None
    ) -> None:
        self.game = game
        self._effort = Effort() if effort is None else effort
        self._times = times
        self._zone = zone
        self._moved_inputs: dict[Place, tuple[int, SlotInput]] = {}
        self._time_player = 0
        for index, player in enumerate(game.players):
            if player.is_time:
                self._time_player = 1 << index
            for move in player.moves:
                self._moved_inputs[move.place] = 1 << index, move.before.consumed
        self.calls = {call.description.iri: call for call in game.calls}
        self._masks: dict[str, int] = {}
        for call in game.calls:
            self._masks[call.description.iri] = self._players_of_call(call)
        self._evaluations: dict[tuple[str, int], Evaluation] = {}
        self._by_value: dict[tuple[object, ...], Evaluation] = {}

    def with_game(self, game: Game) -> "ValueFunction":
        """The value function of another game between the same ends."""
        return ValueFunction(game, self._times, self._zone, self._effort)

    @property
    def everyone(self) -> int:
        """The coalition of all players: the actual end."""
        return (1 << len(self.game.players)) - 1

    @property
    def evaluated_count(self) -> int:
        """How many module calls were evaluated."""
        return len(self._by_value)

    def evaluate_goal(self, mask: int) -> Evaluation:
        """The result where the players of ``mask`` are at their actual side and the others at the baseline."""
        return self.evaluate_call(self.game.goal, mask)

    def evaluate_call(self, iri: str, mask: int) -> Evaluation:
        """The same of any call of the hierarchy."""
        own = mask & self._masks[iri]
        found = self._evaluations.get((iri, own))
        if found is None:
            found = self._evaluations[iri, own] = self._evaluate(self.calls[iri], own)
        return found

    def prepare(self, masks: Iterable[int]) -> None:
        """Evaluate trained models for these coalitions all at once, without explaining each."""
        masks = tuple(masks)
        for iri, call in self.calls.items():
            if call.description.kind is Kind.MODEL:
                open_ = {mask & self._masks[iri] for mask in masks}
                self._predict(
                    call.description, [mask for mask in sorted(open_) if (iri, mask) not in self._evaluations]
                )

    def _predict(self, description: Description, masks: Sequence[int]) -> None:
        if not masks:
            return
        self._effort.take_calls(len(masks))
        try:
            values = kinds.batch_values(description, self._mixtures(description, masks))
        except KindError:
            # Each evaluation by itself will report the error at the execution boundary.
            return
        for mask, value in zip(masks, values, strict=True):
            self._evaluations[description.iri, mask] = Evaluation(value, Working(""))

    def _mixtures(self, description: Description, masks: Sequence[int]) -> kinds.Mixtures:
        """Each slot is filled once for each way in which the players that move it take part, not for each mask."""
        values: dict[str, list[SlotInput]] = {}
        picks: dict[str, list[int]] = {}
        for slot in description.slots:
            own = self.players_of((description.iri, slot.name))
            at: dict[int, int] = {}
            picks[slot.name] = [at.setdefault(mask & own, len(at)) for mask in masks]
            values[slot.name] = [self._slot_input(self.calls[description.iri], slot, mask) for mask in at]
        return kinds.Mixtures(len(masks), values, picks)

    def inputs(self, iri: str, mask: int) -> dict[str, SlotInput]:
        """What fills the slots of a call."""
        call = self.calls[iri]
        return {slot.name: self._slot_input(call, slot, mask) for slot in call.description.slots}

    def inputs_at(self, places: Iterable[Place], mask: int) -> dict[str, SlotInput]:
        """What fills these slots of a call, by their names."""
        return {
            name: self._slot_input(self.calls[iri], self.calls[iri].description.slot(name), mask)
            for iri, name in places
        }

    def _evaluate(self, call: PlannedCall, mask: int) -> Evaluation:
        description = call.description
        inputs = self.inputs(description.iri, mask)
        at = None
        if description.evaluation_time is not None:
            movers = self._time_players(description)
            now = bool(mask & movers) or not movers
            at = truncate_time(self._times[now], description.evaluation_time, self._zone)
        # Equal values written differently ("1.0" and "1.00") give results that are equal as values.
        key = (description.iri, at, *inputs.values())
        found = self._by_value.get(key)
        if found is None:
            self._effort.take_calls()
            found = self._by_value[key] = evaluate_safely(description, inputs, at)
        return found

    def _slot_input(self, call: PlannedCall, slot: Slot, mask: int) -> SlotInput:
        place = call.description.iri, slot.name
        fixed = self.game.fixed.get(place)
        if fixed is not None:
            bit, before = self._moved_inputs.get(place, (0, fixed))
            return before if bit and not mask & bit else fixed
        binding = call.bindings[slot.name]
        if not isinstance(binding, FromCall):
            raise TypeError("only computed inputs are not fixed")
        evaluation = self.evaluate_call(binding.call, mask)
        return SlotInput(in_slot_unit(certain_value(evaluation), slot), bounds_in_slot_unit(evaluation.bounds, slot))

    def players_of(self, place: Place) -> int:
        """The players that the input of a slot depends on."""
        if place in self._moved_inputs:
            return self._moved_inputs[place][0]
        binding = self.calls[place[0]].bindings[place[1]]
        return self._masks[binding.call] if isinstance(binding, FromCall) and place not in self.game.fixed else 0

    def _time_players(self, description: Description) -> int:
        """The players any of whom makes the evaluation time of a call the actual one; 0: it always is."""
        if description.evaluation_time is None:
            return 0
        tied = self.game.time_linked.get(description.iri)
        if tied is None:
            return self._time_player
        mask = 0
        for place in tied:
            mask |= self._moved_inputs[place][0] if place in self._moved_inputs else 0
        return mask

    def _players_of_call(self, call: PlannedCall) -> int:
        mask = self._time_players(call.description)
        for name in call.bindings:
            mask |= self.players_of((call.description.iri, name))
        return mask

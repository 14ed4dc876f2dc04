"""Players on whom the applicability of a module depends: taken out, or joined, so that the rest can be compared.

Taken out are inputs at whose usual value the question itself would not arise: a kidney failure risk applies to no usual
creatinine, a stroke risk in atrial fibrillation to nobody without it.

Joined are inputs of which a mixture does not apply.  A model may apply to some disease groups only.  Where the patient
was in one of them then and is in another now, there is a result at both ends, but none for a patient in neither.  Such
inputs become one player: what they moved together is its Shapley value, and what each moved alone is not computed.
"""

from dataclasses import replace

from server.attribution.game import DECIDES_APPLICABILITY, Game, Place, Player, StayedInput
from server.attribution.shapley import MAX_EXACT_PLAYERS
from server.attribution.value_function import ValueFunction
from server.catalog.criteria import Criterion
from server.kinds.logic import judge, slots_of


def without_deciding_players(function: ValueFunction) -> ValueFunction:
    """The function without the players that a criterion reads which refuses the baseline, but not the actual end."""
    while deciding := _deciding_players(function):
        function = function.with_game(_without_players(function.game, deciding))
    return function


def _deciding_players(function: ValueFunction) -> int:
    """The players behind what refuses the first call refused at the baseline."""
    for call in function.game.calls:
        description = call.description
        if description.iri not in function.game.carrying:
            continue
        usual, actual = (function.inputs(description.iri, mask) for mask in (0, function.everyone))
        mask = 0
        for ground in description.applicability:
            if ground.refuse and judge(ground.criterion, usual) and not judge(ground.criterion, actual):
                for name in slots_of(ground.criterion):
                    mask |= function.players_of((description.iri, name))
        if mask:
            return mask
    return 0


def _without_players(game: Game, mask: int) -> Game:
    stayed = list(game.stayed)
    for index, player in enumerate(game.players):
        if mask >> index & 1:
            slot, value = player.moves[0].after.slot, player.moves[0].after.value
            stayed.append(StayedInput(slot.concept, slot.name, False, value, DECIDES_APPLICABILITY))
    players = tuple(player for index, player in enumerate(game.players) if not mask >> index & 1)
    return replace(game, players=players, stayed=tuple(stayed))


def join_players(function: ValueFunction) -> ValueFunction:
    """The function with one player for all those that a criterion reads which refuses a mixture, and neither end."""
    while mask := _players_to_join(function):
        function = function.with_game(_with_joined_player(function.game, mask))
    return function


def _players_to_join(function: ValueFunction) -> int:
    for call in function.game.calls:
        description = call.description
        if description.iri not in function.game.carrying:
            continue
        for ground in description.applicability:
            if ground.refuse and (mask := _criterion_players(function, description.iri, ground.criterion)):
                return mask
    return 0


def _criterion_players(function: ValueFunction, iri: str, criterion: Criterion) -> int:
    """The players that decide a criterion, where it is true for mixtures of both ends only, and for neither end."""
    places: list[Place] = [(iri, name) for name in slots_of(criterion)]
    own = 0
    for place in places:
        own |= function.players_of(place)
    bits = [1 << index for index in range(len(function.game.players)) if own >> index & 1]
    # With more players, mixtures without a result are found when one of them has no number.
    if not 2 <= len(bits) <= MAX_EXACT_PLAYERS:
        return 0
    verdicts = {mask: judge(criterion, function.inputs_at(places, mask)) is True for mask in _coalition_masks(bits)}
    if verdicts[0] or verdicts[own] or not any(verdicts.values()):
        return 0
    return sum(bit for bit in bits if any(verdicts[mask] is not verdicts[mask ^ bit] for mask in verdicts))


def _coalition_masks(bits: list[int]) -> list[int]:
    masks = [0]
    for bit in bits:
        masks += [mask | bit for mask in masks]
    return masks


def _with_joined_player(game: Game, mask: int) -> Game:
    """The game with one player in the place of those in the mask."""
    chosen = [player for index, player in enumerate(game.players) if mask >> index & 1]
    parts = tuple(part for player in chosen for part in (player.joined or (player,)))
    joined = Player(tuple(move for part in parts for move in part.moves), any(part.is_time for part in parts), parts)
    players = [joined if player is chosen[0] else player for player in game.players]
    return replace(game, players=tuple(player for player in players if not any(player is each for each in chosen[1:])))

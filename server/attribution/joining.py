"""Inputs that move as one: those of which some were changed alone, the question itself would not arise.

A model may hold for some disease groups only.  Where the patient was in one of them then and is in another now, there
is a result at both ends, but none for a patient in neither: that mixture was never, and gives nothing to compare.  Such
inputs become one player: what they moved together is its Shapley value, and what each moved alone is not asked.
"""

from dataclasses import replace

from server.attribution.function import Hierarchy
from server.attribution.shapley import EXACT
from server.attribution.sides import Field, Place, Player
from server.catalog.criteria import Criterion
from server.kinds.logic import judge, slots_of


def joined(function: Hierarchy) -> Hierarchy:
    """The function with one player for all those that a criterion reads which refuses a mixture, and neither end."""
    while mask := _to_join(function):
        function = function.over(_as_one(function.field, mask))
    return function


def _to_join(function: Hierarchy) -> int:
    for call in function.field.calls:
        description = call.description
        if description.iri not in function.field.carrying:
            continue
        for ground in description.applicability:
            if ground.refuse and (mask := _deciding(function, description.iri, ground.criterion)):
                return mask
    return 0


def _deciding(function: Hierarchy, iri: str, criterion: Criterion) -> int:
    """The players on whom it hangs whether a criterion is met, where it is met by a mixture of both ends alone."""
    places: list[Place] = [(iri, name) for name in slots_of(criterion)]
    own = 0
    for place in places:
        own |= function.movers(place)
    bits = [1 << index for index in range(len(function.field.players)) if own >> index & 1]
    # Of more than can be looked through, those that give nothing are found by having no number.
    if not 2 <= len(bits) <= EXACT:
        return 0
    met = {mask: judge(criterion, function.filled(places, mask)) is True for mask in _masks(bits)}
    if met[0] or met[own] or not any(met.values()):
        return 0
    return sum(bit for bit in bits if any(met[mask] is not met[mask ^ bit] for mask in met))


def _masks(bits: list[int]) -> list[int]:
    masks = [0]
    for bit in bits:
        masks += [mask | bit for mask in masks]
    return masks


def _as_one(field: Field, mask: int) -> Field:
    """One player in the place of the first of those in the mask."""
    chosen = [player for index, player in enumerate(field.players) if mask >> index & 1]
    parts = tuple(part for player in chosen for part in (player.joined or (player,)))
    whole = Player(tuple(move for part in parts for move in part.moves), any(part.is_time for part in parts), parts)
    players = [whole if player is chosen[0] else player for player in field.players]
    return replace(field, players=tuple(player for player in players if not any(player is each for each in chosen[1:])))

"""Inputs at whose usual value the question itself would not arise: they stay, so that the rest can be compared.

A kidney failure risk holds for no usual creatinine, a stroke risk in atrial fibrillation for nobody without it.
"""

from dataclasses import replace

from server.attribution.function import Hierarchy
from server.attribution.sides import DECIDES, Field, Stayed
from server.kinds.logic import judge, slots_of


def settled(function: Hierarchy) -> Hierarchy:
    """The function without the players that a criterion reads which refuses the baseline, but not the actual end."""
    while deciding := _deciding(function):
        function = function.over(_without(function.field, deciding))
    return function


def _deciding(function: Hierarchy) -> int:
    """The players behind what refuses the first call refused at the baseline."""
    for call in function.field.calls:
        description = call.description
        if description.iri not in function.field.carrying:
            continue
        usual, actual = (function.inputs(description.iri, mask) for mask in (0, function.everyone))
        mask = 0
        for ground in description.applicability:
            if ground.refuse and judge(ground.criterion, usual) and not judge(ground.criterion, actual):
                for name in slots_of(ground.criterion):
                    mask |= function.movers((description.iri, name))
        if mask:
            return mask
    return 0


def _without(field: Field, mask: int) -> Field:
    stayed = list(field.stayed)
    for index, player in enumerate(field.players):
        if mask >> index & 1:
            slot, value = player.moves[0].after.slot, player.moves[0].after.value
            stayed.append(Stayed(slot.concept, slot.name, False, value, DECIDES))
    players = tuple(player for index, player in enumerate(field.players) if not mask >> index & 1)
    return replace(field, players=players, stayed=tuple(stayed))

"""Who belongs together: leaves that reach the result through correlated inputs of a model alone.

Each leaf stays a player of its own, so that its amount is the Shapley value by the definition; what a group moved is
the sum of its members' amounts.  One player for a group would make fewer unlikely mixtures, but would tell no amount of
a leaf; what it would give for the group is near the sum.
"""

from collections.abc import Iterator

from server.attribution.sides import Field, Place, Player, carries
from server.catalog.trained import Group
from server.compiler.plan import FromCall, PlannedCall

AS_ONE = "inputs that only together leave the result one that applies"


def groups_of(field: Field) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Each group of a model of the hierarchy that at least two players belong to, with their places in the field.

    A player that is several in one makes a group too, for itself or in the group of its model.

    A player belongs to a group where all ways from what it fills to the result lead through slots of the group; slots
    that only decide whether a module applies, or are only compared with, are no ways.  It belongs to one group at most:
    that of the model nearest to the leaves.
    """
    taken: set[int] = set()
    found = []
    for call in field.calls:
        for group in call.description.model.correlated if call.description.model is not None else ():
            members = [
                index
                for index, player in enumerate(field.players)
                if index not in taken and _belongs(field, player, call, group)
            ]
            if len(members) > 1 or any(field.players[member].joined for member in members):
                taken.update(members)
                found.append((group.text, tuple(members)))
    rest = [index for index, player in enumerate(field.players) if player.joined and index not in taken]
    return (*found, *((AS_ONE, (index,)) for index in rest))


def _belongs(field: Field, player: Player, model: PlannedCall, group: Group) -> bool:
    carrying = [place for place in (move.place for move in player.moves) if _carrying(field, place)]
    return bool(carrying) and all(_through(field, place, model, group) for place in carrying)


def _carrying(field: Field, place: Place) -> bool:
    call = next(each for each in field.calls if each.description.iri == place[0])
    return place[0] in field.carrying and carries(call.description.slot(place[1]))


def _through(field: Field, place: Place, model: PlannedCall, group: Group) -> bool:
    if place[0] == model.description.iri:
        return place[1] in group.slots
    readers = tuple(_readers(field, place[0]))
    return bool(readers) and all(_through(field, each, model, group) for each in readers)


def _readers(field: Field, produced: str) -> Iterator[Place]:
    """The carrying slots that the result of a call fills."""
    for call in field.calls:
        for name, binding in call.bindings.items():
            place = call.description.iri, name
            filled = isinstance(binding, FromCall) and binding.call == produced and place not in field.fixed
            if filled and _carrying(field, place):
                yield place

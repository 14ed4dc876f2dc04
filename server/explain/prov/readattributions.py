"""The attributions of an exported answer, read back."""

from server.errors import ArgumentFileError
from server.explain.prov.parsing import Term
from server.explain.prov.readvalues import read_value
from server.explain.prov.statements import Statements, words
from server.explain.prov.terms import MPM
from server.explain.replay.said import SaidAttribution, SaidGroup, SaidItem

_POSITION = str(MPM.position)


def read_attributions(said: Statements, answer: Term) -> tuple[SaidAttribution, ...]:
    """Those that were told; what was asked for and refused has no numbers to check."""
    found = _by_place(said, said.nodes(answer, str(MPM.attribution)))
    return tuple(_attribution(said, each) for each in found if not said.all(each, str(MPM.refused)))


def _attribution(said: Statements, node: Term) -> SaidAttribution:
    since = str(MPM.since)
    items = _by_place(said, said.nodes(node, str(MPM.item)))
    return SaidAttribution(
        scale=said.text(node, str(MPM.scale)),
        baseline=said.text(node, str(MPM.baseline)),
        base=said.number(node, str(MPM.base)),
        output=said.number(node, str(MPM.output)),
        items=tuple(_item(said, item) for item in items),
        since=said.time(node, since) if said.all(node, since) else None,
        against=said.text(node, str(MPM.against)),
        groups=tuple(_group(said, group, items) for group in said.nodes(node, str(MPM.together))),
    )


def _item(said: Statements, node: Term) -> SaidItem:
    return SaidItem(
        concept=said.iri(node, str(MPM.concept)),
        before=read_value(said, said.node(node, str(MPM["from"]))),
        after=read_value(said, said.node(node, str(MPM.to))),
        amount=said.number(node, str(MPM.amount)),
    )


def _group(said: Statements, node: Term, items: list[Term]) -> SaidGroup:
    members = said.nodes(node, str(MPM.item))
    if any(member not in items for member in members):
        raise ArgumentFileError(f"{words(node)} has an input in it that is none of its attribution")
    places = tuple(sorted(items.index(member) for member in members))
    return SaidGroup(said.number(node, str(MPM.amount)), places)


def _by_place(said: Statements, nodes: list[Term]) -> list[Term]:
    places = {said.integer(node, _POSITION): node for node in nodes}
    if sorted(places) != list(range(len(nodes))):
        of = words(nodes[0])
        raise ArgumentFileError(f"{of} and its neighbours are not numbered from 0 without a gap: one is missing")
    return [places[place] for place in sorted(places)]

"""How the records of a collector are laid out, from its Turtle."""

from rdflib import RDFS, Graph, Literal
from rdflib.term import Node

from collectors.layout import Layout, Meaning, Named, State, Supply, Told
from server.catalog.graph import MPM, NodeFault, duration, flag, items, need, one, text, texts, words_of

_MEANINGS = {
    MPM.counts: Meaning.COUNTS,
    MPM.ended: Meaning.ENDED,
    MPM.unclear: Meaning.UNCLEAR,
    MPM.doubted: Meaning.DOUBTED,
    MPM.negates: Meaning.NEGATED,
    MPM.never: Meaning.NEVER,
}


def read_layout(graph: Graph, collector: Node) -> Layout | None:
    """The layout of a collector, if it has one (``NodeFault`` where it cannot be read)."""
    node = one(graph, collector, MPM.layout)
    if node is None:
        return None
    named = one(graph, node, MPM.named)
    return Layout(
        subject=need(graph, node, MPM.subjectPath),
        states=tuple(sorted((_state(graph, each) for each in graph.objects(node, MPM.state)), key=lambda s: s.path)),
        codes=texts(graph, node, MPM.codePath),
        named=_named(graph, named) if named is not None else None,
        lasting=flag(graph, node, MPM.lasts),
        begins=_paths(graph, node, "begins"),
        ends=_paths(graph, node, "ends"),
        intended_ends=_paths(graph, node, "intendedEnds"),
        presumed=duration(graph, node, MPM.presumedFor),
        supply=_supply(graph, supply) if (supply := one(graph, node, MPM.supply)) is not None else None,
        recorded=text(graph, node, MPM.recordedPath),
        encounter=text(graph, node, MPM.encounterPath),
        tells=tuple(sorted((_told(graph, each) for each in graph.objects(node, MPM.tells)), key=str)),
        notes=texts(graph, node, MPM.tell),
    )


def _state(graph: Graph, node: Node) -> State:
    meanings: dict[str, Meaning] = {}
    for term, meaning in _MEANINGS.items():
        for word in texts(graph, node, term):
            if word in meanings:
                raise NodeFault(f"{_path(graph, node)}: the value {word!r} of a state has two meanings")
            meanings[word] = meaning
    return State(need(graph, node, MPM.path), meanings, flag(graph, node, MPM.optional))


def _named(graph: Graph, node: Node) -> Named:
    return Named(need(graph, node, MPM.path), need(graph, node, MPM.resourceType), need(graph, node, MPM.codePath))


def _supply(graph: Graph, node: Node) -> Supply:
    paths = (need(graph, node, term) for term in (MPM.lengthPath, MPM.repeatsPath, MPM.validPath))
    return Supply(*paths)


def _told(graph: Graph, node: Node) -> Told:
    return Told(need(graph, node, MPM.path), need(graph, node, RDFS.label), text(graph, node, MPM.equals))


def _paths(graph: Graph, node: Node, name: str) -> tuple[str, ...]:
    found = tuple(items(graph, node, MPM[name]))
    if not all(isinstance(each, Literal) for each in found):
        raise NodeFault(f"{words_of(graph, node)}: mpm:{name} is a list of paths")
    return tuple(str(each) for each in found)


def _path(graph: Graph, node: Node) -> str:
    return f'[ path "{text(graph, node, MPM.path)}" ]'

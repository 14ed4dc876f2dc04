"""How the records of a collector are laid out, from its Turtle."""

from rdflib import RDFS, Graph, Literal
from rdflib.term import Node

from collectors.search import Layout, Meaning, Parts, ReferencedCode, ReportedElement, State, Supply
from server.catalog.turtle import (
    MPM,
    NodeFault,
    describe_node,
    duration,
    flag,
    list_items,
    required_text,
    single_object,
    text,
    texts,
)

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
    node = single_object(graph, collector, MPM.layout)
    if node is None:
        return None
    named = single_object(graph, node, MPM.named)
    return Layout(
        subject=required_text(graph, node, MPM.subjectPath),
        states=tuple(
            sorted((_read_state(graph, each) for each in graph.objects(node, MPM.state)), key=lambda s: s.path)
        ),
        codes=texts(graph, node, MPM.codePath),
        referenced_code=_read_code_reference(graph, named) if named is not None else None,
        lasting=flag(graph, node, MPM.lasts),
        of_question=flag(graph, node, MPM.ofQuestion),
        window_by_start=flag(graph, node, MPM.windowByStart),
        start_paths=_read_paths(graph, node, "begins"),
        begun_when_recorded=flag(graph, node, MPM.begunWhenRecorded),
        end_paths=_read_paths(graph, node, "ends"),
        intended_end_paths=_read_paths(graph, node, "intendedEnds"),
        presumed=duration(graph, node, MPM.presumedFor),
        supply=_read_supply(graph, supply) if (supply := single_object(graph, node, MPM.supply)) is not None else None,
        recorded=text(graph, node, MPM.recordedPath),
        encounter=text(graph, node, MPM.encounterPath),
        reported_elements=tuple(
            sorted((_read_note_element(graph, each) for each in graph.objects(node, MPM.tells)), key=str)
        ),
        notes=texts(graph, node, MPM.tell),
    )


def _read_state(graph: Graph, node: Node) -> State:
    meanings: dict[str, Meaning] = {}
    for term, meaning in _MEANINGS.items():
        for word in texts(graph, node, term):
            if word in meanings:
                raise NodeFault(f"{_describe_state(graph, node)}: the value {word!r} of a state has two meanings")
            meanings[word] = meaning
    return State(
        required_text(graph, node, MPM.path), meanings, flag(graph, node, MPM.optional), flag(graph, node, MPM.ofNow)
    )


def _read_code_reference(graph: Graph, node: Node) -> ReferencedCode:
    parts = single_object(graph, node, MPM.parts)
    return ReferencedCode(
        required_text(graph, node, MPM.path),
        required_text(graph, node, MPM.resourceType),
        required_text(graph, node, MPM.codePath),
        _read_parts(graph, parts) if parts is not None else None,
    )


def _read_parts(graph: Graph, node: Node) -> Parts:
    terms = (MPM.path, MPM.codePath, MPM.referencePath, MPM.activePath)
    return Parts(*(required_text(graph, node, term) for term in terms))


def _read_supply(graph: Graph, node: Node) -> Supply:
    paths = (required_text(graph, node, term) for term in (MPM.lengthPath, MPM.repeatsPath, MPM.validPath))
    return Supply(*paths)


def _read_note_element(graph: Graph, node: Node) -> ReportedElement:
    return ReportedElement(
        required_text(graph, node, MPM.path), required_text(graph, node, RDFS.label), text(graph, node, MPM.equals)
    )


def _read_paths(graph: Graph, node: Node, name: str) -> tuple[str, ...]:
    found = tuple(list_items(graph, node, MPM[name]))
    if not all(isinstance(each, Literal) for each in found):
        raise NodeFault(f"{describe_node(graph, node)}: mpm:{name} is a list of paths")
    return tuple(str(each) for each in found)


def _describe_state(graph: Graph, node: Node) -> str:
    return f'[ path "{text(graph, node, MPM.path)}" ]'

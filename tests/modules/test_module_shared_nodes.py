"""What stands several times in one description has a name, and a named node is read as if it were written out."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from rdflib import RDF, BNode, Graph, URIRef
from rdflib.term import Node

from server.catalog.catalog import ROOT
from server.catalog.criteria import AllOf, Compare, Not, Present
from server.catalog.criteria_reader import read_criterion, read_score_criterion
from server.catalog.turtle import MPM, read_turtle

BASE = "https://medtwin.example/modules/example"
HEAD = "@prefix mpm: <https://medtwin.example/mpm#> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n"
FILES = sorted((ROOT / "modules").glob("*/module.ttl"))


def graph_of(text: str) -> Graph:
    return read_turtle((HEAD + text).encode(), BASE)[0]


def test_a_named_condition_is_read_as_if_it_were_written_out() -> None:
    node = URIRef(f"{BASE}#criterion")
    shared = graph_of(
        '<#criterion> mpm:allOf ( <#low> [ mpm:not <#low> ] [ mpm:onSlot "y" ; mpm:present true ] ) .\n'
        '<#low> mpm:onSlot "x" ; mpm:below 3 ; rdfs:label "low" .'
    )
    written_out = graph_of(
        '<#criterion> mpm:allOf ( [ mpm:onSlot "x" ; mpm:below 3 ; rdfs:label "low" ]\n'
        '[ mpm:not [ mpm:onSlot "x" ; mpm:below 3 ; rdfs:label "low" ] ] [ mpm:onSlot "y" ; mpm:present true ] ) .'
    )
    found = read_criterion(shared, node)
    assert found == read_criterion(written_out, node)
    assert isinstance(found, AllOf)
    low, other, present = found.parts
    assert isinstance(low, Compare) and low.label == "low"
    assert other == Not(low) and present == Present("y")


def test_a_named_band_takes_the_slot_of_each_criterion_that_lists_it() -> None:
    graph = graph_of(
        '<#yes> mpm:is true ; mpm:points 1 ; rdfs:label "yes" .\n'
        '<#a> mpm:onSlot "a" ; mpm:bands ( <#yes> ) . <#b> mpm:onSlot "b" ; mpm:bands ( <#yes> ) .'
    )
    for name in ("a", "b"):
        (band,) = read_score_criterion(graph, URIRef(f"{BASE}#{name}")).bands
        assert band.match is not None and getattr(band.match, "slot", None) == name


def test_a_name_is_part_of_the_digest() -> None:
    named, other, written_out = (
        read_turtle((HEAD + text).encode(), BASE)[1]
        for text in (
            '<#a> mpm:not <#x> . <#x> mpm:onSlot "x" ; mpm:is true .',
            '<#a> mpm:not <#y> . <#y> mpm:onSlot "x" ; mpm:is true .',
            '<#a> mpm:not [ mpm:onSlot "x" ; mpm:is true ] .',
        )
    )
    assert len({named, other, written_out}) == 3


@pytest.mark.parametrize("path", FILES, ids=[path.parent.name for path in FILES])
def test_no_condition_with_parts_or_a_limit_stands_twice(path: Path) -> None:
    """Whether a slot is filled, or true, may: to name it would be longer."""
    graph, _ = read_turtle(path.read_bytes(), f"https://medtwin.example/modules/{path.parent.name}")
    counted = Counter(written(graph, node) for node in conditions(graph))
    assert [text for text, count in counted.items() if count > 1] == []


def conditions(graph: Graph) -> Iterator[Node]:
    """Nodes without a name: trees and limits, slots, bands, criteria, grounds and remarks."""
    marks = ("allOf", "anyOf", "atLeast", "above", "atMost", "below", "bands", "points", "effect", "severity", "select")
    for node in {subject for subject in graph.subjects() if isinstance(subject, BNode)}:
        if any((node, MPM[mark], None) in graph for mark in marks):
            yield node


def written(graph: Graph, node: Node) -> str:
    if not isinstance(node, BNode):
        return node.n3()
    parts = sorted(f"{term.n3()} {written(graph, value)}" for term, value in graph.predicate_objects(node))
    return f"[ {' ; '.join(parts)} ]" if (node, RDF.first, None) not in graph else f"( {' '.join(parts)} )"

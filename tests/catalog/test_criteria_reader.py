"""Criteria out of their nodes: a named node that contains itself is a fault, one that is used twice is none."""

import pytest
from rdflib import Graph, URIRef

from server.catalog.criteria import AllOf, Compare, Not
from server.catalog.criteria_reader import read_criterion
from server.catalog.turtle import NodeFault

HEAD = "@prefix mpm: <https://medtwin.example/mpm#> . @prefix : <https://example.org/#> .\n"
TOP = URIRef("https://example.org/#top")


def graph(text: str) -> Graph:
    return Graph().parse(data=HEAD + text, format="turtle")


@pytest.mark.parametrize(
    "text",
    [
        ":top mpm:not :top .",
        ":top mpm:not [ mpm:allOf ( :top ) ] .",
        ":top mpm:anyOf ( :other ) . :other mpm:allOf ( [ mpm:not :top ] ) .",
    ],
)
def test_a_node_that_contains_itself_is_a_fault(text: str) -> None:
    with pytest.raises(NodeFault, match="it contains itself"):
        read_criterion(graph(text), TOP)


def test_a_node_that_is_used_twice_is_none() -> None:
    found = read_criterion(
        graph(':top mpm:allOf ( :low [ mpm:not :low ] ) . :low mpm:onSlot "x" ; mpm:below 90 .'), TOP
    )
    assert isinstance(found, AllOf)
    one, other = found.parts
    assert isinstance(one, Compare) and isinstance(other, Not)
    assert other.part == one

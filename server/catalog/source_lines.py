"""On which line of a Turtle file something is written, for faults: parsers of RDF keep no positions.

A file is parsed once more for this, with its line written into each node (``LINE``).  Only faults need it: what is
read to be used never passes through here.
"""

import re
from collections.abc import Iterator

from rdflib import RDF, RDFS, BNode, Graph, Literal, URIRef
from rdflib.term import Node

from ontology.vocabulary import LINE
from server.catalog.descriptions import Description
from server.catalog.turtle import MPM, line_of, read_turtle

_TOKEN = re.compile(
    r"(?P<comment>\#[^\n]*)"
    r"|(?P<iri><[^<>\"{}|^`\\\s]*>)"
    r"|(?P<text>\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''(?:[^\\]|\\.)*?'''|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')"
    r"|(?P<open>[\[(])|(?P<close>[\])])"
    r"|(?P<word>[^\s\[\]()\"'<>#;,]+)"
    r"|(?P<other>.)",
    re.DOTALL,
)
_SLOT_TERMS = (MPM.onSlot, MPM.fromSlot)
"""The terms that name a slot; ``mpm:slots`` lists several."""


def mark_lines(turtle: str) -> str:
    """The same Turtle in which each node has the line on which it begins; no line is added or moved."""
    marked: list[str] = []
    depth, line, begins, directive = 0, 1, True, ""
    for token in _TOKEN.finditer(turtle):
        kind, text = token.lastgroup, token[0]
        mark, ended = "", False
        if directive:
            # @prefix and @base end with a dot, PREFIX and BASE with their IRI.
            ended = kind == "iri" if directive[0] != "@" else kind == "word" and text == "."
        elif kind == "open":
            depth += 1
            mark = f" {_mark(line)} ; " if text == "[" else ""
            begins = False
        elif kind == "close":
            depth -= 1
        elif kind in ("iri", "word") and begins:
            if text.lower() in ("@prefix", "@base", "prefix", "base"):
                directive = text
            else:
                mark = f" {_mark(line)} ; "
            begins = False
        elif kind == "word" and depth == 0:
            ended = text.endswith(".")
        if ended:
            begins, directive = True, ""
        marked.append(text + mark)
        line += text.count("\n")
    return "".join(marked)


def _mark(line: int) -> str:
    return f'<{LINE}> "{line}"^^<{LINE}>'


def read_marked_turtle(text: bytes, base: str) -> Graph:
    """The graph with the line of each node; without lines where they cannot be determined.  Raises SyntaxError."""
    try:
        return read_turtle(mark_lines(text.decode()).encode(), base)[0]
    except (SyntaxError, ValueError):
        return read_turtle(text, base)[0]


def slot_lines(description: Description, term: str, label: str | None, slot: str) -> tuple[int, ...]:
    """The lines on which a description names ``slot`` in what ``mpm:<term>`` gives, under this label or code.

    For ``term`` "slot" the lines on which the slot itself is described.  Empty where it was not read from Turtle.
    """
    if not description.turtle:
        return ()
    base = description.iri.partition("#")[0]
    try:
        graph = read_marked_turtle(description.turtle.encode(), base)
    except SyntaxError:
        return ()
    source = description.turtle.splitlines()
    return tuple(sorted(set(_find_lines(graph, URIRef(description.iri), MPM[term], label, slot, source))))


def _find_lines(
    graph: Graph, module: URIRef, term: URIRef, label: str | None, slot: str, source: list[str]
) -> Iterator[int]:
    for start in graph.objects(module, term):
        pending: list[tuple[Node, bool, int | None]] = [(start, label is None, None)]
        seen: set[tuple[Node, bool]] = set()
        while pending:
            node, labelled, above = pending.pop()
            if (node, labelled) in seen or not isinstance(node, BNode | URIRef):
                continue
            seen.add((node, labelled))
            names = (graph.value(node, RDFS.label), graph.value(node, MPM.code))
            labelled = labelled or any(name is not None and str(name) == label for name in names)
            line = line_of(graph, node) or above
            if labelled and line is not None and _names_slot(graph, node, slot):
                yield _literal_line(source, line, slot)
            # A slot's own concept is described elsewhere, and so is whatever else has a name in another file.
            pending += [(value, labelled, line) for name, value in graph.predicate_objects(node) if name != RDF.type]


def _names_slot(graph: Graph, node: Node, slot: str) -> bool:
    if any(str(value) == slot for term in _SLOT_TERMS for value in graph.objects(node, term)):
        return True
    if (node, MPM.select, None) in graph:
        return str(graph.value(node, MPM.name)) == slot
    return any(isinstance(value, Literal) and str(value) == slot for value in _listed(graph, node))


def _listed(graph: Graph, node: Node) -> Iterator[Node]:
    head = graph.value(node, MPM.slots)
    while head is not None and head != RDF.nil:
        value = graph.value(head, RDF.first)
        if value is not None:
            yield value
        head = graph.value(head, RDF.rest)


def _literal_line(source: list[str], line: int, slot: str) -> int:
    """The first line from where the node begins on which the name stands in quotes."""
    written = (f'"{slot}"', f"'{slot}'")
    for number in range(line, len(source) + 1):
        if any(text in source[number - 1] for text in written):
            return number
    return line

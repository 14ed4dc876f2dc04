"""Canonical digests of graphs (RDFC-1.0), and the seal: a keyed digest that shows whether an argument was changed.

A seal is over the canonical statements that can be reached from the answer, so that arguments keep their seals where
one file has several.  It does not show who exported the argument, nor that the records were right.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from hashlib import blake2b
from hmac import compare_digest

import pyoxigraph as ox
from rdflib import BNode, Graph, Literal, URIRef
from rdflib.term import Node

from server.errors import ArgumentFileError
from server.explain.prov.rdf_terms import MPM
from server.explain.prov.statements import MOST_STATEMENTS, Statements, Term, parse_statements


def graph_digest(graph: Graph, key: bytes, person: bytes) -> str:
    """Hex BLAKE2b (32 bytes) of the canonical N-Quads of a graph; keyed where there is a ``key``."""
    return quads_digest([ox.Quad(_to_subject(s), _to_predicate(p), _to_term(o)) for s, p, o in graph], key, person)


def quads_digest(quads: list[ox.Quad], key: bytes, person: bytes) -> str:
    """The same for statements that were read from a file."""
    dataset = ox.Dataset(quads)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    lines = sorted(str(quad) for quad in dataset)
    return blake2b("\n".join(lines).encode(), digest_size=32, key=key, person=person).hexdigest()


def rename_iris(graph: Graph, before: str, after: str) -> Graph:
    """The graph with every IRI that begins with ``before`` beginning with ``after``.

    Blank nodes get labels that depend on ``after``, so that graphs can be merged without a clash.
    """
    space = blake2b(after.encode(), digest_size=16).hexdigest()
    renamed: dict[Node, Node] = {}

    def name(node: Node) -> Node:
        found = renamed.get(node)
        if found is None:
            found = node
            if isinstance(node, BNode):
                found = BNode(f"b{space}{node}")
            elif isinstance(node, URIRef) and node.startswith(before):
                found = URIRef(after + node[len(before) :])
            renamed[node] = found
        return found

    made = Graph()
    for subject, predicate, value in graph:
        made.add((name(subject), predicate, value if isinstance(value, Literal) else name(value)))
    return made


def _to_subject(node: Node) -> ox.NamedNode | ox.BlankNode:
    return ox.BlankNode(str(node)) if isinstance(node, BNode) else ox.NamedNode(str(node))


def _to_predicate(node: Node) -> ox.NamedNode:
    return ox.NamedNode(str(node))


def _to_term(node: Node) -> ox.NamedNode | ox.BlankNode | ox.Literal:
    if isinstance(node, Literal):
        return (
            ox.Literal(str(node), datatype=ox.NamedNode(str(node.datatype))) if node.datatype else ox.Literal(str(node))
        )
    return _to_subject(node)


_PERSON = b"mt.seal"
_SEAL, _SUBJECT = str(MPM.seal), str(MPM.subject)


class SealCheck(StrEnum):
    """The outcome of checking the seals of a file."""

    VALID = "valid"
    BROKEN = "broken"
    NONE = "none"


def compute_seal(graph: Graph, key: bytes) -> str:
    """The seal of the graph of one argument, which has none yet (hex)."""
    return graph_digest(graph, key, _PERSON)


def check_seal(text: str, form: str, key: bytes) -> SealCheck:
    """Whether each argument of a file is as it was sealed with this key, and the file has no other statements.

    NONE where no argument has a seal.  Raises ArgumentFileError for what cannot be parsed.
    """
    quads = parse_statements(text, form)
    statements = Statements(quads)
    answers = statements.nodes_of_type(str(MPM.Answer))
    if not any(statements.values(answer, _SEAL) for answer in answers):
        return SealCheck.NONE
    links = _quads_by_subject(quads)
    seen: set[ox.Quad] = set()
    left = 2 * MOST_STATEMENTS
    for answer in answers:
        own = list(_reachable_quads(answer, links))
        seen.update(own)
        left -= len(own)
        if left < 0:
            raise ArgumentFileError("the file has many arguments that rest on the same large part; split it")
        seals = [each.value for each in statements.values(answer, _SEAL) if isinstance(each, ox.Literal)]
        unsealed = [quad for quad in own if quad.predicate.value != _SEAL]
        if len(seals) != 1 or not compare_digest(seals[0].encode(), quads_digest(unsealed, key, _PERSON).encode()):
            return SealCheck.BROKEN
    return SealCheck.VALID if seen == set(quads) else SealCheck.BROKEN


def _quads_by_subject(quads: Iterable[ox.Quad]) -> dict[Term, list[ox.Quad]]:
    links: dict[Term, list[ox.Quad]] = {}
    for quad in dict.fromkeys(quads):
        if not isinstance(quad.subject, ox.Triple):
            links.setdefault(quad.subject, []).append(quad)
    return links


def _reachable_quads(answer: Term, links: dict[Term, list[ox.Quad]]) -> Iterator[ox.Quad]:
    """The statements of one argument.  Those about the patient's record are its own only where it rests on it."""
    seen, pending = {answer}, [answer]
    while pending:
        for quad in links.get(pending.pop(), ()):
            yield quad
            value = quad.object
            if isinstance(value, ox.Triple) or quad.predicate.value == _SUBJECT or value in seen:
                continue
            seen.add(value)
            pending.append(value)

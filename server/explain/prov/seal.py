"""Canonical digests of graphs (RDFC-1.0), and the seal: a keyed digest that shows whether an argument was changed.

A seal is over the canonical statements that can be reached from the answer, so that arguments keep their seals where
one file has several.  It does not show who exported the argument, nor that the records were right.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from hashlib import blake2b
from hmac import compare_digest

import pyoxigraph as ox

from server.errors import ArgumentFileError
from server.explain.prov.graph import Graph
from server.explain.prov.rdf_terms import MPM
from server.explain.prov.statements import MOST_STATEMENTS, Statements, Term, parse_statements


def graph_digest(graph: Graph, key: bytes, person: bytes) -> str:
    """Hex BLAKE2b (32 bytes) of the canonical N-Quads of a graph; keyed where there is a ``key``."""
    blanks = graph.blanks
    if not blanks:
        return _lines_digest([f"{subject} {term} {value}" for subject, term, value in graph], key, person)
    lines = []
    unlabelled = []
    for subject, term, value in graph:
        if subject in blanks or value in blanks:
            unlabelled.append(f"{subject} {term} {value} .\n")
        else:
            lines.append(f"{subject} {term} {value}")
    # The canonical labels of blank nodes depend only on the statements that have one.
    lines += _canonical_lines(ox.parse("".join(unlabelled), format=ox.RdfFormat.N_TRIPLES))
    return _lines_digest(lines, key, person)


def quads_digest(quads: Iterable[ox.Quad], key: bytes, person: bytes) -> str:
    """The same for statements that were read from a file."""
    return _lines_digest(_canonical_lines(quads), key, person)


def _canonical_lines(quads: Iterable[ox.Quad]) -> list[str]:
    dataset = ox.Dataset(quads)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return [str(quad) for quad in dataset]


def _lines_digest(lines: list[str], key: bytes, person: bytes) -> str:
    lines.sort()
    text = "\n".join(lines)
    return blake2b(text.encode(), digest_size=32, key=key, person=person).hexdigest()


_PERSON = b"mt.seal"
_SEAL, _SUBJECT = MPM.seal.value, MPM.subject.value


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
    answers = statements.nodes_of_type(MPM.Answer.value)
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

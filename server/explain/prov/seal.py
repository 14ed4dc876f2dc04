"""A seal: a keyed digest of an argument, by which whoever has the key can tell that nothing in it was changed.

It is over the canonical statements that can be reached from the answer, so that arguments keep their seals where
several stand in one file.  It says nothing of who exported the argument, nor that the records were right.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from hmac import compare_digest

import pyoxigraph as ox
from rdflib import Graph

from server.errors import ArgumentFileError
from server.explain.prov.canonical import digest_of, digest_of_quads
from server.explain.prov.parsing import MOST_STATEMENTS, Term, parse
from server.explain.prov.statements import Statements
from server.explain.prov.terms import MPM

_PERSON = b"mt.seal"
_SEAL, _SUBJECT = str(MPM.seal), str(MPM.subject)


class SealFit(StrEnum):
    """What a file's seals say."""

    FITS = "fits"
    BROKEN = "does not fit"
    NONE = "none"


def seal(graph: Graph, key: bytes) -> str:
    """The seal of the graph of one argument, which has none yet (hex)."""
    return digest_of(graph, key, _PERSON)


def seal_of(text: str, form: str, key: bytes) -> SealFit:
    """Whether each argument of a file is as it was sealed with this key, and nothing stands beside them.

    NONE where no argument has a seal.  Raises ArgumentFileError for what cannot be parsed.
    """
    quads = parse(text, form)
    said = Statements(quads)
    answers = said.of_type(str(MPM.Answer))
    if not any(said.all(answer, _SEAL) for answer in answers):
        return SealFit.NONE
    links = _links(quads)
    seen: set[ox.Quad] = set()
    left = 2 * MOST_STATEMENTS
    for answer in answers:
        own = list(_reached(answer, links))
        seen.update(own)
        left -= len(own)
        if left < 0:
            raise ArgumentFileError("the file has many arguments that rest on the same large part; split it")
        told = [each.value for each in said.all(answer, _SEAL) if isinstance(each, ox.Literal)]
        unsealed = [quad for quad in own if quad.predicate.value != _SEAL]
        if len(told) != 1 or not compare_digest(told[0].encode(), digest_of_quads(unsealed, key, _PERSON).encode()):
            return SealFit.BROKEN
    return SealFit.FITS if seen == set(quads) else SealFit.BROKEN


def _links(quads: Iterable[ox.Quad]) -> dict[Term, list[ox.Quad]]:
    links: dict[Term, list[ox.Quad]] = {}
    for quad in dict.fromkeys(quads):
        if not isinstance(quad.subject, ox.Triple):
            links.setdefault(quad.subject, []).append(quad)
    return links


def _reached(answer: Term, links: dict[Term, list[ox.Quad]]) -> Iterator[ox.Quad]:
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

"""Statements by subject and term, asked strictly: what must be there once is there once, or the file is refused."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

import pyoxigraph as ox
from rdflib import PROV, RDF, XSD

from server.errors import ArgumentFileError
from server.explain.prov.parsing import Term
from server.explain.prov.terms import PREFIXES, RESULTS

Node = ox.NamedNode | ox.BlankNode
_MOST_DIGITS = 1000
_LONGEST_NAME = 80


class Statements:
    """What a file says.  Each look-up raises ArgumentFileError where the file does not say it, or says it twice."""

    def __init__(self, quads: Iterable[ox.Quad]) -> None:
        self._said: dict[Term, dict[str, list[Term]]] = {}
        self._generated: dict[Term, list[Term]] = {}
        for quad in dict.fromkeys(quads):
            if isinstance(quad.object, ox.Triple) or isinstance(quad.subject, ox.Triple):
                raise ArgumentFileError("the file has statements about statements, which no exported argument has")
            self._said.setdefault(quad.subject, {}).setdefault(quad.predicate.value, []).append(quad.object)
        for subject, terms in self._said.items():
            for activity in terms.get(str(PROV.wasGeneratedBy), ()):
                self._generated.setdefault(activity, []).append(subject)
            for term, values in terms.items():
                for value in values:
                    if isinstance(value, ox.NamedNode) and value.value.startswith(RESULTS):
                        self.known(subject, term, value)

    def known(self, subject: Term, term: str, value: Term) -> None:
        """That something is said of what a term leads to."""
        if value not in self._said:
            told = f"{words(subject)} leads by {_word(term)} to what the file says nothing of: part of it is missing"
            raise ArgumentFileError(told)

    def of_type(self, kind: str) -> list[ox.NamedNode]:
        """The named nodes of a class, in the order of their names."""
        wanted = ox.NamedNode(kind)
        found = [s for s, terms in self._said.items() if wanted in terms.get(str(RDF.type), ())]
        return sorted((each for each in found if isinstance(each, ox.NamedNode)), key=lambda each: each.value)

    def is_a(self, node: Term, kind: str) -> bool:
        """Whether a node is of a class."""
        return ox.NamedNode(kind) in self.all(node, str(RDF.type))

    def generated_by(self, activity: Term) -> list[Term]:
        """The entities that an activity generated."""
        return self._generated.get(activity, [])

    def all(self, subject: Term, term: str) -> list[Term]:
        """All that is said by a term."""
        return self._said.get(subject, {}).get(term, [])

    def one(self, subject: Term, term: str) -> Term:
        """The one value of a term."""
        found = self.maybe(subject, term)
        if found is None:
            raise ArgumentFileError(f"{words(subject)} has no {_word(term)}: part of the argument is missing")
        return found

    def maybe(self, subject: Term, term: str) -> Term | None:
        """The one value of a term, or None."""
        found = self.all(subject, term)
        if len(found) > 1:
            raise ArgumentFileError(f"{words(subject)} has {len(found)} values for {_word(term)}, and may have one")
        return found[0] if found else None

    def node(self, subject: Term, term: str) -> Node:
        """The one node that a term leads to, of which something is said."""
        found = self.one(subject, term)
        if isinstance(found, ox.Literal):
            raise _bad(subject, term, "a node")
        self.known(subject, term, found)
        return found

    def nodes(self, subject: Term, term: str) -> list[Term]:
        """All nodes that a term leads to, of which something is said."""
        found: list[Term] = []
        for each in self.all(subject, term):
            if isinstance(each, ox.Literal):
                raise _bad(subject, term, "a node")
            self.known(subject, term, each)
            found.append(each)
        return found

    def iri(self, subject: Term, term: str) -> str:
        """The one IRI of a term, whether or not anything is said of it."""
        found = self.one(subject, term)
        if not isinstance(found, ox.NamedNode):
            raise _bad(subject, term, "an address")
        return found.value

    def text(self, subject: Term, term: str) -> str:
        """The one text of a term."""
        return _of(subject, term, self.one(subject, term), str(XSD.string), "a text")

    def number(self, subject: Term, term: str) -> Decimal:
        """The one number of a term, with its digits."""
        found = _of(subject, term, self.one(subject, term), str(XSD.decimal), "a number in decimals")
        return plain_decimal(subject, term, found)

    def integer(self, subject: Term, term: str) -> int:
        """The one whole number from 0 of a term."""
        found = _of(subject, term, self.one(subject, term), str(XSD.integer), "a whole number")
        if not (found.isascii() and found.isdigit() and len(found) < 10):
            raise _bad(subject, term, "a whole number from 0")
        return int(found)

    def flag(self, subject: Term, term: str, default: bool | None = None) -> bool:
        """The one truth value of a term; ``default`` where nothing is said."""
        if default is not None and self.maybe(subject, term) is None:
            return default
        found = _of(subject, term, self.one(subject, term), str(XSD.boolean), "true or false")
        if found not in ("true", "false"):
            raise _bad(subject, term, "true or false")
        return found == "true"

    def time(self, subject: Term, term: str) -> datetime:
        """The one time of a term, which has an offset."""
        found = _of(subject, term, self.one(subject, term), str(XSD.dateTime), "a time")
        try:
            time = datetime.fromisoformat(found)
        except ValueError:
            raise _bad(subject, term, "a time") from None
        if time.utcoffset() is None:
            raise _bad(subject, term, "a time with its offset")
        return time

    def day(self, subject: Term, term: str) -> date:
        """The one day of a term."""
        found = _of(subject, term, self.one(subject, term), str(XSD.date), "a day")
        try:
            return date.fromisoformat(found)
        except ValueError:
            raise _bad(subject, term, "a day") from None


def plain_decimal(subject: Term, term: str, text: str) -> Decimal:
    """A number in the plain form of xsd:decimal."""
    digits = text[1:] if text.startswith(("-", "+")) else text
    if len(digits) > _MOST_DIGITS or not digits.isascii() or not digits.replace(".", "", 1).isdigit():
        raise _bad(subject, term, "a number in plain decimals")
    return Decimal(text)


def words(node: Term) -> str:
    """A node as its own part of the argument's names: no address of a record is told."""
    if isinstance(node, ox.NamedNode) and node.value.startswith(RESULTS):
        return _shown(node.value.rsplit("#", 1)[-1])
    return "a blank node" if isinstance(node, ox.BlankNode) else "a record, module or agent"


def _word(term: str) -> str:
    for prefix, space in PREFIXES.items():
        if term.startswith(space):
            return f"{prefix}:{_shown(term[len(space) :])}"
    return "a term of another vocabulary"


def _shown(name: str) -> str:
    """A name out of the file, no longer than a line holds, and without what a terminal would obey."""
    short = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in short)


def _of(subject: Term, term: str, found: Term, datatype: str, what: str) -> str:
    if not isinstance(found, ox.Literal) or found.datatype.value != datatype or found.language is not None:
        raise _bad(subject, term, what)
    return found.value


def _bad(subject: Term, term: str, what: str) -> ArgumentFileError:
    return ArgumentFileError(f"{_word(term)} of {words(subject)} is not {what}")

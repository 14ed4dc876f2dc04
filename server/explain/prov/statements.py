"""A file parsed into statements, and strict look-ups in them: a value that is missing or ambiguous refuses the file.

Turtle or JSON-LD, of bounded size.  The parser opens no file and no connection; a JSON-LD context that is not in the
file itself is refused by name.
"""

import json
import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, TypeAlias

import pyoxigraph as ox

from server.errors import ArgumentFileError
from server.explain.prov.rdf_terms import PREFIXES, PROV, RDF, RESULTS, XSD

MOST_CHARACTERS = 32 * 2**20
"""Of a file: some hundred times a long argument."""
MOST_STATEMENTS = 250_000
"""Of a file: canonical order of a million takes minutes and gigabytes."""

MOST_NESTED = 1000
"""Nested statements that are parsed; a hundred thousand levels overflow the parser's stack."""

Term: TypeAlias = ox.NamedNode | ox.BlankNode | ox.Literal

_FORMS = {"turtle": ox.RdfFormat.TURTLE, "json-ld": ox.RdfFormat.JSON_LD}
_LINE_NUMBER = re.compile(r"line (\d+)")


def parse_statements(text: str, form: str) -> list[ox.Quad]:
    """The statements of a file.  Raises ArgumentFileError."""
    if form not in _FORMS:
        raise ArgumentFileError(f"unknown form: use {' or '.join(_FORMS)}")
    if len(text) > MOST_CHARACTERS:
        raise ArgumentFileError(
            f"the file has more than {MOST_CHARACTERS // 2**20} million characters; no argument has"
        )
    if form == "json-ld":
        _check_json(text)
    elif text.count("<<") > MOST_NESTED:
        # Before they are parsed: an overflow of its stack ends the process.
        raise ArgumentFileError("the file has statements about statements, which no exported argument has")
    try:
        quads = list(islice(ox.parse(text, format=_FORMS[form]), MOST_STATEMENTS + 1))
    except (SyntaxError, ValueError, UnicodeEncodeError) as error:
        # The parser's message may quote the file; only the line is passed on.
        place = _LINE_NUMBER.search(str(error))
        where = f" (line {place[1]})" if place else ""
        text = f"the file is not {_form_name(form)}, or is truncated{where}: export the argument again"
        raise ArgumentFileError(text) from None
    if len(quads) > MOST_STATEMENTS:
        raise ArgumentFileError(f"the file has more than {MOST_STATEMENTS} statements; no argument has")
    _check_graph(quads)
    return quads


def guess_form(text: str) -> str:
    """The form that a text is probably in: JSON-LD begins with a brace or a bracket, Turtle does not."""
    return "json-ld" if text.lstrip()[:1] in ("{", "[") else "turtle"


def _form_name(form: str) -> str:
    return {"turtle": "Turtle", "json-ld": "JSON-LD"}[form]


def _check_graph(quads: Iterable[ox.Quad]) -> None:
    """One graph, and blank nodes only as leaves: canonical order of others may take exponential time."""
    default = ox.DefaultGraph()
    for quad in quads:
        if quad.graph_name != default:
            raise ArgumentFileError("the file has named graphs; an argument is exported as one graph")
        if isinstance(quad.subject, ox.BlankNode) and isinstance(quad.object, ox.BlankNode):
            raise ArgumentFileError("the file has blank nodes within blank nodes, which no exported argument has")


def _check_json(text: str) -> None:
    try:
        _check_contexts(json.loads(text, object_pairs_hook=_reject_duplicates))
    except json.JSONDecodeError as error:
        text = f"the file is not JSON-LD, or is truncated (line {error.lineno}): export the argument again"
        raise ArgumentFileError(text) from None
    except ValueError:
        # Python limits the digits of an integer in text.
        raise ArgumentFileError("the file has a number with more digits than any argument has") from None
    except RecursionError:
        raise ArgumentFileError("the file is nested deeper than any argument") from None


def _reject_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ArgumentFileError("the file has duplicate names in one object")
    return found


def _check_contexts(node: Any) -> None:
    if isinstance(node, list):
        for each in node:
            _check_contexts(each)
    elif isinstance(node, dict):
        for key, value in node.items():
            contexts = value if isinstance(value, list) else [value]
            if key == "@import" or (key == "@context" and any(isinstance(each, str) for each in contexts)):
                text = "the file names a context elsewhere, which is not fetched: write the context into the file"
                raise ArgumentFileError(text)
            _check_contexts(value)


Node = ox.NamedNode | ox.BlankNode
_MOST_DIGITS = 1000
_LONGEST_NAME = 80


class Statements:
    """The statements of a file, by subject.  Look-ups raise ArgumentFileError for a missing or an ambiguous value."""

    def __init__(self, quads: Iterable[ox.Quad]) -> None:
        self._by_subject: dict[Term, dict[str, list[Term]]] = {}
        self._generated: dict[Term, list[Term]] = {}
        for quad in dict.fromkeys(quads):
            if isinstance(quad.object, ox.Triple) or isinstance(quad.subject, ox.Triple):
                raise ArgumentFileError("the file has statements about statements, which no exported argument has")
            self._by_subject.setdefault(quad.subject, {}).setdefault(quad.predicate.value, []).append(quad.object)
        for subject, terms in self._by_subject.items():
            for activity in terms.get(PROV.wasGeneratedBy.value, ()):
                self._generated.setdefault(activity, []).append(subject)
            for term, values in terms.items():
                for value in values:
                    if isinstance(value, ox.NamedNode) and value.value.startswith(RESULTS):
                        self.check_described(subject, term, value)

    def check_described(self, subject: Term, term: str, value: Term) -> None:
        """Raise ArgumentFileError where the file has no statement about the node that a term leads to."""
        if value not in self._by_subject:
            link = f"{describe_node(subject)} leads by {_term_name(term)}"
            raise ArgumentFileError(f"{link} to a node that the file does not describe: part of it is missing")

    def nodes_of_type(self, kind: str) -> list[ox.NamedNode]:
        """The named nodes of a class, in the order of their names."""
        wanted = ox.NamedNode(kind)
        found = [s for s, terms in self._by_subject.items() if wanted in terms.get(RDF.type.value, ())]
        return sorted((each for each in found if isinstance(each, ox.NamedNode)), key=lambda each: each.value)

    def is_a(self, node: Term, kind: str) -> bool:
        """Whether a node is of a class."""
        return ox.NamedNode(kind) in self.values(node, RDF.type.value)

    def generated_by(self, activity: Term) -> list[Term]:
        """The entities that an activity generated."""
        return self._generated.get(activity, [])

    def values(self, subject: Term, term: str) -> list[Term]:
        """All values of a term; empty where there are none."""
        return self._by_subject.get(subject, {}).get(term, [])

    def value(self, subject: Term, term: str) -> Term:
        """The one value of a term."""
        found = self.optional_value(subject, term)
        if found is None:
            raise ArgumentFileError(
                f"{describe_node(subject)} has no {_term_name(term)}: part of the argument is missing"
            )
        return found

    def optional_value(self, subject: Term, term: str) -> Term | None:
        """The one value of a term, or None."""
        found = self.values(subject, term)
        if len(found) > 1:
            raise ArgumentFileError(
                f"{describe_node(subject)} has {len(found)} values for {_term_name(term)}, and may have one"
            )
        return found[0] if found else None

    def node(self, subject: Term, term: str) -> Node:
        """The one node that a term leads to, which the file describes."""
        found = self.value(subject, term)
        if isinstance(found, ox.Literal):
            raise _malformed(subject, term, "a node")
        self.check_described(subject, term, found)
        return found

    def nodes(self, subject: Term, term: str) -> list[Term]:
        """All nodes that a term leads to, each of which the file describes."""
        found: list[Term] = []
        for each in self.values(subject, term):
            if isinstance(each, ox.Literal):
                raise _malformed(subject, term, "a node")
            self.check_described(subject, term, each)
            found.append(each)
        return found

    def iri(self, subject: Term, term: str) -> str:
        """The one IRI of a term, whether or not the file describes it."""
        found = self.value(subject, term)
        if not isinstance(found, ox.NamedNode):
            raise _malformed(subject, term, "an address")
        return found.value

    def text(self, subject: Term, term: str) -> str:
        """The one text of a term."""
        return _literal_text(subject, term, self.value(subject, term), XSD.string.value, "a text")

    def number(self, subject: Term, term: str) -> Decimal:
        """The one number of a term, with its digits."""
        found = _literal_text(subject, term, self.value(subject, term), XSD.decimal.value, "a number in decimals")
        return plain_decimal(subject, term, found)

    def integer(self, subject: Term, term: str) -> int:
        """The one integer of a term, 0 or more."""
        found = _literal_text(subject, term, self.value(subject, term), XSD.integer.value, "an integer")
        if not (found.isascii() and found.isdigit() and len(found) < 10):
            raise _malformed(subject, term, "an integer of 0 or more")
        return int(found)

    def flag(self, subject: Term, term: str, default: bool | None = None) -> bool:
        """The one truth value of a term; ``default`` where there is none."""
        if default is not None and self.optional_value(subject, term) is None:
            return default
        found = _literal_text(subject, term, self.value(subject, term), XSD.boolean.value, "true or false")
        if found not in ("true", "false"):
            raise _malformed(subject, term, "true or false")
        return found == "true"

    def time(self, subject: Term, term: str) -> datetime:
        """The one time of a term, which has an offset."""
        found = _literal_text(subject, term, self.value(subject, term), XSD.dateTime.value, "a time")
        try:
            time = datetime.fromisoformat(found)
        except ValueError:
            raise _malformed(subject, term, "a time") from None
        if time.utcoffset() is None:
            raise _malformed(subject, term, "a time with its offset")
        return time

    def day(self, subject: Term, term: str) -> date:
        """The one day of a term."""
        found = _literal_text(subject, term, self.value(subject, term), XSD.date.value, "a day")
        try:
            return date.fromisoformat(found)
        except ValueError:
            raise _malformed(subject, term, "a day") from None


def plain_decimal(subject: Term, term: str, text: str) -> Decimal:
    """A number in the plain form of xsd:decimal."""
    digits = text[1:] if text.startswith(("-", "+")) else text
    if len(digits) > _MOST_DIGITS or not digits.isascii() or not digits.replace(".", "", 1).isdigit():
        raise _malformed(subject, term, "a number in plain decimals")
    return Decimal(text)


def describe_node(node: Term) -> str:
    """A node for a message, by the last part of its name; addresses of records are withheld."""
    if isinstance(node, ox.NamedNode) and node.value.startswith(RESULTS):
        return _printable_name(node.value.rsplit("#", 1)[-1])
    return "a blank node" if isinstance(node, ox.BlankNode) else "a record, module or agent"


def _term_name(term: str) -> str:
    for prefix, space in PREFIXES.items():
        if term.startswith(space):
            return f"{prefix}:{_printable_name(term[len(space) :])}"
    return "a term of another vocabulary"


def _printable_name(name: str) -> str:
    """A name out of the file, shortened, and with control characters replaced."""
    short = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in short)


def _literal_text(subject: Term, term: str, found: Term, datatype: str, what: str) -> str:
    if not isinstance(found, ox.Literal) or found.datatype.value != datatype or found.language is not None:
        raise _malformed(subject, term, what)
    return found.value


def _malformed(subject: Term, term: str, what: str) -> ArgumentFileError:
    return ArgumentFileError(f"{_term_name(term)} of {describe_node(subject)} is not {what}")

"""Text into statements: Turtle or JSON-LD, of bounded size, and with nothing fetched on its behalf.

The parser opens no file and no connection; a JSON-LD context that is not in the file itself is refused by name.
"""

import json
import re
from collections.abc import Iterable
from itertools import islice
from typing import Any, TypeAlias

import pyoxigraph as ox

from server.errors import ArgumentFileError

MOST_CHARACTERS = 32 * 2**20
"""Of a file: some hundred times a long argument."""
MOST_STATEMENTS = 250_000
"""Of a file: putting a million in order takes minutes and gigabytes."""

MOST_NESTED = 1000
"""Statements about statements that are looked at; with a hundred thousand in one another the parser overflows."""

Term: TypeAlias = ox.NamedNode | ox.BlankNode | ox.Literal

_FORMS = {"turtle": ox.RdfFormat.TURTLE, "json-ld": ox.RdfFormat.JSON_LD}
_PLACE = re.compile(r"line (\d+)")


def parse(text: str, form: str) -> list[ox.Quad]:
    """The statements of a file.  Raises ArgumentFileError."""
    if form not in _FORMS:
        raise ArgumentFileError(f"the form is not known: use {' or '.join(_FORMS)}")
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
        # What the parser says may quote the file; only the place is told.
        place = _PLACE.search(str(error))
        where = f" (line {place[1]})" if place else ""
        told = f"the file is not {_word(form)}, or is cut off{where}: export the argument again"
        raise ArgumentFileError(told) from None
    if len(quads) > MOST_STATEMENTS:
        raise ArgumentFileError(f"the file has more than {MOST_STATEMENTS} statements; no argument has")
    _check_plain(quads)
    return quads


def form_of(text: str) -> str:
    """The form that a text is probably in: JSON-LD begins with a brace or a bracket, Turtle does not."""
    return "json-ld" if text.lstrip()[:1] in ("{", "[") else "turtle"


def _word(form: str) -> str:
    return {"turtle": "Turtle", "json-ld": "JSON-LD"}[form]


def _check_plain(quads: Iterable[ox.Quad]) -> None:
    """One graph, and blank nodes only as leaves of it: otherwise a few of them could take for ever to put in order."""
    default = ox.DefaultGraph()
    for quad in quads:
        if quad.graph_name != default:
            raise ArgumentFileError("the file has named graphs; an argument is exported as one graph")
        if isinstance(quad.subject, ox.BlankNode) and isinstance(quad.object, ox.BlankNode):
            raise ArgumentFileError("the file has blank nodes within blank nodes, which no exported argument has")


def _check_json(text: str) -> None:
    try:
        _check_contexts(json.loads(text, object_pairs_hook=_once))
    except json.JSONDecodeError as error:
        told = f"the file is not JSON-LD, or is cut off (line {error.lineno}): export the argument again"
        raise ArgumentFileError(told) from None
    except ValueError:
        # Of whole numbers Python reads some thousand digits.
        raise ArgumentFileError("the file has a number with more digits than any argument has") from None
    except RecursionError:
        raise ArgumentFileError("the file is nested deeper than any argument") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ArgumentFileError("the file has one name twice in an object, so it is not clear which of them holds")
    return found


def _check_contexts(node: Any) -> None:
    if isinstance(node, list):
        for each in node:
            _check_contexts(each)
    elif isinstance(node, dict):
        for key, value in node.items():
            contexts = value if isinstance(value, list) else [value]
            if key == "@import" or (key == "@context" and any(isinstance(each, str) for each in contexts)):
                told = "the file names a context elsewhere, which is not fetched: write the context into the file"
                raise ArgumentFileError(told)
            _check_contexts(value)

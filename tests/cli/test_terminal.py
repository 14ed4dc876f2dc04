"""Words of others at a terminal: nothing in them steers it, and machines read what was meant."""

import json
from io import StringIO

import pytest
import rdflib

from server.cli.source.add import Console
from server.cli.terminal import escape_json, escape_turtle, print_text

# Clears the screen, sets its title, begins a sequence by one byte, turns the direction of writing, rings, goes back.
HOSTILE = ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\u202eltr", "\x07", "over\rwritten", "\x7f", "\U000e0041"]


@pytest.mark.parametrize("word", HOSTILE)
def test_lines_for_people_hold_no_such_character(word: str) -> None:
    out = StringIO()
    print_text(f"software {word}\nnext line", file=out)
    shown = out.getvalue()
    assert all(each.isprintable() or each == "\n" for each in shown)
    assert shown.startswith("software ") and shown.endswith("\nnext line\n")
    assert "\N{REPLACEMENT CHARACTER}" in shown


@pytest.mark.parametrize("word", HOSTILE)
def test_what_a_source_calls_itself_is_printed_without_them(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    Console(yes=True).print_line(f"   FHIR 4.0.1, 3 resource types; {word}")
    assert all(each.isprintable() or each == "\n" for each in capsys.readouterr().out)


@pytest.mark.parametrize("word", [*HOSTILE, "é", "plain", '"', "\\", "\n"])
def test_json_and_turtle_are_read_back_as_they_were(word: str) -> None:
    text = escape_json(json.dumps({"a": word}, indent=2, ensure_ascii=False))
    assert json.loads(text) == {"a": word}
    turtle = escape_turtle(f"<urn:a> <urn:b> {rdflib.Literal(word).n3()} .")
    (found,) = rdflib.Graph().parse(data=turtle, format="turtle").objects()
    assert str(found) == word
    for each in (text, turtle):
        assert all(character.isprintable() or character == "\n" for character in each)

"""Files that are made to harm whoever reads them: refused in words, in bounded time and memory, and nothing fetched."""

import socket
from typing import Any

import pyoxigraph as ox
import pytest

from server.errors import ArgumentFileError
from server.explain.prov import seal as sealing
from server.explain.prov import statements
from server.explain.prov.rdf_terms import MPM, PREFIXES, RESULTS
from server.explain.prov.read_export import read_export
from server.explain.prov.seal import check_seal
from server.explain.prov.statements import parse_statements, plain_decimal

ANSWER = f'<urn:a> a {MPM.Answer} ; {MPM.seal} "x" .\n'
ELSEWHERE = "http://127.0.0.1:9/context"
DEEP = 100_000


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("something was to be fetched")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


def mesh(form: str, count: int = 12) -> str:
    pairs = ((i, j) for i in range(count) for j in range(count) if i != j)
    return "".join(form.format(i=i, j=j) for i, j in pairs)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (f'{{"@context": "{ELSEWHERE}", "@id": "urn:a", "@type": "urn:b"}}', "json-ld"),
        (f'{{"@context": [{{}}, "{ELSEWHERE}"], "@id": "urn:a"}}', "json-ld"),
        (
            f'{{"@context": {{"x": {{"@id": "urn:x", "@context": "{ELSEWHERE}"}}}}, "@id": "urn:a", "x": {{"y": 1}}}}',
            "json-ld",
        ),
        (f'{{"@context": {{"@version": 1.1, "@import": "{ELSEWHERE}"}}, "@id": "urn:a"}}', "json-ld"),
        (f'{{"@context": {{}}, "\\u0040context": "{ELSEWHERE}", "@id": "urn:a"}}', "json-ld"),
        ("[" * DEEP + "]" * DEEP, "json-ld"),
        ('{"a":' * DEEP + "1" + "}" * DEEP, "json-ld"),
        ('{"@context": {"m": "urn:m#"}, "@id": "urn:a", "m:v": ' + "9" * 1_000_000 + "}", "json-ld"),
        ('{"@context": {"m": "urn:m#"}, "@id": "urn:a", "m:v": NaN}', "json-ld"),
        (ANSWER + "<relative> a <urn:b> .", "turtle"),
        (ANSWER + "<urn:a> <urn:p> " + "[ <urn:p> " * DEEP + "1" + "]" * DEEP + " .", "turtle"),
        (ANSWER + "<urn:a> <urn:p> " + "(" * DEEP + ")" * DEEP + " .", "turtle"),
        # Blank nodes that can be told apart only by trying all orders.
        (ANSWER + mesh("_:b{i} <urn:q> _:b{j} .\n"), "turtle"),
        (ANSWER + mesh("<urn:a> <urn:p> <<( _:b{i} <urn:q> _:b{j} )>> .\n"), "turtle"),
        (ANSWER + "<urn:a> <urn:p> " + "<<( <urn:a> <urn:p> " * DEEP + "1" + " )>>" * DEEP + " .", "turtle"),
        (ANSWER + mesh("<< _:b{i} <urn:q> _:b{j} >> <urn:p> 1 .\n"), "turtle"),
        ("\x00" + ANSWER, "turtle"),
        ("", "n-quads"),
    ],
)
def test_it_is_refused_in_words(text: str, form: str) -> None:
    with pytest.raises(ArgumentFileError) as error:
        check_seal(text, form, b"k" * 32)
    assert len(str(error.value)) < 200


def test_more_statements_than_any_argument_has_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "MOST_STATEMENTS", 100)
    many = "".join(f"<urn:a> <urn:p> {number} .\n" for number in range(98))
    assert len(parse_statements(ANSWER + many, "turtle")) == 100
    with pytest.raises(ArgumentFileError, match="more than 100 statements"):
        # What follows is not even looked at: it is no Turtle.
        parse_statements(ANSWER + many + "<urn:a> <urn:p> 99 .\n" * 2 + "<urn:a> <urn:p> 100 .\n" * 50 + "}", "turtle")


def test_many_answers_over_one_large_part_are_not_all_put_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "MOST_STATEMENTS", 500)
    shared = "".join(f"<urn:s> <urn:p> {number} .\n" for number in range(100))
    # Each seal matches its answer, so that each is checked.
    answers = "".join(f'<urn:a{i}> a {MPM.Answer} ; <urn:q> <urn:s> ; {MPM.seal} "x" .\n' for i in range(30))
    monkeypatch.setattr(sealing, "compare_digest", lambda *_: True)
    with pytest.raises(ArgumentFileError, match="split it"):
        check_seal(shared + answers, "turtle", b"k" * 32)


def test_more_attributions_than_can_be_computed_again_are_refused() -> None:
    many = "".join(f"<urn:m{number}> a {MPM.Attribution} .\n" for number in range(201))
    with pytest.raises(ArgumentFileError, match="more than 200 attributions"):
        read_export(ANSWER + many, "turtle")


def test_twins_among_leaves_take_no_time() -> None:
    twins = "<urn:a> <urn:p> [ <urn:q> 1 ] .\n" * 3_000
    check_seal(ANSWER + twins, "turtle", b"k" * 32)


def test_a_base_elsewhere_is_only_a_name() -> None:
    text = '{"@context": {"@base": "file:///etc/"}, "@id": "passwd", "@type": "urn:b"}'
    (quad,) = parse_statements(text, "json-ld")
    assert str(quad.subject) == "<file:///etc/passwd>"


@pytest.mark.parametrize("number", ["-+1", "+-1", "--1", ".", "1e9", "\u0661", "NaN"])
def test_what_is_no_plain_decimal_is_refused(number: str) -> None:
    with pytest.raises(ArgumentFileError, match="not a number in plain decimals"):
        plain_decimal(ox.NamedNode("urn:a"), MPM.amount.value, number)


@pytest.mark.parametrize("name", ["x\u202ey", "x\u2028y", "x" * 1_000_000])
def test_a_name_out_of_a_file_is_told_in_one_short_line(name: str) -> None:
    answer = f"<{RESULTS}a#{name}> a {MPM.Answer} ."
    for text in (answer, answer + f"<{RESULTS}a#{name}> <{PREFIXES['mpm']}{name}> <{RESULTS}a#nothing> ."):
        with pytest.raises(ArgumentFileError) as error:
            read_export(text, "turtle")
        assert len(str(error.value)) < 400 and str(error.value).isprintable()

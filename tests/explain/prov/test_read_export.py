"""Files that are no argument, or not a whole one: refused with what is wrong; and nothing is ever fetched for them."""

import builtins
import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from server.errors import ArgumentFileError
from server.executor.fingerprint import FORMAT
from server.explain.prov import serialize_result, statements
from server.explain.prov.read_export import read_export
from tests.support.exported_arguments import exported_result, with_comparisons

TURTLE = serialize_result(with_comparisons(exported_result("chain")))
JSON_LD = serialize_result(exported_result("chain"), "json-ld")


def refused(text: str, form: str = "turtle") -> str:
    with pytest.raises(ArgumentFileError) as caught:
        read_export(text, form)
    told = str(caught.value)
    # Nothing out of a record is told: neither an address nor an id.
    assert "p-17" not in told and "127.0.0.1" not in told
    return told


def without(line: str, text: str = TURTLE) -> str:
    """The file without the one line that begins like this."""
    lines = text.splitlines()
    place = next(i for i, each in enumerate(lines) if each.strip().startswith(line))
    kept = lines[place].rstrip()
    if kept.endswith(" ."):
        lines[place - 1] = lines[place - 1].rstrip()[:-1] + "."
    del lines[place]
    return "\n".join(lines)


def block(subject: str, text: str = TURTLE) -> str:
    """The file without all that is said of one node."""
    return "\n\n".join(each for each in text.split("\n\n") if not each.lstrip().startswith(f"{subject} "))


def test_both_are_read_as_they_are() -> None:
    assert len(read_export(TURTLE, "turtle")[0].steps) == len(read_export(JSON_LD, "json-ld")[0].steps) == 2
    assert [statements.guess_form(text) for text in (TURTLE, JSON_LD, f"\n {JSON_LD}")] == [
        "turtle",
        "json-ld",
        "json-ld",
    ]


@pytest.mark.parametrize(
    ("text", "form", "told"),
    [
        (TURTLE, "n-triples", "unknown form"),
        ("", "turtle", "it is no exported argument"),
        ("<http://x.example/s> <http://x.example/p> 1 .", "turtle", "it is no exported argument"),
        ("", "json-ld", "not JSON-LD, or is truncated"),
        ("[]", "json-ld", "it is no exported argument"),
        ("Dear colleague,", "turtle", "not Turtle, or is truncated"),
        (TURTLE, "json-ld", "not JSON-LD"),
        (JSON_LD, "turtle", "not Turtle"),
        (TURTLE[: len(TURTLE) // 2], "turtle", "truncated"),
        (JSON_LD[: len(JSON_LD) // 2], "json-ld", "truncated"),
        ("[" * 100_000, "json-ld", "nested deeper"),
        ('{"a": 1, "a": 2}', "json-ld", "duplicate names"),
        ('{"@graph": [{"@id": "urn:g", "@graph": [{"@id": "urn:s", "urn:p": "o"}]}]}', "json-ld", "named graphs"),
        ("<urn:s> <urn:p> [ <urn:p> [ <urn:p> 1 ] ] .", "turtle", "blank nodes within"),
    ],
)
def test_what_is_no_argument(text: str, form: str, told: str) -> None:
    assert told in refused(text, form)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (block("a:value-0"), "a node that the file does not describe: part of it is missing"),
        (block("a:step-0"), "part of it is missing"),
        (block("a:step-1"), "part of it is missing"),
        (block("a:step-1.uacr"), "part of it is missing"),
        (block("a:step-1-association"), "part of it is missing"),
        (block("<http://127.0.0.1:8191/fhir/Observation/u1/_history/3>"), "part of it is missing"),
        (block("a:attribution-0.item-0"), "part of it is missing"),
        (without("mpm:contentDigest"), "has no mpm:contentDigest"),
        (without("mpm:zone"), "has no mpm:zone"),
        (TURTLE.replace("prov:value 9.12 ;", ""), "has no prov:value"),
        (without('mpm:unit "mg/dL"'), "has no mpm:unit"),
        (TURTLE.replace("mpm:position 0 ;", "mpm:position 5 ;", 3), "numbered from 0 without a gap"),
        (TURTLE.replace("prov:value 9.12", "prov:value 9.12, 9.13"), "has 2 values for prov:value"),
        (TURTLE.replace("prov:value 9.12", "prov:value 9.12e0"), "has an unknown datatype"),
        (TURTLE.replace('mpm:zone "UTC"', 'mpm:zone "UTC", "Europe/Berlin"'), "has 2 values for mpm:zone"),
        (TURTLE.replace('mpm:zone "UTC"', "mpm:zone 1"), "mpm:zone of answer is not a text"),
        (TURTLE.replace("T12:00:00+00:00", "T12:00:00"), "not a time with its offset"),
        (TURTLE.replace("T12:00:00+00:00", "T99:00:00+00:00"), "not a time"),
        (TURTLE.replace(f"mpm:format {FORMAT}", f"mpm:format -{FORMAT}"), "not an integer"),
        (TURTLE.replace("mpm:reused false", 'mpm:reused "no"'), "is not true or false"),
        (TURTLE.replace("prov:wasGeneratedBy a:step-0", "prov:wasGeneratedBy a:step-1"), "gave 0 values"),
        (TURTLE.replace("prov:wasDerivedFrom a:value-0", "prov:wasDerivedFrom a:value-1"), "run in a circle"),
        (
            TURTLE.replace("prov:wasDerivedFrom a:value-0", "prov:wasDerivedFrom a:answer"),
            "neither a step nor a record",
        ),
        (TURTLE.replace("mpm:result a:value-1", "mpm:result a:value-0"), "not what its last step gave"),
    ],
)
def test_what_is_not_whole(text: str, told: str) -> None:
    assert text != TURTLE
    assert told in refused(text)


def test_an_absence_needs_a_reason_and_no_value_beside() -> None:
    absent = serialize_result(exported_result("insufficient"))
    assert "INPUT_ABSENT" in absent
    assert "unknown reason of absence" in refused(absent.replace('"INPUT_ABSENT"', '"LOST"'))
    assert "a value beside" in refused(
        absent.replace('mpm:absent "INPUT_ABSENT"', 'prov:value 1.0 ; mpm:absent "FAILED"')
    )


def test_what_is_too_long_is_not_even_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "MOST_CHARACTERS", len(TURTLE) - 1)
    assert "million characters; no argument has" in refused(TURTLE)


# ── Nothing is fetched


@pytest.fixture
def nothing_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a file or a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(builtins, "open", refuse)
    monkeypatch.setattr("io.open", refuse)


def in_context(context: Any) -> str:
    told = json.loads(JSON_LD)
    return json.dumps({**told, "@context": context})


def nested(context: Any) -> str:
    told = json.loads(JSON_LD)
    told["@graph"][0]["@context"] = context
    return json.dumps(told)


@pytest.mark.usefixtures("nothing_outside")
@pytest.mark.parametrize("place", [in_context, nested])
@pytest.mark.parametrize(
    "context",
    [
        "http://127.0.0.1:9/context.jsonld",
        "file:///etc/hostname",
        "context.jsonld",
        ["http://127.0.0.1:9/context.jsonld", {}],
        {"@import": "file:///etc/hostname"},
        {"name": {"@id": "urn:n", "@context": "http://127.0.0.1:9/c"}},
    ],
)
def test_a_context_elsewhere_is_refused(place: Callable[[Any], str], context: Any) -> None:
    assert "names a context elsewhere, which is not fetched" in refused(place(context), "json-ld")


@pytest.mark.usefixtures("nothing_outside")
def test_addresses_are_names_and_nothing_more() -> None:
    imports = "<file:///etc/hostname> <http://www.w3.org/2002/07/owl#imports> <http://127.0.0.1:9/o> ."
    assert len(read_export(f"{imports}\n{TURTLE}", "turtle")) == 1
    entity = '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/hostname">]><r>&e;</r>'
    assert "not Turtle" in refused(entity)

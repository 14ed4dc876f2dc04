"""One record at fault among those of a search: it is left out, or read as what it is, with the fault named."""

from decimal import Decimal
from typing import Any

import pytest
from starlette.responses import Response

from collectors.gatherer import Gatherer, facts_from_resources
from collectors.reading.records import (
    MAX_DEPTH,
    MAX_OBJECTS,
    DuplicateNameError,
    decode_plain,
    decode_strict,
    exceeds_limits,
)
from collectors.reading.supplied import encode_resource, read_supplied
from collectors.source_facts import SourceFacts
from ontology.slots import Select
from ontology.values import Absent, AbsentReason, Quantity
from tests.support.collector_inputs import (
    AT,
    CREATININE,
    FIBRILLATION,
    PATIENT,
    SEX,
    SOURCE,
    condition,
    issue_codes,
    observation,
    searches,
    slot,
)
from tests.support.misbehaving_server import MisbehavingServer, client_of

ALL = searches(CREATININE, FIBRILLATION, SEX)
OTHER = observation("2.2", id="o2", effectiveDateTime="2024-04-01T08:00:00Z")
RAW = encode_resource(observation())
NUMBER, PRESENCE = slot(step_back=True), slot(FIBRILLATION, Select.ANY, closed_world=True)


def replaced(old: bytes, new: bytes) -> bytes:
    assert old in RAW
    return RAW.replace(old, new)


def with_value(value: str) -> bytes:
    return replaced(b'"value":1.1', b'"value":' + value.encode())


async def gather(*raws: bytes, kind: str = "Observation") -> tuple[SourceFacts, MisbehavingServer]:
    entries = b",".join(b'{"resource":' + raw + b"}" for raw in raws)
    page = b'{"resourceType":"Bundle","type":"searchset","entry":[' + entries + b"]}"
    server = MisbehavingServer(**{kind: lambda _: Response(page, media_type="application/fhir+json")})
    async with client_of(server) as http:
        return await Gatherer(http).gather(SOURCE, "p", ALL, AT, 5), server


INVALID, UNREADABLE = "invalid-record", "stepped-back"
FAULTS: dict[str, tuple[bytes, str]] = {
    "a name twice": (replaced(b'"status":"final"', b'"status":"preliminary","status":"final"'), INVALID),
    "a value twice": (replaced(b'"value":1.1', b'"value":9.9,"value":1.1'), INVALID),
    "a number beyond floating point": (with_value("1e400"), UNREADABLE),
    "a number with an exponent without end": (with_value("1e99999999"), UNREADABLE),
    "a number elsewhere with an exponent that no decimal has": (
        replaced(b'"o1"', b'"o1","extension":[{"url":"http://x","valueDecimal":1e99999999999999999999}]'),
        INVALID,
    ),
    "an integer of which hours are spent to make one": (
        replaced(b'"o1"', b'"o1","extension":[{"url":"http://x","valueInteger":1e99999999}]'),
        INVALID,
    ),
    "a time that is not UTF-8": (replaced(b'"o1"', b'"o1","issued":"2026-\xff"'), INVALID),
    "a unit that is not UTF-8": (replaced(b'"unit":"mg/dL"', b'"unit":"mg/\xff"'), INVALID),
    "an extension that is not UTF-8": (replaced(b'"o1"', b'"o1","extension":[{"url":"\xff"}]'), INVALID),
    "a contained record that is not UTF-8": (replaced(b'"o1"', b'"o1","contained":[{"id":"\xff"}]'), INVALID),
    "a number of six thousand digits": (with_value("1" * 6000), INVALID),
    "a fraction of five thousand digits": (with_value("0." + "0" * 5000 + "1"), UNREADABLE),
    "a negative amount": (with_value("-1.1"), UNREADABLE),
    "a text for a number": (with_value('"1.1"'), UNREADABLE),
    "a truth value for a number": (with_value("true"), INVALID),
    "an element of R5": (encode_resource(observation(triggeredBy=[{"type": "reflex"}])), INVALID),
    "text that is not UTF-8": (replaced(b'"o1"', b'"o1","note":[{"text":"\xff"}]'), INVALID),
    "an object for an array": (encode_resource(observation(note={"text": "x"})), INVALID),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_record_at_fault_is_left_out_and_named(name: str) -> None:
    raw, code = FAULTS[name]
    facts, _ = await gather(raw, encode_resource(OTHER))
    selected = facts.select(NUMBER, AT, AT)
    assert selected.value == Quantity(Decimal("2.2"), "mg/dL")
    assert issue_codes(selected) == [code]
    assert "Observation/o1" in selected.issues[0].text


@pytest.mark.parametrize("name", FAULTS)
def test_a_supplied_record_at_fault_is_left_out_and_named(name: str) -> None:
    raw, code = FAULTS[name]
    supplied = b"[" + b",".join((encode_resource(PATIENT), raw, encode_resource(OTHER))) + b"]"
    records = read_supplied(supplied, allow_array=True).records
    selected = facts_from_resources(SOURCE, "p", ALL, records).select(NUMBER, AT, AT)
    assert selected.value == Quantity(Decimal("2.2"), "mg/dL")
    assert issue_codes(selected) == [code]
    assert "Observation/o1" in selected.issues[0].text


@pytest.mark.parametrize("change", [(b'"o1"', b'"o1","issued":"2026-\xff"'), (b'"mg/dL"', b'"\xff"')])
async def test_a_damaged_record_that_concerns_nothing_asked_is_told(change: tuple[bytes, bytes]) -> None:
    damaged = replaced(b"2160-0", b"9999-9").replace(*change)
    facts, _ = await gather(damaged, encode_resource(OTHER))
    assert facts.select(NUMBER, AT, AT).value == Quantity(Decimal("2.2"), "mg/dL")
    assert "unreadable-record" in [issue.code for issue in facts.issues]


STRANGERS: dict[str, dict[str, Any]] = {
    "another patient's": {"reference": "Patient/q"},
    "a patient's of another server": {"reference": "http://evil.test/fhir/Patient/p"},
    "a contained patient's": {"reference": "#p"},
    "nobody's": {},
}


@pytest.mark.parametrize("name", STRANGERS)
async def test_records_of_others_are_left_out_and_counted(name: str) -> None:
    contained = [PATIENT] if name.startswith("a contained") else None
    facts, _ = await gather(encode_resource(observation(subject=STRANGERS[name], contained=contained)))
    assert facts.select(NUMBER, AT, AT).value == Absent(AbsentReason.NOT_FOUND)
    assert [issue.code for issue in facts.issues] == ["wrong-subject"]


@pytest.mark.parametrize("reference", ["http://evil.test/fhir/Encounter/e1", "#e1", "urn:oid:1.2", "../Encounter/e1"])
async def test_references_out_of_the_source_are_never_followed(reference: str) -> None:
    undated = condition(onsetDateTime=None, recordedDate=None, encounter={"reference": reference})
    facts, server = await gather(encode_resource(undated), kind="Condition")
    assert {request.url.hostname for request in server.requests} == {"ehr.test"}
    assert all("evil" not in str(request.url) and "_id=" not in request.url.query for request in server.of("Encounter"))
    selected = facts.select(PRESENCE, AT, AT)
    assert isinstance(selected.value, Absent)


async def test_of_two_versions_of_a_record_the_newer_counts() -> None:
    old, new = (encode_resource(observation(value, meta={"versionId": n})) for value, n in (("9.9", "1"), ("1.1", "2")))
    for raws in ((old, new), (new, old)):
        facts, _ = await gather(*raws)
        assert facts.select(NUMBER, AT, AT).value == Quantity(Decimal("1.1"), "mg/dL")


def test_a_name_that_occurs_twice_is_named() -> None:
    with pytest.raises(DuplicateNameError) as caught:
        decode_strict(b'{"a": 1, "b": {"c": 1, "d": 2, "c": 1}}')
    assert caught.value.name == "c"
    assert decode_strict(b'{"a": {"a": 1.10}}') == {"a": {"a": Decimal("1.10")}}


@pytest.mark.parametrize(
    ("raw", "deep"),
    [
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, False),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), True),
        (b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1), True),
        (b'{"a": "' + b"[" * 1000 + b'"}', False),
        (b'{"a": "\\"' + b"{" * 1000 + b'"}', False),
        (b"[" + b"[]," * 1000 + b"[]]", False),
        (b"[" + b"{}," * (MAX_OBJECTS - 1) + b"{}]", False),
        (b"[" + b"{}," * MAX_OBJECTS + b"{}]", True),
        (b'"' + b"{" * (MAX_OBJECTS + 1) + b'"', False),
    ],
)
def test_depth_and_size_are_those_of_brackets_outside_of_texts(raw: bytes, deep: bool) -> None:
    assert exceeds_limits(raw) is deep


@pytest.mark.parametrize("text", ["0e99999", "-0E-99999", "0e5", "0.00"])
def test_zero_is_zero_with_any_exponent(text: str) -> None:
    assert decode_plain(text.encode()) == 0


@pytest.mark.parametrize("text", ["NaN", "-Infinity", '{"a": [Infinity]}'])
def test_what_python_takes_for_a_number_and_json_does_not_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="no JSON"):
        decode_plain(text.encode())

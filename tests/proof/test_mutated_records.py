"""Ten thousand mutations of what is decoded: no exception but ours leaves the reader of records, pages or Bundles."""

import random
import re
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

import collectors
from collectors.assembly import Draft, is_enabled, read_records
from collectors.collector import ReferencedRecords, begin_reading
from collectors.errors import SuppliedRecordsError
from collectors.fetching.addresses import is_within, resolve_link
from collectors.fetching.response import UnusableResponseError
from collectors.fetching.search_result import Pages, decode_bundle, next_link
from collectors.reading.code_and_time import read_code_and_time
from collectors.reading.r4_validation import invalid_element
from collectors.reading.readout import PatientContext
from collectors.reading.supplied import encode_resource, read_supplied
from collectors.search import Search
from collectors.supplied_records import from_records
from tests.support.charts import answer, creatinine, lab
from tests.support.engine_questions import shipped
from tests.support.event_records import RECORDS, WITH_ADMINISTRATIONS, event

SEEDS, MUTATIONS_OF_EACH = 25, 400
TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null')
WORDS = (
    b"1e99999999999999999999 -1e-99999999999999999999 0e99999999999999999999 1e999999999 1e-400 -0 NaN null true [] {} "
    b'[null] [[]] {"":0} "" "javascript:1" "http://xn--/" "\\u0000" "\\ud800" "\xff" "\xed\xa0\x80" "\xc3" '
    b'"2026-02-30" "9999-12-31T23:59:60Z" "0001-01-01T00:00:00+23:59" "9999-12-31T23:59:59-23:59" "#" "Patient/p"'
).split(b" ")
EVIL = [*WORDS, b"9" * 5_000, b'"' + b"a" * 5_000 + b'"', b"[" * 200 + b"]" * 200, b'{"a":' * 90 + b"1" + b"}" * 90]


def mutated(raw: bytes, chance: random.Random) -> bytes:
    """The JSON with one value exchanged for an evil one, or one byte changed, inserted or left out, or cut short."""
    place = chance.randrange(len(raw))
    match chance.randrange(8):
        case 0:
            return raw[:place] + bytes([chance.randrange(256)]) + raw[place + 1 :]
        case 1:
            return raw[:place] + bytes([chance.randrange(128, 256)]) + raw[place:]
        case 2:
            return raw[:place] + raw[place + 1 :]
        case 3:
            return raw[:place]
        case _:
            found = chance.choice(list(TOKENS.finditer(raw)))
            return raw[: found.start()] + chance.choice(EVIL) + raw[found.end() :]


def seeds() -> list[bytes]:
    """Records of every type that is read, with values of every kind."""
    when = "2024-05-20T08:00:00Z"
    mine: dict[str, Any] = {"subject": {"reference": "Patient/p"}, "issued": when, "effectiveDateTime": when}
    value = {"value": 1.1, "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL"}
    sampled = {"origin": {**value, "value": 0}, "period": 10, "dimensions": 1, "data": "1 2 E"}
    values: tuple[dict[str, Any], ...] = (
        {"valueRange": {"low": value, "high": value}},
        {"valueRatio": {"numerator": value, "denominator": {"value": 1, "unit": "1"}}},
        {"valueSampledData": sampled},
        {"valueString": "1.1"},
        {"valueDateTime": when},
        {"valuePeriod": {"start": when, "end": when}},
        {"valueTime": "08:00:00"},
        {"dataAbsentReason": {"coding": [{"code": "unknown"}], "text": "not done"}},
        {"valueQuantity": value, "extension": [{"url": "http://x", "valueDecimal": 1.5}], "note": [{"text": "Größe"}]},
        {"valueQuantity": value, "contained": [{"resourceType": "Device", "id": "d"}], "device": {"reference": "#d"}},
    )
    observations = [lab("2160-0", None, None, when, **mine, **each) for each in values]
    pressure = [{"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]}, "valueQuantity": value}]
    contained = {key: each for key, each in creatinine(1.1, when, id="c").items() if key != "subject"}
    result = {"result": [{"reference": "#c"}], "contained": [contained], "status": "final"}
    others = (
        {"resourceType": "Patient", "id": "p", "birthDate": "1950-04-05", "gender": "female", "deceasedDateTime": when},
        lab("85354-9", None, None, when, **mine, component=pressure),
        answer("67775-7", ("http://loinc.org", "LA9340-6"), when, **mine),
        {
            "resourceType": "Condition",
            "id": "c1",
            **mine,
            "code": RECORDS["Procedure"][1]["code"],
            "onsetDateTime": when,
        },
        {"resourceType": "DiagnosticReport", "id": "r1", "code": {"text": "report"}, **mine, **result},
        {"resourceType": "FamilyMemberHistory", "id": "f1", "status": "completed", "patient": mine["subject"]},
        {
            "resourceType": "QuestionnaireResponse",
            "id": "q1",
            "status": "completed",
            **mine,
            "authored": when,
            "item": [],
        },
        {"resourceType": "Device", "id": "d", "status": "active"},
    )
    return [encode_resource(each) for each in (*observations, *others, *(event(kind) for kind in RECORDS))]


def all_searches() -> tuple[Search, ...]:
    catalog = shipped()
    found = defaultdict(list)
    for concept in catalog.concepts.values():
        found[concept.origin].append(concept)
    return tuple(Search(each, tuple(found[each.origin]), (), None) for each in catalog.collectors.values())


@pytest.mark.parametrize("seed", range(SEEDS))
def test_ten_thousand_mutations_of_records(seed: int) -> None:
    assert SEEDS * MUTATIONS_OF_EACH == 10_000
    chance = random.Random(seed)  # noqa: S311 - not for secrecy
    sound = seeds()
    raws = [mutated(chance.choice(sound), chance) for _ in range(MUTATIONS_OF_EACH)]
    # One identity each: of several versions of a record, only one would be read.
    raws = [re.sub(rb'"id":"(\w+)"', b'"id":"\\g<1>-%d"' % number, raw, count=1) for number, raw in enumerate(raws)]
    context = PatientContext.for_patient(WITH_ADMINISTRATIONS, "p")
    draft = Draft(context)
    for search in filter(lambda each: is_enabled(each, WITH_ADMINISTRATIONS), all_searches()):
        records = read_records(raws, search.description.resource_type, draft)
        begun = begin_reading(records, search, context)
        references = {kind: tuple(read_records(raws, kind, draft)) for kind in begun.needed_references}
        readout = begun.finish(ReferencedRecords(references))
        draft.add_readout(readout, search)
        for record in records:
            invalid_element(record)
            read_code_and_time(record, context.source.zone)
    facts = draft.finish()
    assert any(issue.code == "unreadable-record" for issue in facts.issues)
    for fact in (each for those in facts.facts.values() for each in those):
        facts.record(fact.record.ref)


@pytest.mark.parametrize("seed", range(4))
def test_mutations_of_pages_and_bundles(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - not for secrecy
    sound = seeds()
    address = httpx.URL("http://ehr.test/fhir/Observation")
    for _ in range(500):
        entries = b",".join(b'{"fullUrl":"urn:uuid:p","resource":%s}' % each for each in chance.sample(sound, 2))
        link = b'"link":[{"relation":"next","url":"http://ehr.test/fhir/Observation?page=2"}],"total":2,'
        for linked in (b"", link):
            start = b'{"resourceType":"Bundle","type":"searchset",' + linked
            raw = mutated(start + b'"entry":[' + entries + b"]}", chance)
            read_supplied(raw, 1000, allow_array=True)
            with suppress(SuppliedRecordsError):
                from_records(raw, ("Observation", "Patient"), "p").find_references("Device", frozenset("d"))
            pages = Pages()
            with suppress(UnusableResponseError):
                bundle = decode_bundle(raw)
                pages.add(bundle)
                following = next_link(bundle)
                if following is not None and (target := resolve_link(address, following)) is not None:
                    is_within(target, "http://ehr.test/fhir")
            pages.missing()


def test_what_is_no_utf8_is_caught_wherever_something_is_decoded() -> None:
    files = Path(collectors.__file__).parent.rglob("*.py")
    assert [file.name for file in files if "except msgspec.DecodeError:" in file.read_text(encoding="utf-8")] == []

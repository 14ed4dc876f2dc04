"""Records made to deceive: texts that forge lines, names that leave their place, numbers too long."""

from typing import Any

import httpx
import pytest

from collectors.fetching.addresses import is_within
from collectors.gatherer import Gatherer
from collectors.reading.fhir_types import printable_text
from collectors.reading.readout import parse_record
from tests.support.collector_inputs import (
    AT,
    BASE,
    CREATININE,
    SEX,
    SOURCE,
    facts_of,
    observation,
    read_one,
    searches,
    slot,
)
from tests.support.misbehaving_server import MisbehavingServer, bundle, client_of

EVIL = "\x1b[31mnormal\r\n  ! forged\u202e\u2028\x9b"


def test_a_text_out_of_a_record_is_one_line_that_only_says_something() -> None:
    assert printable_text(EVIL) == "[31mnormal ! forged"
    assert printable_text("Größe\u00a0 5 µmol/L") == "Größe 5 µmol/L"
    assert len(printable_text("a" * 10_000)) < 400


@pytest.mark.parametrize(
    "changes",
    [
        {"interpretation": [{"text": EVIL}]},
        {"interpretation": [{"coding": [{"display": EVIL}]}]},
        {"referenceRange": [{"text": EVIL}]},
        {"referenceRange": [{"low": {"value": 1, "unit": EVIL}}]},
        {"valueQuantity": {"value": 1.1, "unit": EVIL}},
        {"valueQuantity": None, "valueString": EVIL},
        {"valueQuantity": None, "valueCodeableConcept": {"text": EVIL}},
        {"valueQuantity": None, "dataAbsentReason": {"text": EVIL}},
    ],
)
def test_no_text_of_a_record_carries_control_characters(changes: dict[str, Any]) -> None:
    read = read_one(observation(**changes))
    told = [read.recorded, read.reference_range, read.interpretation, read.problem]
    assert any(text and "normal" in text for text in told)
    assert all(text is None or text.isprintable() for text in told)


def test_the_name_of_an_element_is_told_without_control_characters() -> None:
    issues = facts_of(observation(**{EVIL: 1}), concepts=(CREATININE,)).select(slot(), AT, AT).issues
    assert any(issue.code == "invalid-record" for issue in issues)
    assert all(issue.text.isprintable() for issue in issues)


@pytest.mark.parametrize("evil", [EVIL, "../Patient/q", "a?b", "a b", "a> .\n<b", "a" * 500, "ä"])
async def test_a_record_whose_id_can_be_no_part_of_an_address_is_told_without_it(evil: str) -> None:
    async with client_of(MisbehavingServer(Observation=lambda _: bundle(observation(id=evil)))) as http:
        facts = await Gatherer(http).gather(SOURCE, "p", searches(CREATININE, SEX), AT, 5)
    assert facts.gathered_facts.resources["serum-creatinine"] == ()
    assert [issue.code for issue in facts.issues] == ["unreadable-record"]
    assert evil not in facts.issues[0].text


def test_a_version_that_can_be_no_part_of_an_address_is_none() -> None:
    assert read_one(observation(meta={"versionId": "1> .\n<urn:evil> <urn:a> <urn:b"})).iri == f"{BASE}/Observation/o1"


def test_versions_of_many_digits_are_no_fault() -> None:
    versions = (observation(meta={"versionId": digit * 5_000}) for digit in "12")
    # Neither is known to be the newer one.
    assert all(
        each.record.conflicting for each in facts_of(*versions, concepts=(CREATININE,)).facts["serum-creatinine"]
    )


@pytest.mark.parametrize(
    "path",
    [
        "..%2f..%2fadmin",
        "%2e%2e%5cadmin",
        "a/..%5Cadmin",
        "..\\admin",
        "..;/admin",
        "..%3Ba=b/admin",
        "%252e%252e/admin",
        "a%252fadmin",
        "..%00/admin",
    ],
)
def test_no_step_up_is_hidden_in_an_address(path: str) -> None:
    assert not is_within(httpx.URL(f"{BASE}/{path}"), BASE)


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("https://ehr.test/fhir/Observation", True),
        ("https://EHR.test:443/fhir?_getpages=1", True),
        ("https://ehr.test/fhir", True),
        ("http://ehr.test/fhir/Observation", False),
        ("https://ehr.test:8443/fhir/Observation", False),
        ("https://user@ehr.test/fhir/Observation", False),
        ("https://ehr.test.evil.test/fhir/Observation", False),
        ("https://evil.test/fhir/Observation?https://ehr.test/fhir", False),
        ("https://ehr.test/fhir2/Observation", False),
        ("https://ehr.test//evil.test/fhir", False),
        ("wss://ehr.test/fhir/Observation", False),
        ("https://xn--/fhir/Observation", False),
    ],
)
def test_what_is_within_a_source(address: str, inside: bool) -> None:
    assert is_within(httpx.URL(address), "https://ehr.test/fhir") is inside


def test_a_record_handed_in_that_nests_too_deeply_is_not_read() -> None:
    deep = b'{"resourceType":"Observation","id":"o1","x":' + b"[" * 5_000 + b"]" * 5_000 + b"}"
    assert parse_record(deep, SOURCE) is None

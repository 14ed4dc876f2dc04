"""Who a patient is, as a page's head has it: names of now, dates as precise as they are, identifiers that are meant."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from collectors.errors import SourceAnswerError
from collectors.patient.banner import Banner, Identifier, read_banner
from collectors.settings import Source
from ontology.values import Date

SOURCE = Source("ehr", "https://ehr.example/fhir")
MRN = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}], "text": "MRN"}


def banner(source: Source = SOURCE, **elements: Any) -> Banner:
    return read_banner(json.dumps({"resourceType": "Patient", "id": "p1", **elements}).encode(), "p1", source)


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ([{"family": "Example", "given": ["Ada", "B"]}], "Ada B Example"),
        ([{"text": "Ada Example"}], "Ada Example"),
        ([{"use": "old", "family": "Before"}, {"use": "usual", "family": "Now"}], "Now"),
        ([{"use": "usual", "family": "Usual"}, {"use": "official", "family": "Official"}], "Official"),
        ([{"use": "maiden", "family": "Before"}], None),
        ([{"family": "Ended", "period": {"end": "2020"}}, {"family": "Now"}], "Now"),
        ([{}], None),
        ([], None),
        ([{"family": "A\N{RIGHT-TO-LEFT OVERRIDE}b\nc"}], "A b c"),
    ],
)
def test_the_name_is_the_one_of_now(names: list[dict[str, Any]], shown: str | None) -> None:
    assert banner(name=names).name == shown


@pytest.mark.parametrize(
    ("text", "born"),
    [
        ("1962-03-14", Date(date(1962, 3, 14), date(1962, 3, 14))),
        ("1962", Date(date(1962, 1, 1), date(1962, 12, 31))),
        ("14.3.1962", None),
        (None, None),
    ],
)
def test_a_date_of_birth_is_as_precise_as_the_record(text: str | None, born: Date | None) -> None:
    assert banner(birthDate=text).born == born


@pytest.mark.parametrize(
    ("elements", "deceased", "at"),
    [
        ({}, None, None),
        ({"deceasedBoolean": False}, False, None),
        ({"deceasedBoolean": True}, True, None),
        ({"deceasedDateTime": "2026-01-02T03:04:05Z"}, True, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        # A death whose date cannot be read is a death.
        ({"deceasedDateTime": "in spring"}, True, None),
    ],
)
def test_a_death_is_never_lost(elements: dict[str, Any], deceased: bool | None, at: datetime | None) -> None:
    found = banner(**elements)
    assert (found.deceased, found.deceased_at) == (deceased, at)


def test_record_numbers_are_shown_unless_systems_are_named() -> None:
    given = [
        {"type": MRN, "system": "urn:mrn", "value": "17"},
        {"system": "urn:insurance", "value": "secret"},
        {"type": MRN, "use": "old", "value": "16"},
        {"type": MRN},
    ]
    assert banner(identifier=given).identifiers == (Identifier("urn:mrn", "17", "MRN"),)
    named = replace(SOURCE, identifiers=("urn:insurance",))
    assert banner(named, identifier=given).identifiers == (Identifier("urn:insurance", "secret", None),)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"resourceType":"Patient","id":"p2"}', b'{"resourceType":"Person","id":"p1"}', b"\xff"]
)
def test_another_record_is_refused(body: bytes) -> None:
    with pytest.raises(SourceAnswerError) as error:
        read_banner(body, "p1", SOURCE)
    assert "p2" not in str(error.value)


def test_it_is_not_in_a_log() -> None:
    found = banner(name=[{"family": "Example"}], birthDate="1962-03-14", identifier=[{"type": MRN, "value": "17"}])
    assert "Example" not in repr(found) and "1962" not in repr(found) and "17" not in repr(found)

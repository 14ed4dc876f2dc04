"""What fhir.resources refuses is left out, but for what is declared as tolerated, with its reason."""

from typing import Any

import pytest

from collectors.reading.r4_validation import TOLERATED_VIOLATIONS, invalid_element
from collectors.reading.readout import parse_record
from collectors.reading.supplied import encode_resource
from tests.support.collector_inputs import SOURCE, observation


def judged(record: dict[str, Any]) -> str | None:
    made = parse_record(encode_resource(record), SOURCE)
    assert made is not None
    return invalid_element(made)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"effectiveDateTime": "2016-12-31T23:59:60Z"},
        {"effectiveDateTime": "2024-03"},
        {"contained": [{"resourceType": "MedicinalProduct", "id": "x"}]},
        {"contained": [{"resourceType": "Evidence", "id": "x", "exposureBackground": {"reference": "#y"}}]},
        {"extension": [{"url": "urn:x", "valueMeta": {"versionId": "1"}}]},
        {"effectiveDateTime": "2024-03-01T10:00Z"},
        {"effectiveDateTime": "2024-03-01T10:00:00"},
        {"meta": {"lastUpdated": "2024-03-01T10:00:00"}},
        {"code": {"coding": [{"system": "http://loinc.org", "code": "2160-0", "display": ""}], "text": ""}},
    ],
    ids=str,
)
def test_sound(changes: dict[str, Any]) -> None:
    assert judged(observation(**changes)) is None


@pytest.mark.parametrize(
    ("changes", "element"),
    [
        ({"foo": 1}, "foo"),
        ({"effectiveDateTime": "2024-03-01T24:00:00Z"}, "effectiveDateTime"),
        ({"valueString": ""}, "valueString"),
        ({"valueQuantity": {"value": 1, "units": "mg/dL"}}, "valueQuantity.units"),
        ({"extension": [{"url": "urn:x", "valueNonsense": 1}]}, "extension.0.valueNonsense"),
        ({"code": None}, "code"),
    ],
    ids=str,
)
def test_unsound(changes: dict[str, Any], element: str) -> None:
    assert judged(observation(**changes)) == element


def test_each_tolerance_has_its_reason() -> None:
    assert all(rule.reason for rule in TOLERATED_VIOLATIONS)

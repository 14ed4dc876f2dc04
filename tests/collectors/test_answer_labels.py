"""Which labels of an answer are taken for FHIR R4 in JSON."""

import pytest

from collectors.fetching.response import UnusableResponseError, check_content_type

TAKEN = (
    "application/fhir+json",
    "Application/FHIR+JSON; charset=UTF-8",
    'application/fhir+json; fhirVersion="4.0"',
    "application/json",
    "application/json+fhir;charset=utf-8",
    "text/json",
)
REFUSED = {
    "text/html": "HTML",
    "application/fhir+xml": "not labelled as JSON",
    "application/xml+fhir": "not labelled as JSON",
    "": "not labelled as JSON",
    "application/fhir+json; fhirVersion=5.0": "another version",
}


@pytest.mark.parametrize("label", TAKEN)
def test_taken(label: str) -> None:
    check_content_type(label)


@pytest.mark.parametrize("label", REFUSED)
def test_refused(label: str) -> None:
    with pytest.raises(UnusableResponseError, match=REFUSED[label]):
        check_content_type(label)

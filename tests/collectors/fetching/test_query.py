"""Queries as they are sent."""

from dataclasses import replace
from datetime import timedelta
from itertools import chain

import pytest

from collectors.fetching.query import MOST_CODES, TOO_MANY_CODES, format_tokens, search_queries
from collectors.reading.codes import CodeIndex
from collectors.reading.fhir_types import CodeableConcept
from collectors.reading.fhir_types import Coding as Written
from ontology.values import Coding
from tests.support.collector_inputs import AT, CREATININE, FIBRILLATION, SEX, SOURCE, searches


def test_codes_window_and_size() -> None:
    (search,) = searches(CREATININE, window=timedelta(days=90))
    (parameters,) = search_queries(search, SOURCE, "p", AT)
    assert parameters == (
        ("patient", "p"),
        ("code", "http://loinc.org|2160-0,http://loinc.org|14682-9,http://loinc.org|38483-4"),
        ("date", "ge2024-03-01"),
        ("_count", "500"),
    )


def test_no_window_asks_for_all_times() -> None:
    (search,) = searches(CREATININE)
    assert "date" not in dict(search_queries(search, SOURCE, "p", AT)[0])


def test_window_beyond_the_calendar() -> None:
    (search,) = searches(CREATININE, window=timedelta(days=999_999))
    assert dict(search_queries(search, SOURCE, "p", AT)[0])["date"] == "ge0001-01-01"


@pytest.mark.parametrize(("concept", "name"), [(FIBRILLATION, "patient"), (SEX, "_id")])
def test_types_that_are_searched_by_patient_alone(concept: object, name: str) -> None:
    (search,) = searches(concept)  # type: ignore[arg-type]  # parametrised with concepts only
    assert search_queries(search, SOURCE, "p", AT) == (((name, "p"), ("_count", "500")),)


@pytest.mark.parametrize("count", [1, MOST_CODES, MOST_CODES + 1, 3 * MOST_CODES])
def test_every_code_is_sent_once_and_never_too_many_at_once(count: int) -> None:
    (search,) = searches(CREATININE)
    many = replace(search, codes=tuple(Coding("urn:x", str(number)) for number in range(count)))
    sent = [dict(parameters)["code"].split(",") for parameters in search_queries(many, SOURCE, "p", AT)]
    assert all(len(each) <= MOST_CODES for each in sent)
    assert list(chain(*sent)) == [f"urn:x|{number}" for number in range(count)]


def test_beyond_five_hundred_codes_all_records_are_asked_for() -> None:
    (search,) = searches(CREATININE)
    for count, named in ((TOO_MANY_CODES, True), (TOO_MANY_CODES + 1, False)):
        many = replace(search, codes=tuple(Coding("urn:x", str(number)) for number in range(count)))
        sent = search_queries(many, SOURCE, "p", AT)
        assert {"code" in dict(parameters) for parameters in sent} == {named}
        assert len(sent) == (5 if named else 1)


def test_bare_codes_are_asked_for_without_their_system_each_once() -> None:
    (search,) = searches(CREATININE)
    both = replace(search, codes=(Coding("urn:x", "a"), Coding("urn:y", "a"), Coding("urn:x", "b,c")))
    (parameters,) = search_queries(both, replace(SOURCE, bare_codes=True), "p", AT)
    assert dict(parameters)["code"] == r"a,b\,c"
    assert dict(search_queries(both, SOURCE, "p", AT)[0])["code"] == r"urn:x|a,urn:y|a,urn:x|b\,c"


def test_reserved_characters_are_escaped() -> None:
    assert format_tokens((Coding("urn:x", "a,b|c$d\\"),)) == r"urn:x|a\,b\|c\$d\\"


@pytest.mark.parametrize(
    ("code", "found"), [("I48", True), ("I48.0", True), ("I480", True), ("i48.91", True), ("I4", False), ("I49", False)]
)
def test_prefix_codes(code: str, found: bool) -> None:
    index = CodeIndex((FIBRILLATION,))
    written = CodeableConcept(coding=[Written(system="http://hl7.org/fhir/sid/icd-10-cm", code=code)])
    assert bool(index.find(written)) is found


def test_best_of_several_codes_counts() -> None:
    coding = [Written(system="http://loinc.org", code=code) for code in ("38483-4", "2160-0")]
    ((_, accepted),) = CodeIndex((CREATININE,)).find(CodeableConcept(coding=coding))
    assert accepted.coding.code == "2160-0"

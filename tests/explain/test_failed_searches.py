"""Which failed searches matter to an answer, and which of the plan's searches they were."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from ontology.evaluation import Issue, Severity
from ontology.values import Absent, AbsentReason, Coding, Quantity
from server.executor.trace import BoundInput
from server.explain.dependencies import Dependencies
from server.explain.failed_searches import FAILED_REASONS, FailedSearches, failure_reason
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import Record
from tests.support.hook_advice import rule, service, traced
from tests.support.traces import CREATININE_SLOT, EGFR_SLOT, REGION_SLOT, filled

CATEGORY = service(rule("gfr-category"))
CHART = [patient(), creatinine(2.3, "2026-06-16T08:00:00Z")]
CHILD = [patient("2018-01-01"), *CHART[1:]]


def failed(records: Sequence[Record], *without: str) -> FailedSearches:
    trace = traced(CATEGORY, records, without)
    return FailedSearches(trace, Dependencies(trace))


def last(searches: FailedSearches) -> int:
    trace = searches.trace
    (answered,) = trace.answers
    assert answered.execution is not None
    return answered.execution


def codes_of(searches: FailedSearches) -> list[str]:
    found = (each.value for each in searches.possible_results(last(searches)))
    return [each.code for each in found if isinstance(each, Coding)]


@pytest.mark.parametrize("reason", AbsentReason)
def test_an_absence_says_that_a_search_failed_only_where_it_says_nothing_of_the_record(reason: AbsentReason) -> None:
    found = failure_reason(filled(CREATININE_SLOT, Absent(reason)))
    assert found is (reason if reason in FAILED_REASONS else None)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (filled(CREATININE_SLOT, Absent(AbsentReason.UNREACHABLE), assumed=True), None),
        (filled(REGION_SLOT, Absent(AbsentReason.NOT_QUERIED)), None),
        (filled(EGFR_SLOT, Absent(AbsentReason.NOT_QUERIED), steps=(0,)), None),
        (filled(replace(EGFR_SLOT, current_only=True), Absent(AbsentReason.NOT_QUERIED)), None),
    ],
    ids=["assumed", "a setting", "a step below", "not asked at a point of a series"],
)
def test_what_is_not_searched_for_did_not_fail(given: BoundInput, expected: AbsentReason | None) -> None:
    assert failure_reason(given) is expected


@pytest.mark.parametrize("code", ["part-missing", "unreachable", "not-permitted", "not-queried"])
def test_a_page_that_failed_is_a_failed_search_though_there_is_a_value(code: str) -> None:
    """CDS Hooks fetches what is missing: a bad next page may hold a newer value."""
    value = Quantity(Decimal("1.1"), "mg/dL")
    issue = Issue(Severity.WARNING, code, "Observation records may be missing.", "creatinine")
    assert failure_reason(filled(CREATININE_SLOT, value, issues=(issue,))) is not None
    assert failure_reason(filled(CREATININE_SLOT, value)) is None


def test_each_failed_input_is_found_with_the_search_that_it_needed() -> None:
    searches = failed(CHART, "observation", "procedure")
    found = {each.slot.concept.id: each for each in searches.behind(last(searches))}
    assert {"serum-creatinine", "dialysis"} <= set(found)
    assert [each.description.id for each in searches.searches_for(found["serum-creatinine"])] == ["observation"]
    assert [each.description.id for each in searches.searches_for(found["dialysis"])] == ["procedure"]
    assert searches.failed_types >= {"Observation", "Procedure"}


def test_where_it_is_not_known_which_search_failed_all_are_named() -> None:
    searches = failed(CHART, "condition")
    (dialysis,) = (each for each in searches.behind(last(searches)) if each.slot.concept.id == "dialysis")
    unknown = FailedSearches(replace(searches.trace, issues=()), searches.dependencies)
    assert [each.description.id for each in unknown.searches_for(dialysis)] == ["condition", "procedure"]


def test_nothing_failed_where_all_was_supplied() -> None:
    searches = failed(CHART)
    assert searches.behind(last(searches)) == ()
    assert codes_of(searches) == ["G4"]


def test_a_refusal_that_is_known_needs_nothing_more() -> None:
    searches = failed(CHILD, "condition", "procedure")
    assert searches.possible_results(last(searches)) == ()


def test_what_a_failed_search_could_bring_leaves_the_result_open() -> None:
    searches = failed(CHART, "observation")
    assert codes_of(searches) == ["G1", "G2", "G3a", "G3b", "G4", "G5"]

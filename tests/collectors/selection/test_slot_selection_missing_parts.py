"""Several searches may serve one concept: what happens where some of them fail."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from collectors.facts import Failure, SlotSelection
from collectors.source_facts import SourceFacts
from ontology.concepts import Concept, Origin
from ontology.slots import Select
from ontology.values import Absent, AbsentReason, Quantity, Series, Value
from tests.support.collector_inputs import AT, CREATININE, FIBRILLATION, condition, facts_of, observation, slot

GONE = Failure(AbsentReason.UNREACHABLE, "the laboratory could not be retrieved.")
RECENT: Mapping[str, Any] = {"effectiveDateTime": "2024-05-30T08:00:00Z"}
OLD: Mapping[str, Any] = {"effectiveDateTime": "2020-05-30T08:00:00Z"}


def partly(known: SourceFacts, concept: Concept, answered: bool = True) -> SourceFacts:
    """The same facts where a further search for the concept failed."""
    return replace(
        known,
        failures={concept.id: (GONE,)},
        answered=known.answered if answered else known.answered - {concept.id},
    )


def check(selected: SlotSelection, value: Value, *codes: str) -> None:
    assert selected.value == value
    assert {issue.code for issue in selected.issues} == set(codes)


def test_a_value_is_used_with_the_missing_part_told() -> None:
    known = partly(facts_of(observation(**RECENT), concepts=(CREATININE,)), CREATININE)
    found = known.select(slot(CREATININE, window=timedelta(days=90)), AT, AT)
    assert isinstance(found.value, Quantity)
    assert [issue.code for issue in found.issues] == ["part-missing"]
    assert GONE.text in found.issues[0].text


@pytest.mark.parametrize("records", [[], [observation(**OLD)]])
def test_not_found_and_stale_are_could_not_tell(records: list[dict[str, Any]]) -> None:
    known = partly(facts_of(*records, concepts=(CREATININE,)), CREATININE)
    found = known.select(slot(CREATININE, window=timedelta(days=90)), AT, AT)
    assert found.value == Absent(AbsentReason.UNREACHABLE)
    assert "unreachable" in {issue.code for issue in found.issues}


def test_a_series_tells_it_too() -> None:
    known = partly(facts_of(observation(**RECENT), concepts=(CREATININE,)), CREATININE)
    found = known.select(slot(CREATININE, select=Select.SERIES), AT, AT)
    assert isinstance(found.value, Series)
    assert "part-missing" in {issue.code for issue in found.issues}


def test_a_yes_counts_whatever_else_failed() -> None:
    known = partly(facts_of(condition(), concepts=(FIBRILLATION,)), FIBRILLATION)
    assert known.select(slot(FIBRILLATION, select=Select.ANY), AT, AT).value is True


def test_no_yes_is_could_not_tell_even_in_a_closed_world() -> None:
    known = partly(facts_of(concepts=(FIBRILLATION,)), FIBRILLATION)
    closed = slot(FIBRILLATION, select=Select.ANY, closed_world=True)
    assert facts_of(concepts=(FIBRILLATION,)).select(closed, AT, AT).value is False
    check(known.select(closed, AT, AT), Absent(AbsentReason.UNREACHABLE), "unreachable")


def test_where_all_failed_nothing_is_told_but_that() -> None:
    known = partly(facts_of(concepts=(CREATININE,)), CREATININE, answered=False)
    check(
        known.select(slot(CREATININE, window=timedelta(days=90)), AT, AT),
        Absent(AbsentReason.UNREACHABLE),
        "unreachable",
    )
    assert known.gathered_facts.failures == {CREATININE.id: GONE}


def test_every_origin_of_events_hides_what_cannot_be_read() -> None:
    vaccine = replace(FIBRILLATION, id="vaccine", origin=Origin.IMMUNIZATION)
    known = replace(
        facts_of(concepts=(FIBRILLATION,)),
        facts={"vaccine": ()},
        answered=frozenset({"vaccine"}),
        undecoded={Origin.IMMUNIZATION: 1},
    )
    closed = slot(vaccine, select=Select.ANY, closed_world=True)
    check(known.select(closed, AT, AT), Absent(AbsentReason.UNCONVERTIBLE), "codes-unreadable")

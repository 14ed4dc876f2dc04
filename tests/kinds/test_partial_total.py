"""A partial total says "at least so much is recorded": only where the record could be read."""

from decimal import Decimal

import pytest

from ontology.evaluation import Severity, SlotInput
from ontology.values import Absent, AbsentReason
from tests.kinds.test_score import INSUFFICIENT, OXYGEN, RATE, evaluate, make_score, number, points

CHART = make_score(RATE, OXYGEN, partial_total=True)
UNREAD = (AbsentReason.UNREACHABLE, AbsentReason.NOT_PERMITTED, AbsentReason.NOT_QUERIED, AbsentReason.FAILED)


@pytest.mark.parametrize("reason", UNREAD)
def test_what_could_not_be_read_leaves_no_total_but_its_limits(reason: AbsentReason) -> None:
    evaluation = evaluate(CHART, {"rate": number(26), "oxygen": SlotInput(Absent(reason))})
    assert evaluation.value == INSUFFICIENT
    assert evaluation.bounds is not None
    assert (evaluation.bounds.low, evaluation.bounds.high) == (Decimal(3), Decimal(5))
    assert evaluation.working.claim is None
    assert {issue.severity for issue in evaluation.issues if issue.code == "input-absent"} == {Severity.ERROR}


@pytest.mark.parametrize("reason", set(AbsentReason) - set(UNREAD) - {AbsentReason.NOT_APPLICABLE})
def test_what_is_not_recorded_leaves_the_lowest_total(reason: AbsentReason) -> None:
    evaluation = evaluate(CHART, {"rate": number(26), "oxygen": SlotInput(Absent(reason))})
    assert evaluation.value == points(3)


@pytest.mark.parametrize("reason", set(AbsentReason) - set(UNREAD) - {AbsentReason.NOT_APPLICABLE})
def test_only_of_what_was_not_found_is_it_said_that_it_is_not_recorded(reason: AbsentReason) -> None:
    claim = evaluate(CHART, {"rate": number(26), "oxygen": SlotInput(Absent(reason))}).working.claim
    lack = "not recorded" if reason is AbsentReason.NOT_FOUND else "not known"
    assert claim == f"Score: at least 3 (recorded); up to 5 if criteria {lack} are present"

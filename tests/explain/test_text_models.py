"""What the plain text says of a trained model, and of times that are known to the day."""

from dataclasses import replace
from datetime import UTC, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from server.explain.explain import explain
from server.explain.phrases import describe_contributions, describe_ground_times
from server.explain.text import render_argument
from tests.support import traces as t
from tests.support.model_result import model_result

MODEL = (
    "uncertainty: 5.1 to 15.2 % (90 % of fits)",
    "a demonstration model: demonstration only, not for clinical use"
    " (its card: python -m server card kidney-failure-risk-5y)",
    "1 of 2 inputs known; UACR 300 mg/g is above 99 % of the training data",
    "calibration: slope 0.98",
    "moved the estimate, compared with usual people, most first: up: eGFR 45; down: UACR 300",
    "intended use: For clinicians.",
)


@pytest.mark.parametrize("text", MODEL)
def test_a_model_says(text: str) -> None:
    assert text in render_argument(model_result())


def test_what_is_no_model_says_none_of_it() -> None:
    told = render_argument(explain(t.kfre_trace(), t.interpret)[0])
    assert not [text for text in MODEL[:5] if text in told]
    assert "model" not in told.replace("KFRE_MODULE", "")


def test_what_hardly_moved_an_estimate_is_counted_and_not_named() -> None:
    step = model_result().step
    assert step is not None and step.contributions is not None
    one, other = step.contributions.items
    told = describe_contributions(replace(step.contributions, items=(one, replace(other, amount=Decimal("-0.01")))))
    assert told.endswith("most first: up: eGFR 45; less than these: 1 more input")


def test_what_limits_an_answer_stands_before_what_it_is_made_of() -> None:
    found = 0
    for make in t.EVERY_TRACE.values():
        for result in explain(make(), t.interpret):
            lines = render_argument(result).splitlines()
            above = [n for n, line in enumerate(lines) if line.startswith("  ! ")]
            below = [n for n, line in enumerate(lines) if line.startswith("  by ")]
            limits = {line.removeprefix("  ! ") for line in lines if line.startswith("  ! ")}
            if result.step is not None and limits & set(result.step.rebuttals):
                found += 1
                assert above[0] < below[0]
    assert found


DAY = datetime(2026, 6, 1, tzinfo=UTC)
EVENING = datetime.combine(DAY.date(), time.max, UTC)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SPANS = [
    # A record that is dated to the day is one record of one day, not one of from midnight to midnight.
    (DAY, EVENING, None),
    (NOON, NOON, None),
    # Days are read in the zone of their source; midnight with an offset is an instant.
    (datetime(2026, 5, 1, tzinfo=ZoneInfo("UTC")), EVENING, "rests on records from 2026-05-01 to 2026-06-01"),
    (datetime(2026, 5, 1, tzinfo=UTC), EVENING, "rests on records from 2026-05-01 00:00 UTC to 2026-06-01"),
    (datetime(2026, 5, 1, 8, tzinfo=UTC), NOON, "rests on records from 2026-05-01 08:00 UTC to 2026-06-01 12:00 UTC"),
]


@pytest.mark.parametrize(("oldest", "latest", "said"), SPANS)
def test_times_are_told_as_precisely_as_they_are_known(oldest: datetime, latest: datetime, said: str | None) -> None:
    result = replace(model_result(), grounds_from=oldest, effective=latest)
    assert describe_ground_times(result) == said


def test_what_has_no_value_rests_on_nothing() -> None:
    result = explain(t.EVERY_TRACE["not-applicable"](), t.interpret)[0]
    assert describe_ground_times(replace(result, grounds_from=DAY, effective=NOON)) is None

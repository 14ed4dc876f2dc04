"""A simulated cohort of creatinine courses: none is understaged, and noise is seldom called AKI."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from modules.aki_stage.evaluate import evaluate
from ontology.evaluation import Evaluation
from ontology.values import Absent, AbsentReason, Coding, Series
from tests.support.independent_aki import UNKNOWN, Course, independent_stage

AT = datetime(2026, 6, 15, 12, tzinfo=UTC)
NOT_FOUND = Absent(AbsentReason.NOT_FOUND)
CV = 0.05
COURSES = 400


def evaluated(course: Course) -> Evaluation:
    points = sorted((AT - timedelta(hours=hours), Decimal(str(value))) for hours, value in course)
    return evaluate(Series(tuple(points), "mg/dL"), NOT_FOUND, AT, Decimal(0))


def stage(evaluation: Evaluation) -> int:
    if not isinstance(evaluation.value, Coding):
        return UNKNOWN
    last = evaluation.value.code[-1]
    return int(last) if last.isdigit() else 0


def measured(dice: random.Random, true: float) -> float:
    return max(0.1, round(true * dice.gauss(1, CV), 2))


def before(dice: random.Random) -> list[float]:
    """When an outpatient was seen in the year before, and the days of a stay: hours before the question."""
    visits = sorted((dice.uniform(10 * 24, 360 * 24) for _ in range(dice.randint(1, 5))), reverse=True)
    return [*visits, *(24.0 * day + dice.uniform(0, 6) for day in range(dice.randint(2, 9), -1, -1))]


def stable(dice: random.Random, true: float) -> Course:
    return [(hours, measured(dice, true)) for hours in before(dice)]


def diluted(dice: random.Random, true: float) -> Course:
    """Fluids take a fifth to a third off from some day on, and it stays low."""
    since, share = dice.uniform(24, 140), dice.uniform(0.67, 0.8)
    return [(hours, measured(dice, true * (share if hours < since else 1))) for hours in before(dice)]


def returning(dice: random.Random, true: float) -> Course:
    """Diluted for a few days, then back."""
    since, share = dice.uniform(60, 150), dice.uniform(0.62, 0.75)
    return [(hours, measured(dice, true * (share if 30 < hours < since else 1))) for hours in before(dice)]


def injured(dice: random.Random, true: float) -> Course:
    """A rise at some speed to some peak, and back or not; begun up to 150 days ago, sometimes with no value before."""
    begun, days = dice.choice([dice.uniform(12, 240), dice.uniform(240, 3600)]), dice.uniform(0.5, 9)
    peak, back = dice.uniform(1.2, 6), dice.choice([0.0, dice.uniform(0.02, 0.3)])
    hours = [*before(dice), *(dice.uniform(0, begun) for _ in range(dice.randint(0, 25)))]

    def true_at(when: float) -> float:
        since = (begun - when) / 24
        if since <= 0:
            return true
        rise = 1 + (peak - 1) * min(1.0, since / days)
        return true * max(1.0, rise - back * peak * max(0.0, since - days))

    first = dice.choice([9_999.0, dice.uniform(20, 300)])
    kept = sorted({round(h, 2) for h in hours if h <= first} or {1.0})
    return [(h, measured(dice, true_at(h))) for h in kept]


def courses(make: Callable[[random.Random, float], Course], true: float) -> Iterator[Course]:
    dice = random.Random(f"{make.__name__} {true}")  # noqa: S311
    return (make(dice, true) for _ in range(COURSES))


@pytest.mark.parametrize("true", [0.6, 1.0, 1.2, 2.5, 4.0])
@pytest.mark.parametrize("make", [stable, diluted, returning, injured])
def test_each_course_has_the_stage_that_an_independent_reading_gives(
    make: Callable[[random.Random, float], Course], true: float
) -> None:
    for course in courses(make, true):
        assert stage(evaluated(course)) == independent_stage(course), course


def test_the_cohort_has_every_stage_and_courses_that_cannot_be_staged() -> None:
    found = [independent_stage(course) for course in courses(injured, 1.0)]
    assert all(found.count(each) >= 20 for each in (UNKNOWN, 0, 1, 2, 3)), found


@pytest.mark.parametrize("true", [0.6, 0.8, 1.0, 1.2])
@pytest.mark.parametrize("make", [stable, diluted])
def test_up_to_1_2_noise_and_a_lasting_dilution_are_called_aki_in_2_percent_at_most(
    make: Callable[[random.Random, float], Course], true: float
) -> None:
    assert sum(stage(evaluated(course)) > 0 for course in courses(make, true)) <= 0.02 * COURSES


@pytest.mark.parametrize("true", [0.8, 1.0, 1.2])
def test_a_return_to_the_earlier_level_is_staged_with_a_caution(true: float) -> None:
    staged = [each for each in map(evaluated, courses(returning, true)) if stage(each) > 0]
    assert len(staged) > 0.1 * COURSES
    warned = [each for each in staged if "return-to-earlier-level" in {issue.code for issue in each.issues}]
    assert len(warned) >= 0.98 * len(staged)


@pytest.mark.parametrize(("true", "least", "most"), [(1.5, 0, 0.06), (2.5, 0.15, 0.6), (4.0, 0.4, 1)])
def test_chance_alone_meets_0_3_mg_at_high_values_and_carries_a_caution(true: float, least: float, most: float) -> None:
    staged = [each for each in map(evaluated, courses(stable, true)) if stage(each) > 0]
    assert least <= len(staged) / COURSES <= most
    for each in staged:
        codes = {issue.code for issue in each.issues}
        assert codes & {"small-rise", "return-to-earlier-level"} or true == 1.5

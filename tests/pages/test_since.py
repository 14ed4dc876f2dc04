"""Since when a result has been so: a category, a band, a range; and of no value, when there last was one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from ontology.evaluation import Issue, Severity
from ontology.values import Absent, AbsentReason, Coding, Quantity
from server.explain.results import AnswerResult, Status
from server.pages.since import since_sentence
from tests.support.charts import condition, patient
from tests.support.html_pages import Checked
from tests.support.page_servers import answer_path, serving_chart
from tests.support.synthetic_answers import synthetic_answers

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("patient", "concept", "says"),
    [
        ("sepsis-ward", "aki-stage", "Since 30 Jun 2026 10:30 UTC; before that AKI stage 1."),
        ("ckd-progressing", "gfr-category", "Since 15 Jul 2025; before that G3b."),
        ("ckd-progressing", "aki-episode", "Since 10 Oct 2023 at least."),
        ("dialysis", "egfr", ""),
        # The band of a number likewise.
        (
            "ckd-progressing",
            "kidney-failure-risk-5y",
            "5 % in 5 years or more since 9 Jan 2024; before that 3 to below",
        ),
        (
            "ckd-progressing",
            "egfr",
            "Severely decreased since 15 Jul 2025; before that moderately to severely decreased.",
        ),
        ("sepsis-ward", "news2", "High since 30 Jun 2026 00:04 UTC at least."),
        # A range, no value, and a number of which not all inputs are known.
        ("af-stroke", "cha2ds2-vasc", "The same since"),
        ("prevention", "prevent-10y-total-cvd", "No usable value at any time since 1 Jul 2023."),
        ("infarction", "mortality-after-mi-1y", "The same since 30 Jun 2026 11:02 UTC; before that 27 %."),
    ],
)
async def test_a_category_says_since_when(patient: str, concept: str, says: str) -> None:
    async with serving_chart(patient) as client:
        text = Checked((await client.get(answer_path(patient, concept, None))).text).text
    text = text.replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert (says in text) and (bool(says) or "at least." not in text)


def said(points: list[AnswerResult], now: AnswerResult) -> str:
    return since_sentence(points, now).striptags().replace("\N{NARROW NO-BREAK SPACE}", " ")


def before(now: AnswerResult, days: int, **changes: Any) -> AnswerResult:
    """The result so many days earlier."""
    return replace(now, at=now.at - days * DAY, effective=now.at - days * DAY, **changes)


GONE: dict[str, Any] = {"value": Absent(AbsentReason.INPUT_ABSENT), "status": Status.INSUFFICIENT, "bounds": None}


def test_a_number_without_an_earlier_one_says_so() -> None:
    now = synthetic_answers()["healthy", "egfr"]
    assert said([before(now, 1000, **GONE), now], now) == "No earlier value for comparison since 4 Oct 2023."
    # Where the course could not be computed nothing is said of it.
    assert said([], now) == "" and said([now], now) == ""


def test_no_value_says_when_there_was_one() -> None:
    had = synthetic_answers()["ckd-progressing", "kidney-failure-risk-5y"]
    now = replace(had, **GONE)
    points = [before(now, 400), before(had, 90), before(had, 60), before(now, 30)]
    assert said(points, now) == "Last value: 43.7 % on 1 May 2026."
    assert said([points[0], points[3]], now) == "No usable value at any time since 26 May 2025."
    assert said([], now) == ""
    # It never could have one: that is no gap in the records.
    assert said(points, replace(now, status=Status.NOT_APPLICABLE)) == ""
    assert said(points, replace(now, status=Status.FAILED)) == ""


def test_a_range_says_since_when_it_is_this_one() -> None:
    now = synthetic_answers()["af-stroke", "cha2ds2-vasc"]
    assert now.status is Status.PARTIAL and now.bounds is not None
    other = replace(now.bounds, low=Decimal(5))
    narrower = [before(now, 90, value=Quantity(Decimal(5), "{score}"), bounds=other), before(now, 60), before(now, 30)]
    assert said(narrower, now) == "The same since 1 May 2026; before that at least 5, up to 9 points."
    assert said(narrower[:1], now) == "On 1 Apr 2026 the answer still was at least 5, up to 9 points."
    assert said(narrower[1:], now) == "The same since 1 May 2026 at least."
    assert said([before(now, 30, **GONE)], now) == "No earlier value for comparison since 31 May 2026."
    assert now.value in (each.value for each in narrower[1:])


def test_the_number_of_an_earlier_time_is_marked_as_of_then() -> None:
    now = synthetic_answers()["af-stroke", "cha2ds2-vasc"]
    earlier = before(now, 90, value=Quantity(Decimal(5), "{score}"))
    assert f'<data value="5" data-unit="{{score}}" data-time="{earlier.effective:%Y-%m-%d}' in since_sentence(
        [earlier], now
    )


def test_the_same_category_before_and_after_another_began_again() -> None:
    now = synthetic_answers()["ckd-progressing", "gfr-category"]
    other = Coding("https://medtwin.example/codes", "x", "G5")
    points = [before(now, 90), before(now, 60, value=other), before(now, 30)]
    assert said(points, now) == "Since 31 May 2026; before that G5."


def test_a_range_has_no_band_and_ends_none() -> None:
    """An incomplete score lies in two bands: since when it has been in one, the complete ones show."""
    now = synthetic_answers()["sepsis-ward", "news2"]
    assert isinstance(now.value, Quantity) and now.interpretation is not None
    low = replace(now.interpretation, code=Coding("https://medtwin.example/codes", "news2-low", "Low"))
    points = [before(now, days, value=Quantity(Decimal(days), "{score}")) for days in (90, 60, 30)]
    points[1] = replace(points[1], status=Status.PARTIAL, interpretation=low)
    assert said(points, now) == "High since 1 Apr 2026 at least."
    points[0] = replace(points[0], interpretation=low)
    assert said(points, now) == "High since 31 May 2026; before that low."


def test_a_conclusion_is_not_older_than_its_course() -> None:
    """A diagnosis of 2014 is no conclusion of 2014."""
    now = synthetic_answers()["ckd-progressing", "gfr-category"]
    old = replace(before(now, 90), effective=now.at - 4000 * DAY)
    assert said([old, replace(before(now, 30), effective=old.effective)], now) == "Since 1 Apr 2026 at least."


@pytest.mark.parametrize(
    ("concept", "says"),
    [
        ("af-anticoagulation", "On 1 Jul 2023 the answer still was to be considered, no current oral anticoagulant"),
        ("cha2ds2-va", "On 1 Jul 2023 the answer still was at least 1, up to 6 points."),
    ],
)
async def test_what_changed_without_a_record_began_with_none(concept: str, says: str) -> None:
    """A 65th birthday adds a point, and no record says when: neither the last record's day nor that of the page."""
    async with serving_chart([patient("1961-06-20"), condition("49436004"), condition("38341003")]) as client:
        text = Checked((await client.get(answer_path("p1", concept, None))).text).text
    assert says in text and "before that" not in text


def test_what_is_too_old_to_be_used_is_no_beginning() -> None:
    """An input expires 30 days ago; the newest record is still that of 90 days ago, when the value was another."""
    now = synthetic_answers()["ckd-progressing", "gfr-category"]
    other, then = Coding("https://medtwin.example/codes", "x", "G5"), now.at - 90 * DAY
    points = [before(now, 90, value=other), replace(before(now, 30), effective=then)]
    assert said(points, replace(now, effective=then)) == "On 1 Apr 2026 the answer still was G5."
    news2 = synthetic_answers()["sepsis-ward", "news2"]
    assert news2.interpretation is not None
    low = replace(news2.interpretation, code=Coding("https://medtwin.example/codes", "news2-low", "Low"))
    points = [
        before(news2, 90, value=Quantity(Decimal(1), "{score}"), interpretation=low),
        replace(before(news2, 30), effective=news2.at - 90 * DAY),
    ]
    assert said(points, replace(news2, effective=news2.at - 90 * DAY)) == "On 1 Apr 2026 the band still was: low."


def test_what_was_not_retrieved_may_have_had_a_value() -> None:
    now = replace(synthetic_answers()["ckd-progressing", "kidney-failure-risk-5y"], **GONE)
    down = (Issue(Severity.WARNING, "part-missing", "A newer or contradicting record may exist."),)
    assert said([before(now, 90)], now) != ""
    assert said([before(now, 90)], replace(now, make_issues=lambda: down)) == ""
    alone = synthetic_answers()["healthy", "egfr"]
    assert said([before(alone, 90, **GONE)], replace(alone, make_issues=lambda: down)) == ""

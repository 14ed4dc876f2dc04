"""What could make a result wrong: the most severe first, findings apart, more of them where there is room."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from ontology.evaluation import Issue, Severity
from server.explain.results import AnswerResult
from server.pages.doubts import doubts_of
from tests.support.page_servers import answer_path, serving_chart
from tests.support.synthetic_answers import synthetic_answers


def with_issues(result: AnswerResult, *issues: Issue) -> AnswerResult:
    return replace(result, make_issues=lambda: issues, make_chain=lambda: result.chain)


def test_a_finding_is_no_doubt() -> None:
    found = doubts_of(synthetic_answers()["sepsis-ward", "news2"])
    assert found.findings == ["Consciousness, pulse, respiratory rate, SpO2 and systolic blood pressure score 3 each."]
    assert found.texts == [
        "Inspired oxygen fraction: last measured 29 Jun 2026 12:01 UTC: too old, not used;"
        " oxygen therapy known without it",
        "Oldest value used: respiratory rate, 30 minutes old",
        "SpO2 scale 1 used; scale 2 only by a recorded decision",
    ]
    assert not any("score" in each for each in found.in_full)
    assert set(found.in_full) >= set(found.texts[1:])


def test_the_age_of_the_oldest_observation_is_of_scores_with_a_value_alone() -> None:
    for (_, concept), answer in synthetic_answers().items():
        aged = doubts_of(answer).aged
        assert not aged or (concept in ("news2", "qsofa") and answer.status.value in ("COMPLETE", "PARTIAL"))
        assert not aged or aged in doubts_of(answer).texts
    assert doubts_of(synthetic_answers()["sparse", "news2"]).aged == ""


@pytest.mark.parametrize(
    ("matter", "general", "narrow", "wide"),
    [(0, 0, 0, 0), (1, 0, 1, 1), (1, 3, 2, 4), (1, 9, 2, 5), (4, 3, 4, 5), (7, 2, 7, 7)],
)
def test_all_that_matter_are_shown_and_others_where_there_is_room(
    matter: int, general: int, narrow: int, wide: int
) -> None:
    issues = [Issue(Severity.WARNING, "stepped-back", f"The record {n} is an older one") for n in range(matter)]
    issues += [Issue(Severity.WARNING, "not-recorded", f"Nothing is on record of {n}") for n in range(general)]
    found = doubts_of(with_issues(synthetic_answers()["healthy", "egfr"], *issues))
    assert (len(found.texts), found.narrow, found.wide) == (matter + general, narrow, wide)
    assert (found.more_narrow, found.more_wide) == (matter + general - narrow, matter + general - wide)
    assert found.shown == found.texts[:wide]


def test_the_most_severe_comes_first() -> None:
    issues = [
        Issue(Severity.INFORMATION, "pending", "A newer result is pending"),
        Issue(Severity.WARNING, "implausible", "A value is not plausible"),
        Issue(Severity.ERROR, "source-unreachable", "A source was not reached"),
    ]
    found = doubts_of(with_issues(synthetic_answers()["healthy", "egfr"], *issues))
    assert found.texts == ["A source was not reached", "A value is not plausible", "A newer result is pending"]


async def test_the_page_says_findings_with_the_meaning_and_doubts_in_the_box() -> None:
    async with serving_chart("sepsis-ward") as client:
        text = (await client.get(answer_path("sepsis-ward", "news2", None))).text
    answer, _, rest = text.partition('<section class="cautions"')
    box = rest.partition("</section>")[0]
    assert "score 3 each." in answer and "score 3" not in box
    assert len(re.findall("<li", box)) == 3 and box.count("wide-only") == 1
    assert "All cautions, with 1 more" in box


async def test_four_cautions_of_a_risk_leave_none_behind_a_link_where_there_is_room() -> None:
    async with serving_chart("ckd-progressing") as client:
        text = (await client.get(answer_path("ckd-progressing", "kidney-failure-risk-5y"))).text
    box = text.partition('<section class="cautions"')[2].partition("</section>")[0]
    assert len(re.findall("<li", box)) == 4
    links = re.findall(r'<p class="([a-z-]+)"><a href="#against">', box)
    assert links == ["narrow-only"]

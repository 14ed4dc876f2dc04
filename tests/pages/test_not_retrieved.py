"""What a source did not give is said as such on the pages, and is never "not found" or "not enough data"."""

from __future__ import annotations

import itertools
from dataclasses import replace

import httpx
import pytest

from ontology.evaluation import Issue, Severity
from server.explain.results import AnswerResult
from server.pages.not_retrieved import lacks_records, not_retrieved
from tests.support.html_pages import Checked
from tests.support.page_servers import ChartServer, answer_path, serving_chart
from tests.support.synthetic_answers import synthetic_answers, synthetic_charts

PATIENT = "/patients/ehr/ckd-progressing?at=2026-06-30T12:00:00Z"
NAMES = ("Body mass index", "Yearly change in estimated GFR", "CHA2DS2-VA score")
DOWN = "could not be retrieved: source ehr: the connection fails, 4 times."


class WithoutConditions(ChartServer):
    """As its base, but it answers no search for conditions."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        if "/Condition" in request.url.path:
            raise httpx.ConnectError("refused", request=request)
        return super().answer(request)


def with_issues(*issues: tuple[str, str]) -> AnswerResult:
    made = tuple(Issue(Severity.WARNING, code, text) for code, text in issues)
    return replace(synthetic_answers()["healthy", "egfr"], make_issues=lambda: made)


@pytest.mark.parametrize(
    ("issues", "says"),
    [
        ([], []),
        ([("not-found", "No record of statin.")], []),
        ([("source-unreachable", f"Condition {DOWN}")], [f"Condition {DOWN}"]),
        # A source that was not asked at all: nothing is known of what it has.
        ([("source-version", "Source ehr was not asked: it has R5.")], ["Source ehr was not asked: it has R5."]),
        ([("not-joined", "Source lab: nobody knows who it is.")], ["Source lab: nobody knows who it is."]),
        # The types that failed for one reason are one sentence, and a sentence of its own stays.
        (
            [
                ("source-unreachable", f"Condition {DOWN}"),
                ("source-unreachable", f"Patient {DOWN}"),
                ("source-refused", "Observation could not be retrieved: source ehr: refused (403)."),
                ("source-incomplete", "Source ehr gave 200 of 300 records of Observation."),
            ],
            [
                f"Condition and Patient {DOWN}",
                "Observation could not be retrieved: source ehr: refused (403).",
                "Source ehr gave 200 of 300 records of Observation.",
            ],
        ),
    ],
)
def test_sentences(issues: list[tuple[str, str]], says: list[str]) -> None:
    result = with_issues(*issues)
    assert not_retrieved([result, result]) == says
    # Of which answers that is, the issues of their inputs say.
    assert not lacks_records(result)


async def test_the_patient_page_says_it_first() -> None:
    fhir = ChartServer(synthetic_charts()["ckd-progressing"])
    async with serving_chart((), fhir) as client:
        assert "Not everything could be retrieved" not in (await client.get(PATIENT)).text
        fhir.down = True
        text = Checked((await client.get(PATIENT)).text).text
    banner = text.index("Not everything could be retrieved.")
    assert banner < text.index("Anticoagulation in atrial fibrillation")
    assert DOWN in text[banner : banner + 300]
    assert "Not enough data" not in text and text.count("Records could not be retrieved") > 20


async def test_it_is_said_of_the_answers_that_lack_it_alone() -> None:
    """Conditions fail: height and weight were looked for, and are not there."""
    fhir = WithoutConditions(synthetic_charts()["sepsis-ward"])
    async with serving_chart((), fhir, pages={"questions": ["bmi", "egfr-slope", "cha2ds2-va"]}) as client:
        text = Checked((await client.get("/patients/ehr/sepsis-ward?at=2026-06-30T12:00:00Z")).text).text
        body = Checked((await client.get(answer_path("sepsis-ward", "bmi", None))).text).text
    height, slope, stroke = (
        text[begin:end] for begin, end in itertools.pairwise([*map(text.index, NAMES), text.index("What changed")])
    )
    assert "Not enough data" in height and "Not enough data" in slope
    assert "Records could not be retrieved" in stroke
    assert "Not enough data" in body
    assert "No usable value at any time since 1 Jul 2023." in body


async def test_what_was_not_retrieved_is_apart_from_what_was_not_found() -> None:
    """One type fails: what was looked for in the others was not found."""
    fhir = WithoutConditions(synthetic_charts()["ckd-progressing"])
    async with serving_chart((), fhir) as client:
        text = Checked((await client.get(answer_path("ckd-progressing", "kidney-failure-risk-5y"))).text).text
    apart, _, found = text.partition("Could not be retrieved, and")[2].partition("Looked for and not found")
    assert "End-stage kidney disease" in apart and "Urine albumin" not in apart
    assert "Urine albumin" in found and "Not everything could be retrieved." in text

"""The five statuses of fixture patients, each by frame, icon, words, and what stands where the number would be."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import pytest

from ontology.evaluation import Interval
from ontology.values import Absent, AbsentReason
from server.explain.results import Status
from server.pages.statuses import further_meaning, shown_status
from tests.support.engine_questions import shipped
from tests.support.html_pages import Checked
from tests.support.page_servers import answer_path, serving_chart
from tests.support.synthetic_answers import synthetic_answers

# patient, concept, class of the frame, words of the status, what stands where the number would be, whether it is one
SHOWN = [
    ("ckd-progressing", "kidney-failure-risk-5y", "complete", "Computed; see the cautions", "43.7", True),
    ("ckd-progressing", "serum-creatinine", "complete", "Inputs complete", "2.27", True),
    ("af-stroke", "cha2ds2-vasc", "partial", "Some inputs are not known", "at least 8, up to 9 points", True),
    ("sparse", "news2", "insufficient", "Not enough data", "No value", False),
    ("dialysis", "egfr", "not-applicable", "Does not apply", "On dialysis", False),
]


@pytest.mark.parametrize(("patient", "concept", "kind", "label", "value", "is_number"), SHOWN)
async def test_a_status_has_four_signals(
    patient: str, concept: str, kind: str, label: str, value: str, is_number: bool
) -> None:
    async with serving_chart(patient) as client:
        text = (await client.get(answer_path(patient, concept))).text
    tags = Checked(text).tags
    frame = next(given for name, given in tags if name == "section")
    assert frame["class"] == f"answer {kind}"
    status = re.search(rf'<span class="status {kind}">\s*<svg class="icon".*?</svg>\s*{label}</span>', text, re.DOTALL)
    assert status is not None
    place = re.search(r'<p class="value big[^"]*">(.*?)</p>', text)
    assert place is not None and re.sub("<[^>]+>", "", place[1]).startswith(value)
    assert ("<data " in place[1]) is is_number


async def test_a_range_is_never_its_lower_end() -> None:
    """8 alone would read as the score; 9 is as possible."""
    async with serving_chart("af-stroke") as client:
        text = (await client.get(answer_path("af-stroke", "cha2ds2-vasc"))).text
    place = re.search(r'<p class="value big[^"]*">(.*?)</p>', text)
    assert place is not None and "up to 9 points" in place[1]
    assert 'aria-label="The result lies between 8 and 9 points"' in text


async def test_what_would_help_is_named_and_the_bounds_are_drawn() -> None:
    async with serving_chart("sparse") as client:
        text = (await client.get(answer_path("sparse", "news2"))).text
    assert "could be 0 to 20 points" in text
    bar = re.search(r'<svg class="bounds".*?<rect x="([\d.]+)%" y="2" width="([\d.]+)%"', text, re.DOTALL)
    assert bar is not None and (float(bar[1]), float(bar[2])) == (0.0, 100.0)
    assert "needed for a value" in text


@pytest.mark.parametrize(
    ("patient", "concept", "ends"),
    [
        ("sparse", "news2", ("0", "20 points")),
        ("prevention", "prevent-10y-total-cvd", ("0", "100 %")),
        # Neither 64.59, as if that were the most there can be, nor in another unit than the words above.
        ("unknown-sex", "egfr", ("0", "100 mL/min/1.73 m²")),
    ],
)
def test_the_ends_of_the_bar_are_round_and_have_a_unit(patient: str, concept: str, ends: tuple[str, str]) -> None:
    bar = shown_status(synthetic_answers()[patient, concept]).bar
    assert bar is not None and (bar.low, bar.high) == ends
    assert bar.left >= 0 and bar.left + bar.width <= 100


@pytest.mark.parametrize(("low", "high", "ends"), [("-7.3", "-1", ("-10", "0")), ("-0.3", "3", ("-0.5", "5"))])
def test_the_bar_of_what_may_be_negative_has_zero_in_it(low: str, high: str, ends: tuple[str, str]) -> None:
    answer = synthetic_answers()["unknown-sex", "egfr"]
    bounds = Interval(Decimal(low), Decimal(high), "mL/min/{1.73_m2}", "")
    bar = shown_status(replace(answer, bounds=bounds)).bar
    assert bar is not None and (bar.low, bar.high.split(" ")[0]) == ends
    assert bar.left >= 0 and bar.left + bar.width <= 100


def test_the_bar_is_in_the_unit_of_its_words() -> None:
    """Marks in mg/dL below words in µmol/L would be of another value."""
    answer = synthetic_answers()["unknown-sex", "egfr"]
    creatinine = shipped().concepts["serum-creatinine"]
    style = replace(answer.circumstances.style, units={creatinine.id: "umol/L"})
    answer = replace(
        answer,
        concept=creatinine,
        bounds=Interval(Decimal(1), Decimal(2), "mg/dL", ""),
        circumstances=replace(answer.circumstances, style=style),
    )
    bar = shown_status(answer).bar
    assert bar is not None and (bar.low, bar.high, bar.text) == ("0", "200 µmol/L", "between 88.4 and 177 µmol/L")


def test_a_fault_is_the_servers_and_has_an_id() -> None:
    answer = synthetic_answers()["healthy", "egfr"]
    failed = replace(answer, status=Status.FAILED, value=Absent(AbsentReason.FAILED))
    shown = shown_status(failed)
    step = answer.step
    assert step is not None
    assert (shown.kind, shown.value) == ("failed", "No value")
    assert shown.reason == (
        f"A fault of this server, not of the record. Tell your administrator: id {step.fingerprint[:8]}."
    )


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_words_and_a_frame_of_its_own(status: Status) -> None:
    answer = synthetic_answers()["healthy", "egfr"]
    others = {shown_status(replace(answer, status=each)).label for each in Status if each is not status}
    assert shown_status(replace(answer, status=status)).label not in others


@pytest.mark.parametrize(
    ("patient", "concept", "notice"),
    [
        ("infarction", "mortality-after-mi-1y", "Demonstration only, not for clinical use"),
        ("ckd-progressing", "kidney-failure-risk-5y", ""),
        ("ckd-progressing", "egfr", ""),
        # There is no value that it could stand above.
        ("healthy", "mortality-after-mi-1y", ""),
    ],
)
async def test_a_value_that_is_not_for_clinical_use_has_that_above_it(patient: str, concept: str, notice: str) -> None:
    answer = synthetic_answers()[patient, concept]
    assert shown_status(answer).notice == notice
    async with serving_chart(patient) as client:
        text = (await client.get(answer_path(patient, concept))).text
    assert re.findall(r'<p class="notice">(.*?)\.</p>\s*<p class="value', text) == ([notice] if notice else [])


def test_complete_does_not_say_that_all_was_found_where_dialysis_is_not_documented() -> None:
    answer = synthetic_answers()["ckd-progressing", "kidney-failure-risk-5y"]
    shown = shown_status(answer)
    assert (shown.label, shown.icon) == ("Computed; see the cautions", "cautioned")
    # Without a doubt there is nothing to see.
    assert shown_status(replace(answer, make_issues=tuple)).icon == "complete"


@pytest.mark.parametrize(
    ("patient", "concept", "value"),
    [
        # The last creatinine is 14 days old: "no" would be taken for an all-clear.
        (
            "ckd-progressing",
            "aki-episode",
            "No AKI episode up to 16 Jun, the latest creatinine; since then not known",
        ),
        ("sepsis-ward", "aki-episode", "AKI episode ongoing since 30 Jun"),
        # Without a sentence of the module's own.
        ("sepsis-ward", "supplemental-oxygen", "yes"),
    ],
)
def test_a_yes_or_no_is_the_sentence_of_its_module(patient: str, concept: str, value: str) -> None:
    answer = synthetic_answers()[patient, concept]
    assert shown_status(answer).value.striptags() == value
    assert not any(value in each for each in further_meaning(answer))


def test_a_number_keeps_the_sentence_of_its_module_beside_it() -> None:
    answer = synthetic_answers()["sepsis-ward", "aki-stage"]
    assert shown_status(answer).value.striptags() == "AKI stage 2"
    assert further_meaning(answer) == [
        "AKI stage 2: creatinine 2.3 mg/dL, 2.6 times 0.9 (median of 11 Sep 2025 to 19 Feb 2026)",
        "creatinine 2.0 to 2.9 times the reference",
    ]

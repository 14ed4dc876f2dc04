"""What comes first on a patient's page: bands that a service declares critical or a warning, with their source."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from ontology.evaluation import Issue, Severity
from ontology.values import Absent, AbsentReason
from server.catalog.services import CardRule, Hook, Indicator, Service
from server.explain.results import Status
from server.pages.declared_bands import DeclaredBand, declared_band, order_words, place
from tests.support.engine_questions import shipped
from tests.support.page_servers import serving_chart
from tests.support.synthetic_answers import synthetic_answers

RCP, KDIGO = "RCP 2017, charts 2 and 4", "KDIGO 2024, doi:10.1016/j.kint.2023.10.018"
CRITICAL, WARNING, INFO = Indicator.CRITICAL, Indicator.WARNING, Indicator.INFO

# patient, concept, the band that is declared, as the services of the modules have it
DECLARED = [
    ("sepsis-ward", "news2", (CRITICAL, "Emergency response threshold", RCP)),
    ("sepsis-ward", "aki-stage", (WARNING, "Acute kidney injury", "KDIGO 2012, doi:10.1038/kisup.2011.32")),
    ("ckd-progressing", "kidney-failure-risk-5y", (WARNING, "Nephrology referral", KDIGO)),
    # Above 10 % in 2 years is information.
    ("ckd-progressing", "kidney-failure-risk-2y", None),
    # Contraindicated, and nobody has ordered it.
    ("sepsis-ward", "metformin-renal-dosing", None),
    ("sepsis-ward", "age", None),
    # No value, and not applicable.
    ("sparse", "news2", None),
    ("child-fever", "news2", None),
]


@pytest.mark.parametrize(("patient", "concept", "expected"), DECLARED)
def test_the_band_is_that_of_a_service(patient: str, concept: str, expected: tuple[Indicator, str, str] | None) -> None:
    found = declared_band(synthetic_answers()[patient, concept], shipped().services.values())
    assert found == (None if expected is None else DeclaredBand(*expected))


def test_the_most_urgent_of_several_rules_counts_whatever_their_order() -> None:
    answer = synthetic_answers()["sepsis-ward", "news2"]
    assert answer.interpretation is not None
    band = (answer.interpretation.code,)
    rules = [CardRule("news2", band, each, title=each.value) for each in (INFO, WARNING, CRITICAL)]
    for given in (rules, rules[::-1]):
        service = Service("x", "x", "1", Hook.PATIENT_VIEW, "x", "x", tuple(given))
        found = declared_band(answer, [service])
        assert found is not None and (found.indicator, found.label) == (CRITICAL, "critical")
    only = Service("x", "x", "1", Hook.PATIENT_VIEW, "x", "x", (replace(rules[0]), CardRule("age", band, CRITICAL)))
    assert declared_band(answer, [only]) is None and declared_band(answer, []) is None


def test_a_band_of_a_value_that_is_gone_counts_no_more() -> None:
    answer = synthetic_answers()["sepsis-ward", "news2"]
    gone = replace(answer, value=Absent(AbsentReason.INPUT_ABSENT), status=Status.INSUFFICIENT)
    assert declared_band(gone, shipped().services.values()) is None


@pytest.mark.parametrize("code", ["death", "death-undated"])
def test_nothing_is_urgent_of_the_dead(code: str) -> None:
    answer = synthetic_answers()["sepsis-ward", "news2"]
    died = Issue(Severity.WARNING, code, "The patient died on 1 Jun 2026; the answer is as of then.")
    dead = replace(answer, make_issues=lambda: (died,))
    assert declared_band(dead, shipped().services.values()) is None


def test_critical_comes_before_a_warning_before_the_rest_before_what_does_not_apply() -> None:
    answer = synthetic_answers()["sepsis-ward", "news2"]
    inapplicable = replace(answer, status=Status.NOT_APPLICABLE)
    bands = [DeclaredBand(each, "", "") for each in (CRITICAL, WARNING)]
    places = [place(answer, bands[0]), place(answer, bands[1]), place(answer, None), place(inapplicable, None)]
    assert places == sorted(set(places))


@pytest.mark.parametrize(
    ("configured", "declared", "words"),
    [
        (True, False, "In the order that this site chose, which is no order of importance."),
        (True, True, "In the order that this site chose, which is no order of importance."),
        (False, False, "In no order of importance; what does not apply comes last."),
        (
            False,
            True,
            "First: results at a critical or warning threshold, each with its source. The rest",
        ),
    ],
)
def test_the_order_is_said(configured: bool, declared: bool, words: str) -> None:
    assert order_words(configured, declared).startswith(words)


async def test_the_page_begins_with_what_is_critical_and_keeps_the_order_of_the_rest() -> None:
    async with serving_chart("sepsis-ward") as client:
        text = (await client.get("/patients/ehr/sepsis-ward?at=2026-06-30T12:00:00Z")).text
    names = re.findall(r"<h2><a href=[^>]*>([^<]*)</a>", text)
    assert names[0] == "National Early Warning Score 2"
    assert names[1] == "AKI stage (creatinine)"
    assert names[2:5] == ["Age", "AKI episode (ongoing or ended within 7 days)", "Albuminuria category"]
    tags = [re.sub("<[^>]+>", "", each) for each in re.findall(r'<p class="declared [a-z]+">(.*?)</p>', text)]
    assert tags == [
        f"Critical threshold: Emergency response threshold {RCP}",
        "Warning threshold: Acute kidney injury KDIGO 2012, doi:10.1038/kisup.2011.32",
    ]
    assert "First: results at a critical or warning threshold" in text


async def test_the_order_of_a_site_is_kept_and_the_bands_are_said_all_the_same() -> None:
    async with serving_chart("sepsis-ward", pages={"questions": ["age", "news2"]}) as client:
        text = (await client.get("/patients/ehr/sepsis-ward?at=2026-06-30T12:00:00Z")).text
    assert re.findall(r"<h2><a href=[^>]*>([^<]*)</a>", text) == ["Age", "National Early Warning Score 2"]
    assert "Critical threshold:" in text and "In the order that this site chose" in text

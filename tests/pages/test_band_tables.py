"""Bands as tables: the values that each covers, for whom it is, and which is met."""

from __future__ import annotations

import pytest

from ontology.values import Absent, AbsentReason
from server.pages.band_tables import NOT_MET, UNKNOWN, Table, band_tables, rule_cases
from server.pages.step_views import step_pages
from tests.support.synthetic_answers import synthetic_answers


def meanings(patient: str, concept: str) -> Table:
    step = synthetic_answers()[patient, concept].step
    assert step is not None
    return [*band_tables(step)][-1]


@pytest.mark.parametrize(
    ("patient", "concept", "head", "limits"),
    [
        ("sepsis-ward", "news2", "Points", ["7 or more", "5 to 6", "", "1 to 4", "0"]),
        (
            "ckd-progressing",
            "egfr",
            "Value, mL/min/1.73 m²",
            ["90 or more", "60 to below 90", "45 to below 60", "30 to below 45", "15 to below 30", "below 15"],
        ),
        # The words of the bands have their limits.
        ("ckd-progressing", "kidney-failure-risk-2y", "Value, %", ["above 40", "above 10, up to 40", "up to 10"]),
        ("af-stroke", "cha2ds2-vasc", "Points", ["3 or more", "2", "2", "1", "0 to 1", "0"]),
        ("sepsis-ward", "aki-stage", "", ["", "", ""]),
    ],
)
def test_a_band_has_its_limits(patient: str, concept: str, head: str, limits: list[str]) -> None:
    table = meanings(patient, concept)
    assert (table.limits, [row.limits for row in table.rows]) == (head, limits)


def test_a_band_says_for_whom_it_is() -> None:
    texts = [row.text for row in meanings("af-stroke", "cha2ds2-vasc").rows]
    assert texts[1:3] == [
        "oral anticoagulation recommended (male)",
        "oral anticoagulation should be considered (female)",
    ]


def test_one_band_at_most_is_met() -> None:
    for answer in synthetic_answers().values():
        for step in answer.chain:
            for table in band_tables(step):
                verdicts = [row.verdict for row in table.rows]
                assert verdicts.count("met") <= 1
                assert {*verdicts} - {"met"} <= ({NOT_MET} if "met" in verdicts else {UNKNOWN})
            assert [row.verdict for row in rule_cases(step)].count("met") <= 1


def test_what_does_not_apply_has_no_bands() -> None:
    """ "Not known" would say that a value could be known."""
    count = 0
    for answer in synthetic_answers().values():
        if isinstance(answer.value, Absent) and answer.value.reason is AbsentReason.NOT_APPLICABLE:
            shown = step_pages(answer)[0]
            assert not shown.tables and not shown.cases
            assert shown.value.striptags().startswith("does not apply")
            count += 1
    assert count > 10

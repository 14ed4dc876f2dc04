"""Why there is no value: one sentence for what was not found, and never "no X" of what is no number."""

from datetime import timedelta

import pytest

from ontology.evaluation import Issue, Severity
from server.explain.phrases import joined_issues, missing_reasons
from server.explain.results import MissingInput
from tests.support.charts import creatinine, patient
from tests.support.supplied_answers import answer_from

DAY, YEAR = timedelta(hours=24), timedelta(days=365)
NEWS2 = ("Heart rate", "Respiratory rate", "Oxygen saturation", "Systolic blood pressure", "Body temperature")


def number(name: str, window: timedelta | None = DAY) -> MissingInput:
    return MissingInput(name, "only older", unmeasured=True, window=window)


def finding(name: str, window: timedelta | None = None) -> MissingInput:
    return MissingInput(name, "not recorded", undocumented=True, window=window)


def unread(name: str, why: str = "the source could not be reached") -> MissingInput:
    return MissingInput(name, why)


VITALS = [*map(number, NEWS2), finding("Level of consciousness", DAY), finding("Oxygen therapy", DAY)]


@pytest.mark.parametrize(
    ("missing", "reasons"),
    [
        ([], []),
        ([number("Serum creatinine", YEAR)], ["no serum creatinine in the last 365 days"]),
        ([number("Serum creatinine", None)], ["no serum creatinine on record"]),
        ([number("Heart rate"), number("SpO2")], ["no heart rate or SpO2 in the last 24 hours"]),
        (VITALS, ["no vital signs in the last 24 hours"]),
        # One is recorded and cannot be read.
        ([*VITALS[:3], *VITALS[4:], unread("Systolic blood pressure", "in an unreadable form")],
         ["systolic blood pressure: in an unreadable form", "no other vital signs in the last 24 hours"]),
        # One of them is there.
        (VITALS[1:], [
            "no respiratory rate, oxygen saturation, systolic blood pressure or body temperature in the last 24 hours",
            "level of consciousness and oxygen therapy not documented in the last 24 hours",
        ]),
        # "No current smoking" and "no oxygen therapy" would be answers.
        ([finding("Current smoking", YEAR)], ["current smoking not documented in the last 365 days"]),
        ([finding("Diabetes mellitus"), finding("Statin")], ["diabetes mellitus and statin not documented"]),
        # What is not there in three years is not there in one.
        ([number("Serum creatinine", YEAR), number("Serum creatinine", 3 * YEAR)],
         ["no serum creatinine in the last 3 years"]),
        # What could not be retrieved is first, and never folded away.
        ([finding("Statin"), unread("Diabetes mellitus")],
         ["diabetes mellitus: the source could not be reached", "statin not documented"]),
        ([finding("Statin"), *(unread(f"Input {n}", f"reason {n}") for n in range(4))],
         [*(f"input {n}: reason {n}" for n in range(4)), "1 more input missing"]),
        ([number("A1"), number("B1", YEAR), number("C1", 2 * YEAR), finding("D1"), finding("E1")],
         ["no A1 in the last 24 hours", "no B1 in the last 365 days", "3 more inputs missing"]),
        ([number(name) for name in ("A1", "B1", "C1", "D1", "E1")], ["no A1, B1, C1 and 2 more in the last 24 hours"]),
    ],
)  # fmt: skip
def test_why_there_is_no_value(missing: list[MissingInput], reasons: list[str]) -> None:
    assert list(missing_reasons(missing, short=True)) == reasons


def test_a_claim_names_all_that_is_missing() -> None:
    missing = [
        *(number(name) for name in ("A1", "B1", "C1", "D1", "E1")),
        number("F1", YEAR),
        finding("G1"),
        finding("H1"),
    ]
    assert list(missing_reasons(missing)) == [
        "no A1, B1, C1, D1 or E1 in the last 24 hours",
        "no F1 in the last 365 days",
        "G1 and H1 not documented",
    ]


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["Estimated GFR"], "estimated GFR does not apply: on dialysis"),
        (["Estimated GFR", "GFR category"], "estimated GFR and GFR category do not apply: on dialysis"),
    ],
)
def test_an_input_whose_module_does_not_apply(names: list[str], reason: str) -> None:
    assert list(missing_reasons(unread(name, "does not apply: on dialysis") for name in names)) == [reason]


def test_what_was_not_found_is_one_sentence_for_all_inputs() -> None:
    answer = answer_from([patient(), creatinine(0.9, "2026-06-14T08:00:00Z")], "prevent-10y-ascvd")["prevent-10y-ascvd"]
    found = [issue for issue in answer.issues if issue.code == "not-found"]
    assert len(found) > 1, "each input keeps its own in the list of issues"
    joined = [issue for issue in joined_issues(answer, answer.issues) if issue.code == "not-found"]
    assert [issue.text for issue in joined] == [
        "No fasting glucose, glucose, meter or post-load glucose, glycated haemoglobin (HbA1c) or glycated haemoglobin"
        " (HbA1c, IFCC) on record; no HDL cholesterol or total cholesterol in the last 5 years; current smoking not"
        " documented in the last 2 years; no systolic blood pressure in the last 365 days."
    ]
    assert joined[0].severity is Severity.WARNING and joined[0].slot is None


def test_an_issue_of_another_kind_is_not_joined() -> None:
    answer = answer_from([patient(), creatinine(0.9, "2026-06-14T08:00:00Z")], "egfr")["egfr"]
    older = Issue(Severity.WARNING, "stale", "No X; the latest is of May.", "creatinine")
    others = (older, Issue(Severity.ERROR, "failed", "Y"))
    assert joined_issues(answer, others) == others

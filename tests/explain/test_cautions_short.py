"""The cautions of a short answer: nothing that its first line says, nothing twice, and what is never folded away."""

from dataclasses import replace

import pytest

from ontology.evaluation import Issue, Severity
from server.catalog.criteria import Remark
from server.explain.cautions import describe_cautions, every_caution_text
from server.explain.results import AnswerResult
from tests.support.charts import creatinine, patient, uacr
from tests.support.supplied_answers import answer_from

W, INFO = Severity.WARNING, Severity.INFORMATION


def answer(concept: str = "egfr", *values: float) -> AnswerResult:
    records = [patient(), *(creatinine(each, "2026-06-14T08:00:00Z") for each in values or (0.9,))]
    return answer_from(records, concept)[concept]


def with_issues(result: AnswerResult, *issues: Issue) -> AnswerResult:
    return replace(result, make_issues=lambda: issues)


@pytest.mark.parametrize(
    ("issues", "line"),
    [
        # A fact once, in the words that say most.
        (
            [Issue(W, "a", "Chronicity not shown"), Issue(W, "b", "The values span 20 days: chronicity not shown")],
            "the values span 20 days: chronicity not shown",
        ),
        # What is recorded stays beside what only is not excluded.
        (
            [
                Issue(W, "caution", "Caution: acute kidney injury recorded"),
                Issue(W, "x", "Unknown: acute kidney injury recorded elsewhere"),
            ],
            "acute kidney injury recorded; unknown: acute kidney injury recorded elsewhere",
        ),
        ([Issue(INFO, "pending", "A result is pending"), Issue(INFO, "other", "A remark")], "a result is pending"),
        (
            [Issue(W, "single-parameter", f"{name} alone scores 3", name.lower()) for name in ("Pulse", "SpO2")],
            "pulse and SpO2 score 3 each",
        ),
        ([Issue(W, "single-parameter", "Pulse alone scores 3", "pulse")], "pulse alone scores 3"),
        # The name of a record keeps its letters.
        ([Issue(W, "conflicting", "Observation/a says 3")], "Observation/a says 3"),
    ],
)
def test_one_line(issues: list[Issue], line: str) -> None:
    assert describe_cautions(with_issues(answer(), *issues)) == line


@pytest.mark.parametrize(
    ("always_shown", "line"), [(True, "risks too high elsewhere (1 more: -v)"), (False, "old data (1 more: -v)")]
)
def test_a_remark_of_every_answer_is_counted_unless_it_is_about_the_number(always_shown: bool, line: str) -> None:
    high = Remark(None, "Risks too high elsewhere", "too-high", always_shown=always_shown)
    remarks = (high, Remark(None, "Old data", "old-data"))
    result = with_issues(answer(), *(Issue(W, each.code, each.text) for each in reversed(remarks)))
    assert result.step is not None
    step = replace(result.step, module=replace(result.step.module, remarks=remarks))
    assert describe_cautions(replace(result, make_chain=lambda: (step,))) == line


def test_what_the_first_line_says_is_no_caution() -> None:
    absent = answer("bmi")
    assert absent.missing and {issue.code for issue in absent.issues} >= {"not-found"}
    assert "height" not in describe_cautions(absent)
    assert not any("height" in text for text in every_caution_text(absent))


def test_a_reason_of_the_module_itself_is_no_caution_either() -> None:
    stage = answer("aki-stage")
    assert "no earlier value for comparison" in stage.text
    assert "no earlier value" not in describe_cautions(stage).casefold()


def test_a_ratio_that_is_recorded_is_not_called_missing() -> None:
    """The other way to a ratio, of albumin and creatinine, has no values: that says nothing beside recorded ratios."""
    records = [patient(), *(uacr(40, f"2026-0{month}-14T08:00:00Z") for month in (1, 6))]
    found = answer_from(records, "albuminuria-persistence")["albuminuria-persistence"]
    assert not {issue.code for issue in found.issues} & {"not-found", "stale"}


def test_what_is_missing_at_the_root_is_named_once() -> None:
    """A risk without creatinine, region and ratio: the first line names them, no caution says "its inputs"."""
    risk = answer_from([patient()], "kidney-failure-risk-5y")["kidney-failure-risk-5y"]
    assert {"input-absent", "not-set"} <= {issue.code for issue in risk.issues}
    assert not any("inputs are missing" in text or "North America" in text for text in every_caution_text(risk))

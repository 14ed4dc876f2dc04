"""Results: status, claim, grounds, issues and dates of an answer; PARTIAL is where an absent input could change it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ontology.evaluation import Interval, Issue, Severity
from ontology.values import Absent, AbsentReason, Bound, Quantity
from server.executor.trace import BoundInput
from server.explain.explain import explain
from server.explain.results import AnswerResult, Status
from tests.support import traces as t
from tests.support.charts import answer, creatinine, lab, patient
from tests.support.engine_questions import open_asker


def told(name: str) -> AnswerResult:
    return explain(t.EVERY_TRACE[name](), t.interpret)[0]


@pytest.mark.parametrize(
    ("name", "status", "text"),
    [
        ("complete", Status.COMPLETE, "Estimated GFR is 45 mL/min/1.73 m² (as of 2026-06-01 08:30 UTC)."),
        (
            "chain",
            Status.COMPLETE,
            "Kidney failure risk (5 years) is 9.1 %, about 9 in 100 similar people over 5 years "
            "(as of 2026-06-01 08:30 UTC).",
        ),
        (
            "series",
            Status.COMPLETE,
            "eGFR slope is -1.8 mL/min/1.73 m² a year (as of 2026-06-01 08:30 UTC).",
        ),
        (
            "score",
            Status.COMPLETE,
            "National Early Warning Score 2 is 4 points: heart rate 2, SpO2 2 (as of 2026-06-01 08:30 UTC).",
        ),
        (
            "score-bounds",
            Status.INSUFFICIENT,
            "National Early Warning Score 2 could not be computed: no SpO2 in the last 12 hours; "
            "it lies between 2 and 5 points (as of 2026-06-01 08:30 UTC).",
        ),
        (
            "insufficient",
            Status.INSUFFICIENT,
            "Kidney failure risk (5 years) could not be computed: no serum creatinine in the last 90 days.",
        ),
        ("not-applicable", Status.NOT_APPLICABLE, "Estimated GFR does not apply to this patient."),
        ("failed", Status.FAILED, "Estimated GFR could not be computed: the module failed."),
        ("recorded", Status.COMPLETE, "Serum creatinine is 1.6 mg/dL (as of 2026-06-01 08:30 UTC)."),
        (
            "assumed",
            Status.COMPLETE,
            "Estimated GFR is 45 mL/min/1.73 m²; on an assumption: "
            "the formula's output for these inputs, not the expected effect of treatment.",
        ),
    ],
)
def test_status_and_claim(name: str, status: Status, text: str) -> None:
    result = told(name)
    assert (result.status, result.text) == (status, text)


def test_a_recorded_concept_is_answered_by_its_records() -> None:
    found, lacking = explain(t.EVERY_TRACE["recorded"](), t.interpret)
    assert [record.id for record in found.records] == ["obs-1"]
    assert found.chain == ()
    assert (lacking.status, lacking.records) == (Status.INSUFFICIENT, ())
    assert lacking.text == "Serum creatinine: not found in the last 90 days."


def test_both_the_oldest_and_the_latest_record_are_told() -> None:
    result = told("chain")
    assert result.effective == t.DRAWN
    assert result.grounds_from is not None
    assert (t.DRAWN - result.grounds_from).days == 30


def test_a_record_that_only_decides_on_applicability_does_not_date_the_answer() -> None:
    old = t.record(t.DIALYSIS, False, t.DRAWN.replace(year=2001), "c1", "Condition")
    run = t.run(
        t.EGFR_MODULE, (t.creatinine(), t.filled(t.DIALYSIS_SLOT, False, old)), Quantity(Decimal(45), t.GFR_UNIT)
    )
    result = explain(t.trace((run,), goals=(0,)), t.interpret)[0]
    assert result.grounds_from == t.DRAWN


def test_an_optional_input_missing_anywhere_below_makes_it_partial() -> None:
    slot = replace(t.CREATININE_SLOT, name="cystatin", required=False)
    lacking = t.filled(slot, Absent(AbsentReason.NOT_FOUND))
    below = t.run(t.EGFR_MODULE, (t.creatinine(), lacking), Quantity(Decimal(45), t.GFR_UNIT))
    result = explain(t.kfre_trace(below), t.interpret)[0]
    assert result.status is Status.PARTIAL
    assert "Serum creatinine: not found in the last 90 days" in [i.text for i in result.issues]


@pytest.mark.parametrize("change", [{"applicability_only": True}, {"comparison": True}])
def test_an_input_that_the_value_does_not_rest_on_leaves_it_complete(change: dict[str, Any]) -> None:
    slot = replace(t.CREATININE_SLOT, name="other", required=False, **change)
    lacking = t.filled(slot, Absent(AbsentReason.NOT_FOUND))
    run = t.run(t.EGFR_MODULE, (t.creatinine(), lacking), Quantity(Decimal(45), t.GFR_UNIT))
    assert explain(t.trace((run,), goals=(0,)), t.interpret)[0].status is Status.COMPLETE


def test_what_failed_below_is_not_told_as_missing_data() -> None:
    failed = t.egfr_run(Absent(AbsentReason.FAILED))
    assert explain(t.kfre_trace(failed, t.LACKING), t.interpret)[0].status is Status.FAILED


def test_why_a_module_below_does_not_hold_is_told() -> None:
    refused = t.run(
        t.EGFR_MODULE,
        (t.creatinine(), t.no_dialysis()),
        Absent(AbsentReason.NOT_APPLICABLE),
        issues=(Issue(Severity.ERROR, "not-applicable", "Not applicable: on dialysis"),),
    )
    above, below = (
        explain(trace, t.interpret)[0] for trace in (t.kfre_trace(refused, t.LACKING), t.trace((refused,), (0,)))
    )
    assert below.text == "Estimated GFR does not apply: on dialysis."
    assert above.text == (
        "Kidney failure risk (5 years) could not be computed: estimated GFR does not apply: on dialysis."
    )


def test_a_result_shows_only_its_own_steps_renumbered() -> None:
    kfre, other = t.kfre_trace(), t.news2_trace()
    shifted = tuple(
        replace(e, inputs={n: replace(g, steps=tuple(s + 1 for s in g.steps)) for n, g in e.inputs.items()})
        for e in kfre.executions
    )
    both = t.trace((other.executions[0], *shifted), goals=(2, 0))
    risk, score = explain(both, t.interpret)
    assert [step.module.id for step in risk.chain] == ["egfr", "kidney-failure-risk-5y"]
    assert risk.chain[1].grounds[0].step == 0
    assert [step.module.id for step in score.chain] == ["news2"]


def test_steps_of_a_series_say_as_of_when() -> None:
    result = told("series")
    assert result.chain[0].claim == "Estimated GFR is 50 mL/min/1.73 m² (as of 2024-10-09 08:30 UTC)."
    ground = result.chain[-1].grounds[0]
    assert (ground.step, ground.steps) == (None, (0, 1, 2, 3))
    assert [record.id for record in ground.records] == ["obs-0", "obs-1", "obs-2", "obs-3"]


def test_points_add_up() -> None:
    points = told("score").chain[-1].contributions
    assert points is not None
    assert (points.scale, points.base, points.output, points.residual) == ("POINTS", 0, 4, 0)
    assert [(item.slot, item.amount) for item in points.items] == [("pulse", 2), ("spo2", 2)]
    short = told("score-bounds").chain[-1].contributions
    assert short is not None
    assert (short.output, short.residual) == (2, 0)


def test_issues_are_told_once_and_rebuttals_are_their_texts() -> None:
    given = t.filled(
        t.CREATININE_SLOT,
        Quantity(Decimal(1), "mg/dL"),
        t.record(t.CREATININE, Quantity(Decimal(1), "mg/dL")),
        issues=(t.warning("Preliminary result", "preliminary", "creatinine"),) * 2,
    )
    run = t.run(
        t.EGFR_MODULE,
        (given,),
        Quantity(Decimal(60), t.GFR_UNIT),
        issues=(t.warning("Pregnancy"), Issue(Severity.INFORMATION, "note", "Rounded")),
    )
    away = t.warning("The cache is away", "cache-away")
    result = explain(t.trace((run,), goals=(0,), issues=(away, away)), t.interpret)[0]
    assert [i.text for i in result.issues] == ["Pregnancy", "Rounded", "Preliminary result", "The cache is away"]
    assert result.chain[0].rebuttals == ("Pregnancy", "Preliminary result")


def test_a_risk_is_a_probability_between_0_and_1() -> None:
    risk = told("chain").risk
    assert risk is not None
    assert (risk.outcome, risk.horizon, risk.probability) == ("kidney failure", "P5Y", Decimal("0.0912"))


def test_interpretation_and_its_advice_come_from_the_module() -> None:
    result = told("chain")
    assert result.interpretation is not None
    assert result.interpretation.code.code == "high"
    assert [advice.strength for advice in result.recommendations] == ["1B"]
    assert told("insufficient").interpretation is None


def test_an_assumption_is_marked_wherever_it_is_used() -> None:
    result = told("assumed")
    assert result.assumed
    assert result.chain[0].grounds[0].assumed
    assert any(i.code == "assumption" for i in result.issues)
    assert not told("complete").assumed


def test_an_assumed_absence_says_so() -> None:
    lacking = t.filled(t.CREATININE_SLOT, Absent(AbsentReason.NOT_QUERIED), assumed=True)
    result = explain(t.trace((t.egfr_run(t.LACKING, lacking),), goals=(0,)), t.interpret)[0]
    assert "serum creatinine (assumed missing)" in result.text


def test_the_lowest_total_is_told_with_how_high_it_may_be() -> None:
    bounds = Interval(Decimal(3), Decimal(6), "{score}", "lowest and highest total")
    run = t.run(t.NEWS2_MODULE, (), Quantity(Decimal(3), "{score}"), bounds=bounds)
    assert explain(t.trace((run,), goals=(0,)), t.interpret)[0].text == (
        "National Early Warning Score 2 is at least 3 (recorded), up to 6 points if what is not known is present."
    )


def test_a_bound_is_never_told_as_a_number() -> None:
    leaf = t.filled(t.UACR_SLOT, Bound("<", Decimal(5), "mg/g"), t.record(t.UACR, Bound("<", Decimal(5), "mg/g")))
    result = explain(t.trace((), leaves=(leaf,)), t.interpret)[0]
    assert result.text == "UACR is less than 5 mg/g (as of 2026-06-01 08:30 UTC)."


@pytest.mark.parametrize(
    ("change", "severities"),
    [
        ({"required": True}, [Severity.WARNING]),
        ({"required": False}, [Severity.INFORMATION]),
        ({"required": False, "comparison": True}, []),
    ],
)
def test_that_an_optional_input_is_not_found_is_no_rebuttal(change: dict[str, Any], severities: list[Severity]) -> None:
    slot = replace(t.CREATININE_SLOT, name="other", **change)
    none_found = t.warning("No serum creatinine was found.", "not-found", "other")
    given = t.filled(slot, Absent(AbsentReason.NOT_FOUND), issues=(none_found,))
    run = t.run(t.EGFR_MODULE, (t.creatinine(), given), t.GFR)
    result = explain(t.trace((run,), goals=(0,)), t.interpret)[0]
    assert [issue.severity for issue in result.issues] == severities


def test_what_was_not_measured_together_is_not_called_older_than_its_window() -> None:
    apart = t.warning("SpO2: measured before the others", "not-within", "spo2")
    spo2 = t.filled(t.SPO2_SLOT, Absent(AbsentReason.STALE), issues=(apart,))
    run = t.run(t.NEWS2_MODULE, (spo2,), t.LACKING)
    result = explain(t.trace((run,), goals=(0,)), t.interpret)[0]
    assert "SpO2 (not measured together with the others)" in result.text


def test_a_setting_of_the_site_that_is_missing_is_called_one() -> None:
    below = t.egfr_run()
    given = BoundInput(t.EGFR_SLOT, below.evaluation.value, steps=(0,))
    region = t.filled(t.REGION_SLOT, Absent(AbsentReason.NOT_FOUND))
    bounds = Interval(Decimal("7.5"), Decimal("9.1"), "%", "regardless of the missing inputs")
    risk = t.run(t.KFRE_MODULE, (given, t.uacr(), region), t.LACKING, bounds=bounds)
    result = explain(t.trace((below, risk), goals=(1,)), t.interpret)[0]
    assert result.text == (
        'Kidney failure risk (5 years) could not be computed: the setting "North America" '
        "(not set for this site); it lies between 7.5 and 9.1 % (as of 2026-06-01 08:30 UTC)."
    )


WHEN = "2026-06-30T11:30:00+00:00"
SCT = "http://snomed.info/sct"
VITALS = [
    patient(),
    lab("9279-1", 18, "/min", WHEN),
    lab("59408-5", 97, "%", WHEN),
    lab("8480-6", 120, "mm[Hg]", WHEN),
    lab("8867-4", 80, "/min", WHEN),
    lab("8310-5", 37.0, "Cel", WHEN),
    answer("67775-7", (SCT, "248234008"), WHEN),
]
AIR = lab("3150-0", 21, "%", WHEN)
EGFR = [patient(), creatinine(1.4, "2026-06-01T08:00:00+00:00")]


@pytest.mark.parametrize(
    ("name", "chart", "of", "status"),
    [
        ("oxygen settled by air alone", [*VITALS, AIR], "supplemental-oxygen", Status.COMPLETE),
        ("no recorded decision for scale 2 is scale 1", [*VITALS, AIR], "news2", Status.COMPLETE),
        ("undocumented oxygen is missing", VITALS, "news2", Status.INSUFFICIENT),
        ("a category qualified by what is not shown", EGFR, "gfr-category", Status.PARTIAL),
        ("an equation with its inputs", EGFR, "egfr", Status.COMPLETE),
    ],
)
async def test_status(name: str, chart: list[dict[str, object]], of: str, status: Status) -> None:
    async with open_asker() as ask:
        result = explain(await ask(chart, of))[0]
    assert result.status is status, f"{name}: {result.text}"


async def test_what_could_not_be_used_dates_nothing() -> None:
    old_air = lab("3150-0", 21, "%", "2026-06-29T14:00:00+00:00")
    async with open_asker() as ask:
        result = explain(await ask([*VITALS, old_air, lab("3151-8", 2, "L/min", WHEN)], "news2"))[0]
    assert result.grounds_from is not None and result.grounds_from.isoformat() == WHEN

"""The level that NEWS2 scores: ACVPU as charted, else the coma scale by a declared table."""

import pytest

from ontology.values import Absent, AbsentReason, Coding
from tests.support.module_inputs import (
    NOT_FOUND,
    UNREACHABLE,
    Given,
    evaluate_module,
    issue_codes,
    issue_texts,
    level,
    module,
)

MODULE = "news2-consciousness"
BELOW_15 = Coding("https://medtwin.example/codes", "gcs-below-15")
E4V4M6: Given = {"gcs": 14, "gcs_eye": 4, "gcs_verbal": 4, "gcs_motor": 6}
USED_BY_SITE = ("gcs", "gcs_eye", "gcs_verbal", "gcs_motor", "sedation", "chronic_confusion", "charted_before")


def test_the_coma_scale_is_read_only_where_the_site_says_so() -> None:
    slots = {slot.name: slot.enabled_by for slot in module(MODULE).slots}
    assert {name for name, setting in slots.items() if setting == "consciousness-by-gcs"} == set(USED_BY_SITE)
    assert slots["consciousness"] is None
    assert module(MODULE).slot("gcs_of_the_day").comparison


@pytest.mark.parametrize("name", ["alert", "new confusion", "chronic confusion", "voice", "pain", "unresponsive"])
@pytest.mark.parametrize("gcs", [NOT_FOUND, UNREACHABLE, 3, 14, 15])
def test_what_is_charted_stands_whatever_the_coma_scale_says(name: str, gcs: int | Absent) -> None:
    assert evaluate_module(MODULE, {"consciousness": level(name), "gcs": gcs}).value == level(name)


@pytest.mark.parametrize(
    ("gcs", "expected", "issue"),
    [
        (3, BELOW_15, "not-alert-by-gcs"),
        (14, BELOW_15, "not-alert-by-gcs"),
        (15, level("alert"), "alert-by-gcs"),
        (NOT_FOUND, NOT_FOUND, None),
        (UNREACHABLE, NOT_FOUND, "gcs-not-used"),
    ],
)
@pytest.mark.parametrize("charted", [NOT_FOUND, Absent(AbsentReason.STALE)])
def test_table(gcs: int | Absent, expected: Coding | Absent, issue: str | None, charted: Absent) -> None:
    evaluation = evaluate_module(MODULE, {"consciousness": charted, "gcs": gcs})
    assert evaluation.value == (charted if isinstance(expected, Absent) else expected)
    assert issue_codes(evaluation) == ({issue} if issue else set())
    if gcs == 15:
        assert "does not exclude delirium" in issue_texts(evaluation)


@pytest.mark.parametrize("reason", [r for r in AbsentReason if r not in (AbsentReason.NOT_FOUND, AbsentReason.STALE)])
def test_a_chart_that_cannot_be_read_is_not_replaced(reason: AbsentReason) -> None:
    assert evaluate_module(MODULE, {"consciousness": Absent(reason), "gcs": 15}).value == Absent(reason)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (E4V4M6, Absent(AbsentReason.CONFLICTING)),
        ({"gcs": 14}, Absent(AbsentReason.CONFLICTING)),
        ({"gcs_eye": 4, "gcs_verbal": 4, "gcs_motor": 6}, Absent(AbsentReason.CONFLICTING)),
        ({"gcs": 14, "gcs_verbal": 4}, Absent(AbsentReason.CONFLICTING)),
        ({**E4V4M6, "gcs_eye": 3, "gcs_verbal": 5}, BELOW_15),
        ({"gcs": 14, "gcs_verbal": 5}, BELOW_15),
        ({"gcs": 13}, BELOW_15),
        ({"gcs": 15}, level("alert")),
    ],
)
@pytest.mark.parametrize("known", [{"chronic_confusion": True}, {"charted_before": level("chronic confusion")}])
def test_chronic_confusion_on_record(given: Given, expected: Coding | Absent, known: Given) -> None:
    evaluation = evaluate_module(MODULE, {**given, **known})
    assert evaluation.value == expected
    assert ("gcs-undecided" in issue_codes(evaluation)) is isinstance(expected, Absent)


@pytest.mark.parametrize("known", [NOT_FOUND, UNREACHABLE, False])
def test_e4_v4_m6_scores_where_chronic_confusion_is_not_on_record(known: bool | Absent) -> None:
    assert evaluate_module(MODULE, {**E4V4M6, "chronic_confusion": known}).value == BELOW_15


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"gcs": 10, "gcs_verbal": Absent(AbsentReason.RECORDED_UNKNOWN)}, "untestable"),
        ({"gcs": 10, "gcs_eye": Absent(AbsentReason.UNCONVERTIBLE)}, "untestable"),
        ({"gcs": 15, "gcs_motor": Absent(AbsentReason.CONFLICTING)}, "untestable"),
        ({"gcs": 15, "sedation": True}, "sedated"),
        ({"gcs": 3, "sedation": UNREACHABLE}, "sedated"),
        ({**E4V4M6, "gcs": 15}, "sum to 14, not 15"),
        ({"gcs": 15, "gcs_verbal": 4}, "not full"),
        ({"gcs": 15, "gcs_eye": 4, "gcs_motor": 5}, "not full"),
    ],
)
def test_untestable_or_sedated_is_missing(given: Given, why: str) -> None:
    evaluation = evaluate_module(MODULE, given)
    assert evaluation.value == NOT_FOUND
    assert issue_codes(evaluation) == {"gcs-not-used"}
    assert why in issue_texts(evaluation)


@pytest.mark.parametrize("sedated", [NOT_FOUND, False])
def test_a_total_without_components_is_enough(sedated: bool | Absent) -> None:
    assert evaluate_module(MODULE, {"gcs": 15, "sedation": sedated}).value == level("alert")
    assert evaluate_module(MODULE, {"gcs": 15, "gcs_verbal": 5, "sedation": sedated}).value == level("alert")


@pytest.mark.parametrize(
    ("gcs", "name", "said"),
    [
        (13, "alert", True),
        (14, "alert", True),
        (15, "alert", False),
        (NOT_FOUND, "alert", False),
        (UNREACHABLE, "alert", False),
        (13, "voice", False),
        (14, "chronic confusion", False),
    ],
)
def test_a_gcs_below_15_beside_alert_is_said(gcs: int | Absent, name: str, said: bool) -> None:
    evaluation = evaluate_module(MODULE, {"consciousness": level(name), "gcs_of_the_day": gcs})
    assert ("gcs-below-15" in issue_codes(evaluation)) is said


@pytest.mark.parametrize(
    ("gcs", "name", "said"),
    [
        (15, "new confusion", True),
        (15, "voice", True),
        (15, "unresponsive", True),
        (14, "voice", False),
        (15, "alert", False),
        (15, "chronic confusion", False),
        (NOT_FOUND, "voice", False),
    ],
)
def test_a_gcs_of_15_beside_less_than_alert_is_said(gcs: int | Absent, name: str, said: bool) -> None:
    evaluation = evaluate_module(MODULE, {"consciousness": level(name), "gcs": gcs})
    assert ("gcs-15-not-alert" in issue_codes(evaluation)) is said

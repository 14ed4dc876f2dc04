"""Whatever is changed in an exported argument is found and named; what no exporter writes is never an exception."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ontology.values import Quantity
from server.attribution.attribute import attribute
from server.attribution.result import LOG_ODDS, Attribution
from server.verify import check_attribution
from server.verify.report import report_json, report_object
from server.verify.verify import SealState, Verification
from tests.support.changed_arguments import CHANGES, numbers, step_index, with_input
from tests.support.synthetic_answers import (
    NEWS2,
    RISK,
    SLOPE,
    exported_argument,
    finding_kinds,
    findings_text,
    synthetic_answers,
    verify_again,
)


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_found_and_named(name: str) -> None:
    change, kind, text = CHANGES[name]
    replayed = verify_again(change(exported_argument()))
    assert not replayed.matches
    assert kind in {each for each, _ in finding_kinds(replayed)}, finding_kinds(replayed)
    assert text in findings_text(replayed)


def test_only_the_seal_can_see_another_record() -> None:
    said = exported_argument()
    changed = with_input(
        said, step_index(said, "egfr"), "creatinine", records=("https://other.example/fhir/Observation/1/_history/9",)
    )
    assert verify_again(changed).matches
    assert verify_again(replace(said, text="All is well.")).matches


@pytest.mark.parametrize(
    ("patient", "concept"),
    [
        ("ckd-progressing", RISK),
        ("ckd-progressing", SLOPE),
        ("sepsis-ward", NEWS2),
        ("unknown-sex", "egfr"),
        ("healthy", "prevent-10y-total-cvd"),
    ],
)
def test_every_number_of_an_argument_counts(patient: str, concept: str) -> None:
    said = exported_argument(patient, concept)
    changes = list(numbers(said))
    assert len(changes) > 7
    for change in changes:
        assert not verify_again(change(Decimal(1))).matches


@settings(deadline=None)
@given(st.data())
def test_no_change_of_a_number_goes_unseen(data: st.DataObject) -> None:
    which = data.draw(st.sampled_from(sorted(key for key, result in synthetic_answers().items() if result.chain)))
    changes = list(numbers(exported_argument(*which)))
    if not changes:
        return
    change = data.draw(st.sampled_from(changes))
    by = data.draw(st.decimals(min_value=Decimal("-1e6"), max_value=Decimal("1e6"), places=4).filter(bool))
    replayed = verify_again(change(by))
    assert not replayed.matches


@pytest.mark.parametrize(
    "zone", ["a/" * 3_000 + "a", "", "Europe", "__init__/x", "a\0b", "../../etc/passwd", "a" * 9_000]
)
def test_a_zone_that_is_none(zone: str) -> None:
    assert ("time", None) in finding_kinds(verify_again(replace(exported_argument(), zone=zone)))


@pytest.mark.parametrize("number", ["1e-999", "1e999", "0", "1", "-1"])
def test_a_probability_that_has_no_log_odds(number: str) -> None:
    said = exported_argument()
    told = [each for each in said.attributions if each.scale == LOG_ODDS]
    assert told
    for unit in ("1", "%"):
        replayed = verify_again(replace(said, value=Quantity(Decimal(number), unit)))
        assert f"the output is {told[0].output:f} on the scale LOG_ODDS" in findings_text(replayed)


@pytest.mark.parametrize("broken", [float("inf"), float("nan")])
def test_amounts_that_are_too_large_are_out_of_range(monkeypatch: pytest.MonkeyPatch, broken: float) -> None:

    def overflowing(*given: Any) -> Attribution:
        made = attribute(*given)
        assert isinstance(made, Attribution)
        return replace(made, items=tuple(replace(each, amount=broken) for each in made.items))

    monkeypatch.setattr(check_attribution, "attribute", overflowing)
    assert "out of range" in findings_text(verify_again(exported_argument()))


def test_json_for_a_terminal_has_nothing_that_it_would_obey() -> None:
    text = "a\x1b[2Jb\x9b2Jc\x7fd\u202ee\u2028f\U000e0001g \u00b5"
    verified = Verification((verify_again(replace(exported_argument(), text=text)),), SealState.NONE)
    told = report_json(verified)
    assert told.replace("\n", "").isprintable() and "\u00b5" in told
    assert json.loads(told) == report_object(verified)

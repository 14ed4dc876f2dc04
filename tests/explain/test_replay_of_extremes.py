"""Numbers, zones and texts that no exporter writes: each a finding, never an exception."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from ontology.values import Quantity
from server.attribution.result import LOG_ODDS, Attribution
from server.verify import check_attribution
from server.verify.report import report_json, report_object
from server.verify.verify import SealState, Verification
from tests.support.replaying import again, argument, found, words


@pytest.mark.parametrize(
    "zone", ["a/" * 3_000 + "a", "", "Europe", "__init__/x", "a\0b", "../../etc/passwd", "a" * 9_000]
)
def test_a_zone_that_is_none(zone: str) -> None:
    assert ("time", None) in found(again(replace(argument(), zone=zone)))


@pytest.mark.parametrize("number", ["1e-999", "1e999", "0", "1", "-1"])
def test_a_probability_that_has_no_log_odds(number: str) -> None:
    said = argument()
    told = [each for each in said.attributions if each.scale == LOG_ODDS]
    assert told
    for unit in ("1", "%"):
        replayed = again(replace(said, value=Quantity(Decimal(number), unit)))
        assert f"the output is {told[0].output:f} on the scale LOG_ODDS" in words(replayed)


@pytest.mark.parametrize("broken", [float("inf"), float("nan")])
def test_amounts_too_large_to_be_reckoned_are_told_as_such(monkeypatch: pytest.MonkeyPatch, broken: float) -> None:
    reckoned = check_attribution.attribute

    def overflowing(*given: object) -> object:
        made = reckoned(*given)  # type: ignore[arg-type]  # passed on as it came
        assert isinstance(made, Attribution)
        return replace(made, items=tuple(replace(each, amount=broken) for each in made.items))

    monkeypatch.setattr(check_attribution, "attribute", overflowing)
    assert "cannot be reckoned with" in words(again(argument()))


def test_json_for_a_terminal_has_nothing_that_it_would_obey() -> None:
    text = "a\x1b[2Jb\x9b2Jc\x7fd\u202ee\u2028f\U000e0001g \u00b5"
    verified = Verification((again(replace(argument(), text=text)),), SealState.NONE)
    told = report_json(verified)
    assert told.replace("\n", "").isprintable() and "\u00b5" in told
    assert json.loads(told) == report_object(verified)

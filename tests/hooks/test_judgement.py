"""Whether a rule gives a card: on what is computed, on what is recorded, and on what is ordered."""

from collections.abc import Sequence
from typing import Any

import pytest

from server.catalog.services import CardRule, Indicator
from server.hooks.judgement import Answers, Judged, Ordered, Verdict
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import Record
from tests.support.hook_advice import LOW, METFORMIN, codes, medication, rule, service, traced

TODAY = "2026-06-16T08:00:00Z"
ON_METFORMIN = CardRule("metformin", (), Indicator.INFO)
LASTING = CardRule("ckd-chronicity", (), Indicator.INFO)


def judged(of: CardRule, records: Sequence[Record], *without: str) -> Judged:
    return Answers(traced(service(of), records, without)).judge(of)


@pytest.mark.parametrize(
    ("records", "without", "expected"),
    [
        ([medication()], (), Verdict.CARD),
        ([], (), Verdict.SILENT),
        ([medication("Metformin 1 g", None)], (), Verdict.OPEN),
        ([], ("medication-request",), Verdict.OPEN),
        ([medication()], ("medication-statement",), Verdict.CARD),
    ],
    ids=["on record", "not on record", "unclear", "not searched", "on record, and a part not searched"],
)
def test_a_rule_on_a_flag_that_is_recorded(records: list[Record], without: tuple[str, ...], expected: Verdict) -> None:
    found = judged(ON_METFORMIN, [patient(), *records], *without)
    assert found.verdict is expected
    assert bool(found.needed) == (expected is Verdict.OPEN and bool(without))
    assert bool(found.missing) == (expected is Verdict.OPEN and not without)


def test_a_rule_without_bands_asks_for_a_computed_yes() -> None:
    lasting = [creatinine(2.3, f"{year}-06-16T08:00:00Z", id=f"o{year}") for year in (2024, 2025, 2026)]
    normal = [creatinine(0.7, f"{year}-06-16T08:00:00Z", id=f"o{year}") for year in (2024, 2025, 2026)]
    assert judged(LASTING, [patient(), *lasting]).verdict is Verdict.CARD
    assert judged(LASTING, [patient(), *normal]).verdict is Verdict.SILENT


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (medication(), Ordered.YES),
        (medication("Metformin", None), Ordered.PROBABLY),
        (medication("Glucophage", None), Ordered.PROBABLY),
        (medication("Insulin glargine", None), Ordered.NO),
        (medication("that could not be read", None), Ordered.NO),
        ({**medication(), "status": 7}, Ordered.UNREADABLE),
        (medication("Aspirin", "B01AC06"), Ordered.NO),
        (None, Ordered.NO),
    ],
    ids=["coded", "by words", "by a brand", "other words", "words of ours", "undecoded", "another drug", "none"],
)
def test_what_is_ordered(order: Any, expected: Ordered) -> None:
    chart = [patient(), creatinine(2.3, TODAY), *([order] if order else [])]
    found = judged(METFORMIN, chart)
    assert found.ordered is expected
    assert (found.verdict is Verdict.SILENT) == (expected is Ordered.NO)


def test_the_bands_are_those_of_the_rule_that_the_result_may_be_of() -> None:
    chart = [patient(), creatinine(2.3, TODAY)]
    assert judged(rule("gfr-category", *LOW), chart).bands == codes("G4")
    both = rule("gfr-category", "G4", "gfr-severely-decreased")
    assert {each.code for each in judged(both, chart).bands} == {"G4", "gfr-severely-decreased"}
    assert judged(rule("gfr-category", "G1"), chart).verdict is Verdict.SILENT

"""The summary of a card: what it says by itself, in less than 140 characters."""

from dataclasses import replace
from typing import Any

import pytest

from server.catalog.services import CardRule, Indicator
from server.hooks.advice import CardContent
from server.hooks.card_summary import claim_of, summary_of
from tests.support.charts import creatinine, patient
from tests.support.hook_advice import METFORMIN, advised, medication, service
from tests.support.hook_cards import G4, G5, card_content

TODAY = "2026-06-16T08:00:00Z"


def ordered(rule: CardRule) -> CardContent:
    """The card of a rule on an order, of a patient whose eGFR is 23."""
    (content,) = advised(service(rule), [patient(), creatinine(2.3, TODAY), medication()]).cards
    return content


def test_an_order_has_the_title_of_its_one_band_and_the_number_that_decided() -> None:
    one = replace(METFORMIN, bands=(G4,), title="Metformin at this eGFR")
    assert summary_of(ordered(one)) == "Metformin at this eGFR: estimated GFR 22.8 mL/min/1.73 m² (2026-06-16)"


@pytest.mark.parametrize("changed", [{"bands": (G4, G5)}, {"title": None}], ids=["several bands", "no title"])
def test_else_the_claim_is_told(changed: dict[str, Any]) -> None:
    rule = replace(METFORMIN, **{"bands": (G4,), "title": "Metformin", **changed})
    assert summary_of(ordered(rule)).endswith("GFR category is G4 (22.8 mL/min/1.73 m²); chronicity not shown")


def test_a_title_that_leaves_no_room_has_the_claim_without_what_limits_it() -> None:
    title = "A title that is as long as an integrator may write it, of many words and without any abbreviation"
    content = replace(card_content(), rule=CardRule("gfr-category", (G4,), Indicator.INFO, title=title))
    summary = summary_of(content)
    assert len(summary) < 140 and summary.startswith(f"{title}: GFR category is G4")
    assert claim_of(content).endswith("chronicity not shown.") and not summary.endswith("…")

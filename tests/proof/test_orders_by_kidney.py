"""An order of a drug that the kidney decides, from the call of the hook to its cards."""

import pytest

from server.hooks.advice import Advice
from server.hooks.cards import cards_json
from tests.support.charts import Record, condition, patient
from tests.support.engine_questions import shipped
from tests.support.order_advice import BOTH, advised, bands
from tests.support.renal_orders import (
    ASPIRIN_LOW_DOSE,
    IBUPROFEN_GEL,
    METFORMIN_500,
    SITAGLIPTIN_100,
    chart,
    draft,
)

# The records, the drafts and the bands of the cards, the most urgent first.
ORDERS: dict[str, tuple[list[Record], list[Record], list[str]]] = {
    "both at an eGFR of 21": (chart(2.5), BOTH, ["metformin-contraindicated", "nsaid-avoid"]),
    "both at an eGFR of 38": (chart(1.5), BOTH, ["metformin-start-not-recommended", "nsaid-no-prolonged-use"]),
    "both at an eGFR of 95": (chart(0.7), BOTH, []),
    "on dialysis": (chart(2.5, condition("105502003")), BOTH, ["metformin-contraindicated", "nsaid-on-dialysis"]),
    "a dose": (chart(1.5), [draft(SITAGLIPTIN_100)], ["sitagliptin-50-mg"]),
    "aspirin and a gel": (chart(2.5), [draft(ASPIRIN_LOW_DOSE), draft(IBUPROFEN_GEL, id="draft-2")], []),
    "an order of another patient": (chart(2.5), [draft(METFORMIN_500, of="p2")], []),
    "nothing": (chart(2.5), [], []),
}


@pytest.mark.parametrize("name", ORDERS)
def test_cards_of_orders_that_are_signed(name: str) -> None:
    records, drafts, expected = ORDERS[name]
    advice = advised(records, *drafts)
    assert bands(advice) == expected
    assert advice.missing == ()


def test_only_what_is_selected_is_judged_while_orders_are_chosen() -> None:
    assert bands(advised(chart(2.5), *BOTH, selected=["draft-2"])) == ["nsaid-avoid"]


def test_the_card_of_a_contraindication_suggests_to_delete_the_draft() -> None:
    advice = advised(chart(2.5), *BOTH)
    contraindicated, avoid = cards_json(advice, shipped().services["renal-dosing"])
    assert contraindicated["indicator"] == "critical"
    assert contraindicated["summary"].startswith("Metformin is contraindicated at this kidney function")
    (suggestion,) = contraindicated["suggestions"]
    assert [action["resourceId"] for action in suggestion["actions"]] == ["MedicationRequest/draft-1"]
    assert avoid["indicator"] == "warning" and "suggestions" not in avoid


# How it was typed, and the drugs whose rules judge it: as the labels of these products have their ingredients.
TYPED: dict[str, set[str]] = {
    "Glucophage XR 500 mg": {"metformin"},
    "JANUMET 50/1000": {"metformin", "sitagliptin"},
    "Qternmet XR 5-5-1000": {"metformin", "dapagliflozin", "saxagliptin"},
    "Steglujan 5 mg/100 mg": {"ertugliflozin", "sitagliptin"},
    "Kerendia 20 mg": {"finerenone"},
    "Jardiance 10mg, 1-0-0": {"empagliflozin"},
    "advil 200 mg prn": {"nsaid"},
    "Jardiances": set(),
    "Tylenol 500 mg": set(),
}


@pytest.mark.parametrize("typed", TYPED)
def test_an_order_that_is_a_brand_in_words_alone_is_judged_as_probable(typed: str) -> None:
    order = draft(METFORMIN_500) | {"medicationCodeableConcept": {"text": typed}}
    advice = advised(chart(2.5), order)
    assert {each.rule.concept.removesuffix("-renal-dosing") for each in advice.cards} == TYPED[typed]
    assert all(each.is_probable for each in advice.cards)
    assert all("suggestions" not in card for card in cards_json(advice, shipped().services["renal-dosing"]))


def test_without_a_creatinine_it_is_said_what_is_missing_but_only_of_these_drugs() -> None:
    assert advised([patient()], *BOTH).missing == ("no serum creatinine in the last 90 days",)
    assert advised([patient()], draft(ASPIRIN_LOW_DOSE)) == Advice()

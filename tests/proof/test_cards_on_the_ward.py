"""Cards as a clinician reads them on a ward round: of orders in each state of the kidney, and of what is not known."""

from datetime import timedelta
from typing import Any

import pytest

from server.hooks.advice import Advice
from server.hooks.cards import cards_json
from tests.support.charts import Record, condition, creatinine, patient
from tests.support.engine_questions import shipped
from tests.support.hook_advice import advised as service_advised
from tests.support.order_advice import AT, BOTH, advised, bands
from tests.support.renal_orders import (
    ATC,
    IBUPROFEN_400,
    METFORMIN_500,
    SITAGLIPTIN_100,
    chart,
    draft,
)
from tests.support.synthetic_answers import synthetic_charts

DAPAGLIFLOZIN = (ATC, "A10BK01", "dapagliflozin")
ERTUGLIFLOZIN = (ATC, "A10BK04", "ertugliflozin")
RISEN = [patient(), creatinine(0.8, "2026-01-10T08:00:00Z"), creatinine(0.8, "2026-05-10T08:00:00Z")]
IN_INJURY = [*RISEN, creatinine(1.6, "2026-06-14T08:00:00Z")]
ON_DIALYSIS = chart(2.5, condition("105502003"))


def cards(advice: Advice) -> list[dict[str, Any]]:
    assert advice.unobtained == ()
    return cards_json(advice, shipped().services["renal-dosing"])


def unnamed(**more: Any) -> Record:
    """A draft that says nothing of its medication, but for what is given."""
    return {**draft(METFORMIN_500), "medicationCodeableConcept": None, **more}


@pytest.mark.parametrize(
    "order",
    [
        unnamed(medicationReference={"reference": "Medication/elsewhere"}),
        unnamed(medicationCodeableConcept={}),
        {key: value for key, value in unnamed().items() if value is not None},
    ],
    ids=["a reference to what was not sent", "an empty concept", "nothing"],
)
def test_an_order_that_names_no_drug_is_never_as_if_nothing_were_ordered(order: Record) -> None:
    advice = advised(chart(2.5), {key: value for key, value in order.items() if value is not None})
    (missing,) = advice.missing
    assert missing.startswith("a draft order could not be read; perhaps ")


def test_an_order_in_acute_kidney_injury_is_not_dosed_by_its_egfr() -> None:
    orders = [*BOTH, draft(SITAGLIPTIN_100, id="d3"), draft(DAPAGLIFLOZIN, id="d4")]
    advice = advised(IN_INJURY, *orders)
    assert bands(advice) == [
        "nsaid-avoid-in-aki",
        "metformin-egfr-unreliable",
        "sitagliptin-egfr-unreliable",
        "dapagliflozin-egfr-unreliable",
    ]
    assert {card["indicator"] for card in cards(advice)} == {"warning"}
    told = "\n".join(card["summary"] + card["detail"] for card in cards(advice))
    assert "unreliable in AKI stage" not in told
    assert "Give 50 mg" not in told


def test_an_injury_ends_after_ninety_days_without_a_creatinine() -> None:
    old = [*RISEN[:2], creatinine(1.6, (AT - timedelta(days=100)).isoformat())]
    advice = advised(old, draft(IBUPROFEN_400))
    assert bands(advice) == [] and advice.missing == ("no serum creatinine in the last 90 days",)


# The records, the order, and the two parts of the summary.
SUMMARIES: dict[str, tuple[list[Record], tuple[str, str, str], str, str]] = {
    "by eGFR": (
        chart(2.5),
        METFORMIN_500,
        "Metformin is contraindicated at this kidney function",
        "estimated GFR 20.7 mL/min/1.73 m² (2026-06-10)",
    ),
    "in an injury": (
        IN_INJURY,
        IBUPROFEN_400,
        "Avoid NSAIDs in acute kidney injury",
        "AKI stage 2, estimated GFR 35.3 mL/min/1.73 m² (2026-06-14)",
    ),
    "on dialysis": (
        ON_DIALYSIS,
        ERTUGLIFLOZIN,
        "Ertugliflozin is not recommended on dialysis",
        "dialysis on record (2020-01-01)",
    ),
}


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_summary_is_understood_by_itself(name: str) -> None:
    records, drug, title, decided = SUMMARIES[name]
    (card,) = cards(advised(records, draft(drug)))
    assert card["summary"] == f"{title}: {decided}"


def test_a_card_on_dialysis_says_once_what_holds() -> None:
    (card,) = cards(advised(ON_DIALYSIS, draft(ERTUGLIFLOZIN)))
    assert "ot applicable" not in card["detail"] and "not judged" not in card["detail"]


def test_the_number_that_decides_comes_first() -> None:
    (card,) = cards(advised(chart(2.5), draft(METFORMIN_500)))
    grounds = [line for line in card["detail"].splitlines() if line.startswith("- ")]
    assert grounds[0].startswith("- Estimated GFR: ")


UNKNOWN_SEX = {**patient(), "gender": "unknown"}


def test_where_every_possible_band_has_a_card_there_is_one() -> None:
    """An eGFR of 28 or 37, by sex: metformin is contraindicated, or not to be started; it is never unrestricted."""
    advice = advised([UNKNOWN_SEX, *chart(1.9)[1:]], *BOTH)
    shown = cards(advice)
    assert [card["indicator"] for card in shown] == ["warning", "info"]
    assert "contraindicated or not to be started" in shown[0]["summary"]
    assert "to be avoided or not for prolonged use" in shown[1]["summary"]
    assert all("suggestions" not in card for card in shown)
    assert all("**Missing:** Sex for clinical use (recorded as unknown)." in card["detail"] for card in shown)
    assert advice.missing == () and advice.unassessed == ()
    assert shown[0]["source"]["label"] == "FDA Drug Safety Communication on metformin, 8 April 2016"


def test_what_is_not_assessed_is_named_beside_what_is() -> None:
    """An eGFR of 45 or 58, by sex: that of finerenone is the same band, that of metformin is restricted or not."""
    shown = cards(advised([UNKNOWN_SEX, *chart(1.35)[1:]], *BOTH))
    assert shown[-1]["summary"] == "Order of metformin: not assessed, sex for clinical use (recorded as unknown)"
    assert "**Not assessed:** Order of metformin." in shown[-1]["detail"]


def test_the_card_of_an_injury_shows_each_drug_on_the_list_that_may_harm_the_kidney() -> None:
    drugs = {
        "NSAID": IBUPROFEN_400,
        "Aminoglycoside": (ATC, "J01GB03", "gentamicin"),
        "ACE inhibitor": (ATC, "C09AA05", "ramipril"),
        "Angiotensin receptor blocker": (ATC, "C09CA01", "losartan"),
        "Loop or thiazide diuretic": (ATC, "C03CA01", "furosemide"),
    }
    on_list = [
        {**draft(drug, id=f"m{place}"), "status": "active", "authoredOn": "2026-06-10"}
        for place, drug in enumerate(drugs.values())
    ]
    (card,) = cards_json(
        service_advised(shipped().services["aki"], [*IN_INJURY, *on_list], at=AT), shipped().services["aki"]
    )
    assert [name for name in drugs if f"- {name}: on record" in card["detail"]] == list(drugs)
    assert card["summary"].endswith("; urine output not assessed"), "a part of a clause says nothing"
    (without,) = cards_json(service_advised(shipped().services["aki"], IN_INJURY, at=AT), shipped().services["aki"])
    assert "on record" not in without["detail"]


def test_a_stroke_card_tells_the_score_once_and_whose_guidance_it_is() -> None:
    chart = synthetic_charts()["partial-birth-date"]
    of = shipped().services["af-stroke-prevention"]
    (card,) = cards_json(service_advised(of, chart, patient="partial-birth-date"), of)
    assert card["detail"].count("CHA2DS2-VA score: ") == 1
    assert card["source"] == {"label": "2024 ESC Guidelines", "url": "https://doi.org/10.1093/eurheartj/ehae176"}
    assert "2024 ESC Guidelines, class I)" in card["detail"]

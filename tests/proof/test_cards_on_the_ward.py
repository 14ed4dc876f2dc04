"""Cards as a clinician reads them on a ward round: of orders in each state of the kidney, and of what is not known."""

from datetime import timedelta
from typing import Any

import pytest

from server.hooks.advice import Advice
from server.hooks.cards import cards_json
from tests.proof.test_orders_by_kidney import AT, BOTH, advised, bands
from tests.support.charts import Record, condition, creatinine, patient
from tests.support.engine_questions import shipped
from tests.support.renal_orders import (
    ATC,
    IBUPROFEN_400,
    METFORMIN_500,
    SITAGLIPTIN_100,
    chart,
    draft,
)

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

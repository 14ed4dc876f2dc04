"""An order of a drug that the kidney decides, from the call of the hook to its cards."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from collectors.supplied_records import search_templates
from server.compiler.compilation import compile_plan
from server.executor.engine import Engine
from server.hooks.advice import Advice, advise
from server.hooks.cards import cards_json
from server.hooks.clients import HookClient
from server.hooks.question import hook_question
from server.hooks.request import HookRequest
from server.settings import Settings
from tests.support.charts import Record, condition, patient
from tests.support.engine_questions import shipped
from tests.support.renal_orders import (
    ASPIRIN_LOW_DOSE,
    IBUPROFEN_400,
    IBUPROFEN_GEL,
    METFORMIN_500,
    SITAGLIPTIN_100,
    chart,
    draft,
    order_context,
)

AT = datetime(2026, 6, 15, 12, tzinfo=UTC)
BOTH = [draft(METFORMIN_500), draft(IBUPROFEN_400, id="draft-2")]


def prefetched(records: Sequence[Record], concepts: Sequence[str]) -> dict[str, Any]:
    """The prefetch of a client that has these records, and no others."""
    found: dict[str, Any] = {}
    for search in compile_plan(shipped(), tuple(concepts)).searches:
        mine = [each for each in records if each["resourceType"] == search.description.resource_type]
        entries = [{"resource": each, "search": {"mode": "match"}} for each in mine]
        for key in search_templates(search):
            bundle = {"resourceType": "Bundle", "type": "searchset", "total": len(mine), "entry": entries}
            found[key] = mine[0] if key == "patient" else bundle
    return found


def advised(records: Sequence[Record], *drafts: Record, selected: Sequence[str] | None = None) -> Advice:
    """What the service says when these orders are signed, or of the selected ones while they are chosen."""
    service = shipped().services["renal-dosing" if selected is None else "renal-dosing-select"]
    context = order_context(*drafts, selected=selected)
    request = HookRequest(
        hook=service.hook,
        instance="3f6b1c1e-0d0e-4c6a-9d6e-0d3f0f1a2b3c",
        patient="p1",
        prefetch=prefetched(records, service.concepts),
        draft_orders=context["draftOrders"],
        selections=None if selected is None else tuple(context["selections"]),
    )

    async def ask() -> Advice:
        async with await Engine.open(Settings.model_validate({"cache": {"enabled": False}}), shipped()) as engine:
            asked = hook_question(engine, service, request, HookClient("", frozenset()), AT)
            trace, _ = await engine.ask_with_facts(asked.question, asked.supplied)
            return advise(service, trace, shipped())

    return asyncio.run(ask())


def bands(advice: Advice) -> list[str]:
    assert advice.unobtained == ()
    return [card.band.code for card in advice.cards if card.band is not None]


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


def test_without_a_creatinine_it_is_said_what_is_missing_but_only_of_these_drugs() -> None:
    assert advised([patient()], *BOTH).missing == ("no serum creatinine in the last 90 days",)
    assert advised([patient()], draft(ASPIRIN_LOW_DOSE)) == Advice()

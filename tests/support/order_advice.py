"""What the services of orders say of records and drafts: from the call of the hook to its advice."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from collectors.supplied_records import search_templates
from server.compiler.compilation import compile_plan
from server.executor.engine import Engine
from server.hooks.advice import Advice, advise
from server.hooks.clients import HookClient
from server.hooks.question import hook_question
from server.hooks.request import HookRequest
from server.settings import Settings
from tests.support.charts import Record
from tests.support.engine_questions import shipped
from tests.support.renal_orders import IBUPROFEN_400, METFORMIN_500, draft, order_context

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

"""From a call to its cards: what is asked, what is shown at most, and what is kept of what was sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from collectors.supplied_records import SuppliedRecords, from_prefetch
from server.catalog.services import CardRule, Indicator
from server.executor.engine import Engine
from server.executor.question import Question
from server.explain.explain import explain
from server.hooks.advice import Advice, CardContent
from server.hooks.advisor import Advisor
from server.hooks.clients import HookClient
from server.hooks.errors import UnobtainedError
from server.hooks.request import HookRequest
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import shipped
from tests.support.fake_fhir_servers import BASE, FakeFhir
from tests.support.hook_calls import INSTANCE, Json, make_service
from tests.support.settings import make_settings

AT = datetime(2026, 6, 2, 12, tzinfo=UTC)
CLIENT = HookClient("ehr-client", frozenset({"ehr"}))
REQUEST = HookRequest("patient-view", INSTANCE, "p1")
SERVICE = make_service()


@dataclass(frozen=True)
class Asked:
    question: Question
    supplied: SuppliedRecords


@dataclass
class Silenced:
    """Overrides that silence some cards, by their grounds; and what was kept of those that were sent."""

    silent: frozenset[bytes] = frozenset()
    kept: dict[str, bytes] = field(default_factory=dict)
    of: set[tuple[str, str, tuple[str, str]]] = field(default_factory=set)

    async def keep_unsilenced(
        self, client: HookClient, patient: tuple[str, str], contents: Sequence[CardContent]
    ) -> list[CardContent]:
        return [each for each in contents if each.grounds_key not in self.silent]

    async def remember(
        self, client: HookClient, service: str, patient: tuple[str, str], sent: Mapping[str, CardContent]
    ) -> None:
        self.of.add((client.id, service, patient))
        self.kept.update({uuid: each.grounds_key for uuid, each in sent.items()})


def make_cards(advice: Advice, _: object) -> list[Json]:
    missing = [{"uuid": "missing", "summary": ", ".join(advice.missing)}] if advice.missing else []
    return [{"uuid": f"u-{each.grounds_key.decode()}"} for each in advice.cards] + missing


async def advised(
    grounds: Sequence[str], overrides: Silenced, max_cards: int = 5, **advice: Any
) -> tuple[list[Json], FakeFhir]:
    """The cards of a service that has one for each of these grounds."""
    fhir = FakeFhir((patient(), creatinine(1.6, "2026-06-01T08:30:00Z")))
    settings = make_settings(sources=[{"id": "ehr", "base_url": BASE}], cache={"enabled": False})

    def ask(engine: Engine, service: Any, request: HookRequest, client: HookClient, at: datetime) -> Asked:
        return Asked(Question(request.patient, service.concepts, at, "ehr"), from_prefetch({}, (), request.patient))

    def advise(service: Any, trace: Any, _: Any) -> Advice:
        (result,) = explain(trace)
        assert result.text.startswith("Estimated GFR is ")
        rule = CardRule("egfr", (), Indicator.WARNING)
        # Further parts may have their own defaults.
        made = tuple(CardContent(rule, result, None, (), (), None, each.encode()) for each in grounds)
        return Advice(made, **advice)

    async with await Engine.open(settings, shipped(), fhir.client()) as engine:
        advisor = Advisor(engine, max_cards, ask, advise, make_cards, overrides)
        return await advisor.cards(SERVICE, REQUEST, CLIENT, AT), fhir


async def test_what_was_not_overridden_is_shown_up_to_the_most_and_kept() -> None:
    overrides = Silenced(frozenset({b"b"}))
    cards, _ = await advised(["a", "b", "c", "d"], overrides, max_cards=2)
    assert [card["uuid"] for card in cards] == ["u-a", "u-c"]
    # An override can be told of what was sent, and of nothing else.
    assert overrides.kept == {"u-a": b"a", "u-c": b"c"}
    assert overrides.of == {("ehr-client", "egfr-view", ("ehr", "p1"))}


async def test_what_the_record_lacks_is_no_card_that_can_be_silenced() -> None:
    overrides = Silenced(frozenset({b"a"}))
    cards, _ = await advised(["a"], overrides, missing=("Serum creatinine",))
    assert [card["uuid"] for card in cards] == ["missing"]
    assert overrides.kept == {}


async def test_nothing_to_say_is_no_card() -> None:
    cards, fhir = await advised([], Silenced())
    assert cards == []
    assert fhir.requests


async def test_what_could_not_be_had_is_no_advice() -> None:
    """CDS-54: whatever else is known, data that is needed and was not had is a 412."""
    overrides = Silenced()
    with pytest.raises(UnobtainedError) as caught:
        await advised(["a"], overrides, unobtained=(("observation", "was not sent"),))
    assert list(caught.value.issues) == ["observation: was not sent"]
    assert overrides.kept == {}


async def test_what_is_missing_keeps_its_place_among_the_most() -> None:
    cards, _ = await advised(["a", "b", "c"], Silenced(), max_cards=2, missing=("Serum creatinine",))
    assert [card["uuid"] for card in cards] == ["u-a", "missing"]

"""Every service on every fixture patient: the same cards whichever way the records came, and of the form that is asked.

The services are called through the whole application.
"""

from typing import Any

import pytest

from server.catalog.services import Hook
from tests.support.card_faults import card_faults
from tests.support.hook_ehr import BASE, Ehr
from tests.support.hook_site import (
    PATIENTS,
    SERVICES,
    HookSite,
    anybody,
    call_of,
    fixture_records,
    hook_site,
    without_uuids,
)

Json = dict[str, Any]


async def answered(site: HookSite, service_id: str, patient: str) -> list[Json]:
    """The cards by prefetch; those by fetch and by both are the same."""
    service = SERVICES[service_id]
    given = site.prefetch(service, patient)
    by_prefetch = await site.cards(service, call_of(service, patient, given))
    by_fetch = await site.cards(service, call_of(service, patient, None, BASE))
    for odd in (0, 1):
        half = {key: each for place, (key, each) in enumerate(sorted(given.items())) if place % 2 == odd}
        by_both = await site.cards(service, call_of(service, patient, half, BASE))
        assert without_uuids(by_both) == without_uuids(by_fetch), patient
    # Where a client names no server, there is no link to what could not be read there: all else is the same.
    assert without_uuids(by_prefetch) == without_uuids(by_fetch), patient
    return by_prefetch


@pytest.mark.parametrize("service_id", SERVICES)
async def test_each_service_gives_the_same_cards_by_prefetch_by_fetch_and_by_both(service_id: str) -> None:
    """What is not prefetched is fetched, and whichever way it came, it is read alike."""
    found: dict[str, list[Json]] = {}
    async with hook_site(anybody(), Ehr(fixture_records())) as site:
        for patient in PATIENTS:
            found[patient] = await answered(site, service_id, patient)
    is_order = SERVICES[service_id].hook in (Hook.ORDER_SIGN, Hook.ORDER_SELECT)
    wrong = {name: [card_faults(card, is_order) for card in cards] for name, cards in found.items()}
    assert {name: each for name, each in wrong.items() if any(each)} == {}
    shown = [each["uuid"] for cards in found.values() for each in cards]
    assert len(shown) == len(set(shown))
    print(service_id, {name: [card["summary"] for card in cards] for name, cards in found.items() if cards})
    # That there are cards at all, or this would prove nothing.
    assert len([name for name, cards in found.items() if cards]) >= 1

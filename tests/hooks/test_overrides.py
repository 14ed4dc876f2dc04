"""Which cards an override silences, and which it never does."""

import secrets
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from ontology.values import Coding
from server.executor.cache.encryption import Keyring, SealedStore
from server.executor.cache.redis_store import WriteBehindStore
from server.executor.cache.store import NoStore
from server.hooks.advice import CardContent
from server.hooks.clients import HookClient
from server.hooks.overrides import Overrides
from tests.support.cache_servers import Backend, wait_until
from tests.support.hook_cards import CODES, G5, RULE, card_content

EHR, OTHER = HookClient("ehr-client", frozenset({"ehr"})), HookClient("other-client", frozenset({"ehr"}))
ADA, BEA = ("ehr", "ada-lovelace"), ("ehr", "bea")
WEEK = timedelta(days=7)
UUID = "6d5a7a0e-8a8f-4f4e-9c57-0a4a6a0c3d11"


@pytest.fixture
def overrides(store: SealedStore, keys: Keyring) -> Overrides:
    return Overrides(store, keys.hooks, WEEK)


async def override(
    overrides: Overrides, client: HookClient = EHR, service: str = "kidney", uuids: tuple[str, ...] = (UUID,)
) -> None:
    await overrides.silence(list((await overrides.sent_cards(client, service, uuids)).values()))


async def test_a_card_is_sent_again_while_nobody_overrides_it(overrides: Overrides) -> None:
    card = card_content()
    for _ in range(3):
        assert await overrides.keep_unsilenced(EHR, ADA, [card]) == [card]
        await overrides.remember(EHR, "kidney", ADA, {str(uuid4()): card})


async def test_an_override_silences_this_card_and_leaves_the_others_in_their_order(overrides: Overrides) -> None:
    cards = [card_content(b"a"), card_content(b"b"), card_content(b"c")]
    await overrides.remember(EHR, "kidney", ADA, {UUID: cards[1], str(uuid4()): cards[0]})
    await override(overrides)
    assert await overrides.keep_unsilenced(EHR, ADA, cards) == [cards[0], cards[2]]
    assert await overrides.keep_unsilenced(EHR, ADA, []) == []


@pytest.mark.parametrize(
    ("client", "patient", "changed"),
    [
        (OTHER, ADA, card_content),
        (HookClient("", EHR.sources), ADA, card_content),
        (EHR, BEA, card_content),
        (EHR, ("other", "ada-lovelace"), card_content),
        (EHR, ("ehrada-lovelace", ""), card_content),
        (EHR, ADA, lambda: card_content(b"creatinine 2.7 mg/dL")),
        (EHR, ADA, lambda: card_content(b"")),
        (EHR, ADA, lambda: card_content(band=G5)),
        (EHR, ADA, lambda: card_content(band=Coding("https://other.example", "G4"))),
        (EHR, ADA, lambda: card_content(band=None)),
        (EHR, ADA, lambda: card_content(rule=replace(RULE, concept="ckd-chronicity"))),
    ],
)
async def test_whoever_and_whatever_differs_is_not_silent(
    overrides: Overrides, client: HookClient, patient: tuple[str, str], changed: object
) -> None:
    await overrides.remember(EHR, "kidney", ADA, {UUID: card_content()})
    await override(overrides)
    assert await overrides.keep_unsilenced(EHR, ADA, [card_content()]) == []
    assert callable(changed)
    other: CardContent = changed()
    assert await overrides.keep_unsilenced(client, patient, [other]) == [other]


async def test_two_patients_with_equal_values_are_independent(overrides: Overrides) -> None:
    card = card_content()
    theirs = str(uuid4())
    await overrides.remember(EHR, "kidney", ADA, {UUID: card})
    await overrides.remember(EHR, "kidney", BEA, {theirs: card})
    await override(overrides)
    assert await overrides.keep_unsilenced(EHR, BEA, [card]) == [card]
    await override(overrides, uuids=(theirs,))
    assert await overrides.keep_unsilenced(EHR, BEA, [card]) == []


async def test_a_band_s_label_is_no_difference(overrides: Overrides) -> None:
    await overrides.remember(EHR, "kidney", ADA, {UUID: card_content(band=Coding(CODES, "G4", "G4"))})
    await override(overrides)
    assert await overrides.keep_unsilenced(EHR, ADA, [card_content(band=Coding(CODES, "G4", "severe"))]) == []


@pytest.mark.parametrize(
    ("client", "service", "uuid"),
    [(EHR, "kidney", "guess"), (EHR, "kidney", UUID.upper()), (OTHER, "kidney", UUID), (EHR, "kidney-2", UUID)],
)
async def test_a_guess_and_the_feedback_of_another_client_or_service_finds_nothing(
    overrides: Overrides, client: HookClient, service: str, uuid: str
) -> None:
    await overrides.remember(EHR, "kidney", ADA, {UUID: card_content()})
    assert await overrides.sent_cards(client, service, [uuid]) == {}
    await override(overrides, client, service, (uuid,))
    assert await overrides.keep_unsilenced(EHR, ADA, [card_content()]) == [card_content()]


async def test_the_cache_holds_nothing_in_clear_and_forgets_in_time(overrides: Overrides, backend: Backend) -> None:
    await overrides.remember(EHR, "kidney", ADA, {UUID: card_content(band=Coding(CODES, "band-of-ada"))})
    await override(overrides)
    held = {}
    async with backend.raw() as server:
        for name in await server.keys("*"):
            held[name] = (await server.get(name), await server.pttl(name))
    for secret in (b"ada-lovelace", b"ehr-client", b"kidney", b"band-of-ada", b"creatinine", UUID.encode()):
        assert not any(secret in name or secret in value for name, (value, _) in held.items())
    kept = {name.split(b":")[2]: left for name, (_, left) in held.items()}
    day = timedelta(days=1) / timedelta(milliseconds=1)
    assert day - 60_000 < kept[b"card"] <= day and 7 * day - 60_000 < kept[b"silence"] <= 7 * day


async def test_an_override_ends(store: SealedStore, keys: Keyring) -> None:
    overrides = Overrides(store, keys.hooks, timedelta(milliseconds=1))
    card = card_content()
    await overrides.remember(EHR, "kidney", ADA, {UUID: card})
    await override(overrides)

    async def speaks() -> bool:
        return await overrides.keep_unsilenced(EHR, ADA, [card]) == [card]

    await wait_until(speaks)


async def test_no_time_for_overrides_silences_nothing(store: SealedStore, keys: Keyring) -> None:
    overrides = Overrides(store, keys.hooks, timedelta(0))
    await overrides.remember(EHR, "kidney", ADA, {UUID: card_content()})
    await override(overrides)
    assert await overrides.keep_unsilenced(EHR, ADA, [card_content()]) == [card_content()]


async def test_another_process_knows_of_an_override_at_once(backend: Backend, keys: Keyring) -> None:
    stores = [SealedStore(WriteBehindStore(backend.store, pause=3600), keys.seal) for _ in range(2)]
    one, other = (Overrides(each, keys.hooks, WEEK) for each in stores)
    await one.remember(EHR, "kidney", ADA, {UUID: card_content()})
    await override(one)
    assert await other.keep_unsilenced(EHR, ADA, [card_content()]) == []


async def test_another_secret_opens_and_names_nothing(store: SealedStore, backend: Backend, keys: Keyring) -> None:
    await Overrides(store, keys.hooks, WEEK).remember(EHR, "kidney", ADA, {UUID: card_content()})
    other = Keyring.from_secret(secrets.token_bytes(32))
    stranger = Overrides(SealedStore(backend.store, other.seal), other.hooks, WEEK)
    assert await stranger.sent_cards(EHR, "kidney", [UUID]) == {}


async def test_without_a_cache_every_card_is_sent(backend: Backend, keys: Keyring) -> None:
    for store in (NoStore(), SealedStore(backend.store, keys.seal)):
        overrides = Overrides(store, keys.hooks, WEEK)
        await overrides.remember(EHR, "kidney", ADA, {UUID: card_content()})
        if backend.store.available and not isinstance(store, NoStore):
            await override(overrides)
            backend.kill()
        await override(overrides)
        assert await overrides.keep_unsilenced(EHR, ADA, [card_content()]) == [card_content()]


async def test_what_is_told_twice_is_told_first_once(overrides: Overrides) -> None:
    await overrides.remember(EHR, "kidney", ADA, {UUID: card_content()})
    card = (await overrides.sent_cards(EHR, "kidney", [UUID]))[UUID]
    assert await overrides.first_told([(card, "accepted"), (card, "overridden")]) == [True, True]
    assert await overrides.first_told([(card, "accepted")]) == [False]
    assert await overrides.first_told([]) == []

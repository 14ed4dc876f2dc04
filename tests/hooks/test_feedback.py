"""Feedback: what is read, what is refused, what is counted, and what is never kept."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.executor.cache.encryption import Keyring, SealedStore
from server.hooks.clients import HookClient
from server.hooks.counts import FeedbackCounts, Outcome
from server.hooks.errors import MalformedCallError
from server.hooks.feedback import MOST_ITEMS, CardFeedback, Feedback, read_feedback
from server.hooks.overrides import Overrides
from tests.support.cache_servers import Backend
from tests.support.hook_cards import REASONS, SERVICE, card_content

Json = dict[str, Any]
EHR, OTHER = HookClient("ehr-client", frozenset({"ehr"})), HookClient("other-client", frozenset({"ehr"}))
ADA = ("ehr", "ada")
TODAY = date(2026, 6, 30)
UUID = "6d5a7a0e-8a8f-4f4e-9c57-0a4a6a0c3d11"
WHEN = "2020-12-11T00:00:00Z"
ITEM: Json = {"card": UUID, "outcome": "overridden", "outcomeTimestamp": WHEN}
SECRET = "Ada Lovelace, room 7, +49 30 1234567"


def reason(system: str, code: str, **more: object) -> Json:
    return {"overrideReason": {"reason": {"system": system, "code": code, **more}}}


MONITORED = reason(REASONS[0].system, REASONS[0].code)
KNOWN = f"{REASONS[0].system}|{REASONS[0].code}"


def body(*items: Json) -> Json:
    return {"feedback": list(items)}


def test_the_examples_of_the_specification() -> None:
    """CDS-154, CDS-155, CDS-156: the two messages of the page, as they are."""
    accepted = {
        "card": "4e0a3a1e-3283-4575-ab82-028d55fe2719",
        "outcome": "accepted",
        "acceptedSuggestions": [{"id": "e56e1945-20b3-4393-8503-a1a20fd73152"}],
        "outcomeTimestamp": WHEN,
    }
    overridden = {
        "card": "9368d37b-283f-44a0-93ea-547cebab93ed",
        "outcome": "overridden",
        "overrideReason": {
            "reason": {"code": "d7ecf885", "system": "https://example.com/cds-hooks/override-reason-system"},
            "userComment": "clinician entered comment",
        },
        "outcomeTimestamp": WHEN,
    }
    system = "https://example.com/cds-hooks/override-reason-system"
    assert read_feedback(body(accepted, overridden)) == (
        CardFeedback("4e0a3a1e-3283-4575-ab82-028d55fe2719", Outcome.ACCEPTED),
        CardFeedback("9368d37b-283f-44a0-93ea-547cebab93ed", Outcome.OVERRIDDEN, (system, "d7ecf885")),
    )


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"extension": {"org.example": {"a": [1]}}, "unknown": None},
        {"overrideReason": None},
        {"overrideReason": {}},
        {"overrideReason": {"userComment": {"not": "read"}}},
        {"overrideReason": {"reason": None, "userComment": "x" * 100_000}},
        {"acceptedSuggestions": []},
        {"acceptedSuggestions": None},
        {"outcomeTimestamp": "2016-12-31t23:59:60.123456789z"},
        {"outcomeTimestamp": "2026-06-30T14:00:00+02:00"},
    ],
)
def test_what_is_read_as_an_override_without_a_reason(change: Json) -> None:
    assert read_feedback(body(ITEM | change)) == (CardFeedback(UUID, Outcome.OVERRIDDEN),)


NO_TEXTS: list[object] = [None, "", 1, [], {}, True, "x" * 201, "a\x00b", "\ud800", "a\nb", "\u202eb"]
NO_SUGGESTIONS: list[object] = [
    None, {}, "x", [None], ["x"], [{}], [{"id": 1}], [{"id": ""}], [{"id": "x"}] * (MOST_ITEMS + 1),
]  # fmt: skip
NO_REASONS: list[object] = [
    [], "x", {"reason": "x"}, {"reason": []}, {"reason": {}}, {"reason": {"code": "a"}},
    {"reason": {"system": "a"}}, {"reason": {"code": 1, "system": "a"}}, {"reason": {"code": "a", "system": ""}},
]  # fmt: skip
MALFORMED: list[object] = [
    None, [], "feedback", 1, {}, {"feedback": None}, {"feedback": {}}, {"feedback": [None]}, {"feedback": [[]]},
    body(ITEM, ITEM | {"card": None}),
    *(body({**ITEM, name: wrong}) for name in ("card", "outcome", "outcomeTimestamp") for wrong in NO_TEXTS),
    *(body({name: value for name, value in ITEM.items() if name != left_out}) for left_out in ITEM),
    *(body(ITEM | {"outcome": wrong}) for wrong in ("ignored", "unknown", "ACCEPTED")),
    *(body(ITEM | {"outcome": "accepted", "acceptedSuggestions": wrong}) for wrong in NO_SUGGESTIONS),
    body(ITEM | {"outcome": "accepted"}),
    body(ITEM | {"acceptedSuggestions": {}}),
    *(body(ITEM | {"overrideReason": wrong}) for wrong in NO_REASONS),
    *(body(ITEM | {"outcomeTimestamp": wrong}) for wrong in (
        "2026-06-30", "2026-06-30T12:00:00", "2026-06-30T12:00Z", "2026-13-30T12:00:00Z", "2026-02-30T12:00:00Z",
        "2026-06-30T24:00:01Z", "2026-06-30 12:00:00Z", "20260630T120000Z", "2026-06-30T12:00:00Zz",
        "٢٠٢٦-06-30T12:00:00Z",
        "2026-06-30T12:60:00Z", "2026-06-30T12:00:61Z", "2026-06-30T12:00:00+99:00",
    )),
    body(*[ITEM] * (MOST_ITEMS + 1)),
]  # fmt: skip


@pytest.mark.parametrize("wrong", MALFORMED)
def test_what_is_malformed_is_refused_and_not_repeated(wrong: object) -> None:
    with pytest.raises(MalformedCallError) as caught:
        read_feedback(wrong)
    assert caught.value.status == 400
    assert UUID not in str(caught.value) and len(str(caught.value)) < 140 and str(caught.value).isascii()


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*ITEM, "reason", "id"]), inner),
    max_leaves=8,
)
_ITEMS = st.fixed_dictionaries(
    {},
    optional={name: st.just(value) | _ANY for name, value in (ITEM | MONITORED | {"acceptedSuggestions": []}).items()},
)


@given(st.fixed_dictionaries({"feedback": st.lists(_ITEMS | _ANY, max_size=4)}) | _ANY)
def test_whatever_comes_is_read_or_refused(given_body: object) -> None:
    try:
        items = read_feedback(given_body)
    except MalformedCallError:
        return
    assert isinstance(given_body, Mapping) and len(items) == len(given_body["feedback"])


class Site:
    """What is kept of cards and feedback, and what was told of it."""

    def __init__(self, store: SealedStore, keys: Keyring) -> None:
        self.overrides = Overrides(store, keys.hooks, timedelta(days=7))
        self.counts = FeedbackCounts(store, keys.hooks)
        self.feedback = Feedback(self.overrides, self.counts, lambda: TODAY)

    async def send(self, client: HookClient = EHR, uuid: str = UUID, grounds: bytes = b"a") -> None:
        await self.overrides.remember(client, SERVICE.id, ADA, {uuid: card_content(grounds)})

    async def tell(self, *items: Json, client: HookClient = EHR, service: Any = SERVICE) -> None:
        await self.feedback.receive(body(*items), service, client)

    async def is_silent(self, grounds: bytes = b"a", client: HookClient = EHR) -> bool:
        return not await self.overrides.keep_unsilenced(client, ADA, [card_content(grounds)])

    async def counted(self) -> dict[tuple[str, str], int]:
        found = await self.counts.of_days(TODAY + timedelta(days=400), 3_000)
        assert {each.day for each in found} <= {TODAY} and {each.told.service for each in found} <= {SERVICE.id}
        return {(each.told.outcome.value, each.told.reason): each.count for each in found}


@pytest.fixture
def site(store: SealedStore, keys: Keyring) -> Site:
    return Site(store, keys)


ACCEPTED: Json = ITEM | {"outcome": "accepted", "acceptedSuggestions": [{"id": "s1"}]}


@pytest.mark.parametrize(
    ("item", "counted", "silent"),
    [
        (ITEM | MONITORED, ("overridden", KNOWN), True),
        (ITEM | reason(REASONS[0].system, "monitored", display=SECRET), ("overridden", KNOWN), True),
        (ITEM | reason(REASONS[0].system, "of the client"), ("overridden", "other"), True),
        (ITEM | reason("https://other.example", "monitored"), ("overridden", "other"), True),
        (ITEM, ("overridden", ""), True),
        (ITEM | {"overrideReason": {"userComment": SECRET}}, ("overridden", ""), True),
        (ACCEPTED, ("accepted", ""), False),
        (ACCEPTED | MONITORED, ("accepted", ""), False),
        (ITEM | {"card": str(uuid4())}, ("unknown", ""), False),
        (ITEM | {"card": SECRET}, ("unknown", ""), False),
        (ACCEPTED | {"card": "x"}, ("unknown", ""), False),
    ],
)  # fmt: skip
async def test_what_is_counted_and_what_is_silent_then(
    site: Site, item: Json, counted: tuple[str, str], silent: bool
) -> None:
    await site.send()
    await site.tell(item)
    assert await site.counted() == {counted: 1}
    assert await site.is_silent() is silent
    assert not await site.is_silent(b"changed")


async def test_another_client_s_feedback_silences_nothing_even_with_the_uuid(site: Site) -> None:
    await site.send()
    await site.tell(ITEM, client=OTHER)
    assert await site.counted() == {("unknown", ""): 1}
    assert not await site.is_silent() and not await site.is_silent(client=OTHER)


async def test_what_is_told_again_counts_once_and_silences_still(site: Site) -> None:
    await site.send()
    await site.tell(ITEM, ITEM, ITEM | MONITORED)
    await site.tell(ITEM)
    assert sum((await site.counted()).values()) == 1
    await site.tell(ACCEPTED)
    assert (await site.counted())["accepted", ""] == 1
    assert await site.is_silent()


async def test_of_a_malformed_message_nothing_counts(site: Site) -> None:
    await site.send()
    with pytest.raises(MalformedCallError):
        await site.tell(ITEM, ITEM | {"card": str(uuid4()), "outcome": "ignored"})
    assert await site.counted() == {} and not await site.is_silent()


async def test_several_cards_in_one_message(site: Site) -> None:
    uuids = [str(uuid4()) for _ in range(3)]
    for place, uuid in enumerate(uuids):
        await site.send(uuid=uuid, grounds=bytes([place]))
    await site.tell(ITEM | {"card": uuids[0]} | MONITORED, ACCEPTED | {"card": uuids[1]}, ITEM | {"card": "guess"})
    assert await site.counted() == {
        ("overridden", KNOWN): 1, ("accepted", ""): 1, ("unknown", ""): 1,
    }  # fmt: skip
    assert [await site.is_silent(bytes([place])) for place in range(3)] == [True, False, False]


async def test_no_word_of_a_client_is_kept(site: Site, backend: Backend, caplog: pytest.LogCaptureFixture) -> None:
    await site.send()
    comment = {
        "overrideReason": {"reason": {"system": SECRET, "code": SECRET, "display": SECRET}, "userComment": SECRET}
    }
    await site.tell(
        ITEM | comment, ITEM | comment | {"card": SECRET}, ACCEPTED | {"acceptedSuggestions": [{"id": SECRET}]}
    )
    async with backend.raw() as server:
        held = []
        for name in await server.keys("*"):
            held += [name, await (server.hgetall(name) if b"feedback" in name else server.get(name))]
    assert held and "Lovelace" not in str(held) and "2020" not in str(held)
    assert "Lovelace" not in caplog.text


async def test_a_cache_that_is_away_is_no_error(site: Site, backend: Backend) -> None:
    await site.send()
    backend.kill()
    await site.tell(ITEM)
    assert not await site.is_silent()

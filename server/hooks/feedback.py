"""Feedback on cards (CDS Hooks 2.0): read strictly, counted, and of an override silencing the card.

Comments of users are dropped unread, since they may name a patient.  All of a message is read before any of it counts.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from server.catalog.services import Service
from server.hooks.clients import HookClient
from server.hooks.counts import OTHER, FeedbackCounts, Outcome, Told
from server.hooks.errors import MalformedCallError
from server.hooks.overrides import Overrides

MOST_ITEMS = 100
_MOST_CHARACTERS = 200
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CardFeedback:
    """What a client tells of one card.

    card: its uuid.  reason: system and code of an override's reason; None where only a comment, or nothing, was given.
    """

    card: str
    outcome: Outcome
    reason: tuple[str, str] | None = None


def read_feedback(body: object) -> tuple[CardFeedback, ...]:
    """The items of a message, which was parsed as JSON already.

    Members that the specification does not know, extensions among them, are passed over.  Raises MalformedCallError,
    which names the place and repeats nothing of the message.
    """
    items = _object(body, "the body").get("feedback")
    if not isinstance(items, list):
        raise MalformedCallError("feedback must be an array")
    if len(items) > MOST_ITEMS:
        raise MalformedCallError(f"feedback may have at most {MOST_ITEMS} items")
    return tuple(_item(item, f"feedback[{place}]") for place, item in enumerate(items))


@dataclass(frozen=True, slots=True)
class Feedback:
    """Takes feedback.  ``today``: the day by our clock, in the zone of the site."""

    overrides: Overrides
    counts: FeedbackCounts
    today: Callable[[], date]

    async def receive(self, body: object, service: Service, client: HookClient) -> None:
        """Silence what was overridden, and count what was told in a message, which was parsed as JSON.

        Only a card counts that this client was sent by this service within a day; each outcome of it once.  Raises
        MalformedCallError; nothing of such a message counts.
        """
        items = read_feedback(body)
        sent = await self.overrides.sent_cards(client, service.id, [each.card for each in items])
        of_sent = {(each.card, each.outcome): each for each in items if each.card in sent}.values()
        await self.overrides.silence([sent[each.card] for each in of_sent if each.outcome is Outcome.OVERRIDDEN])
        first = await self.overrides.first_told([(sent[each.card], each.outcome) for each in of_sent])
        told = [_told(service, each) for each, is_first in zip(of_sent, first, strict=True) if is_first]
        told += [Told(service.id, Outcome.UNKNOWN) for each in items if each.card not in sent]
        await self.counts.add(told, self.today())


def _told(service: Service, item: CardFeedback) -> Told:
    """What is counted: a reason only where it is one of the service's, so that no text of a client is kept."""
    if item.outcome is not Outcome.OVERRIDDEN or item.reason is None:
        return Told(service.id, item.outcome)
    offered = {(each.system, each.code) for each in service.override_reasons}
    return Told(service.id, item.outcome, "|".join(item.reason) if item.reason in offered else OTHER)


def _item(given: object, place: str) -> CardFeedback:
    item = _object(given, place)
    card, outcome = _text(item, "card", place), _text(item, "outcome", place)
    _check_time(_text(item, "outcomeTimestamp", place), place)
    suggestions = item.get("acceptedSuggestions")
    if suggestions is not None or outcome == Outcome.ACCEPTED:
        _check_suggestions(suggestions, f"{place}.acceptedSuggestions")
    if outcome == Outcome.ACCEPTED:
        return CardFeedback(card, Outcome.ACCEPTED)
    if outcome != Outcome.OVERRIDDEN:
        raise MalformedCallError(f"{place}.outcome must be accepted or overridden")
    return CardFeedback(card, Outcome.OVERRIDDEN, _reason(item.get("overrideReason"), f"{place}.overrideReason"))


def _reason(given: object, place: str) -> tuple[str, str] | None:
    if given is None:
        return None
    reason = _object(given, place).get("reason")
    if reason is None:
        return None
    coding = _object(reason, f"{place}.reason")
    return _text(coding, "system", f"{place}.reason"), _text(coding, "code", f"{place}.reason")


def _check_suggestions(given: object, place: str) -> None:
    if not isinstance(given, list):
        raise MalformedCallError(f"{place} must be an array")
    if len(given) > MOST_ITEMS:
        raise MalformedCallError(f"{place} may have at most {MOST_ITEMS} items")
    for number, each in enumerate(given):
        _text(_object(each, f"{place}[{number}]"), "id", f"{place}[{number}]")


def _check_time(text: str, place: str) -> None:
    fault = MalformedCallError(f"{place}.outcomeTimestamp must be a time with its zone, as RFC 3339 has it")
    if _RFC3339.fullmatch(text) is None:
        raise fault
    try:
        # A leap second is a time of RFC 3339, and none of Python's.
        datetime.fromisoformat(re.sub(r"(?<=:\d\d:)60", "59", text.upper()))
    except ValueError:
        raise fault from None


def _object(given: object, place: str) -> Json:
    if not isinstance(given, Mapping):
        raise MalformedCallError(f"{place} must be an object")
    return given


def _text(given: Json, name: str, place: str) -> str:
    text = given.get(name)
    if not isinstance(text, str) or not text or len(text) > _MOST_CHARACTERS or not text.isprintable():
        raise MalformedCallError(f"{place}.{name} must be a text of 1 to {_MOST_CHARACTERS} printable characters")
    return text

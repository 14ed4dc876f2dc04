"""``hooks feedback``: what clinicians told of the cards of CDS Hooks, as counts."""

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from server.cli.terminal import print_json, print_text
from server.settings import Settings

if TYPE_CHECKING:
    from server.hooks.counts import FeedbackCount, Told

DAYS, MOST_DAYS = 28, 400


def add_arguments(parser: argparse.ArgumentParser, config: argparse.ArgumentParser) -> None:
    """Add the action to the parser of ``hooks``; ``config`` is the parent parser with ``--config``."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    feedback = commands.add_parser(
        "feedback",
        parents=[config],
        help="how often cards were accepted and overridden, and why",
        description="Prints how often cards were accepted and overridden, by service and reason, from the cache that "
        "cache.url names. Nothing of a patient, a user or a client is kept there of feedback.",
        epilog="Exit status: 0 printed; 1 without a shared cache, or where it cannot be reached.",
    )
    feedback.add_argument(
        "--days", type=_days_argument, default=DAYS, metavar="N", help=f"of the last N days (default {DAYS})"
    )
    feedback.add_argument("--format", choices=("text", "json"), default="text", help="json: day by day")


def _days_argument(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= MOST_DAYS:
        return int(text)
    raise argparse.ArgumentTypeError(f"a number of days is from 1 to {MOST_DAYS}")


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Print the counts.  Returns the exit status; raises MedtwinError for settings that cannot be used."""
    cache = settings.cache
    if cache.url is None or not cache.enabled:
        print_text(
            "medtwin: feedback is counted in the shared cache: set cache.url and cache.key as the server has them"
            " (the embedded cache ends with its server)",
            file=sys.stderr,
        )
        return 1
    today = datetime.now(UTC).astimezone(ZoneInfo(settings.zone)).date()
    counts, fault = asyncio.run(_read(settings, today, given.days))
    if fault:
        print_text(f"medtwin: {fault}", file=sys.stderr)
        return 1
    labels = _labels(settings)
    first = today - timedelta(days=given.days - 1)
    if given.format == "json":
        whole = {"from": first.isoformat(), "to": today.isoformat(), "zone": settings.zone}
        print_json(json.dumps(whole | {"counts": [_as_json(each, labels) for each in counts]}, indent=2))
    else:
        print_text("\n".join(_lines(counts, labels, f"from {first} to {today} ({settings.zone})")))
    return 0


async def _read(settings: Settings, today: date, days: int) -> "tuple[list[FeedbackCount], str]":
    """The counts, and why they cannot be had ("" where they can)."""
    from server.executor.cache.encryption import Keyring
    from server.executor.cache.open_store import open_store
    from server.hooks.counts import FeedbackCounts

    cache = settings.cache
    key = cache.key_bytes()
    keys = Keyring.from_secret(key)
    store = await open_store(None if cache.url is None else cache.url.get_secret_value(), key, keys=keys)
    try:
        counts = await FeedbackCounts(store, keys.hooks).of_days(today, days)
        # What is missing says nothing where the cache failed.
        status = await store.status()
    finally:
        await store.close()
    return counts, status.text if status.failures or not status.reachable else ""


def _labels(settings: Settings) -> Mapping[str, str]:
    """Of the override reasons of today's services, by ``system|code``."""
    from server.catalog.catalog import configured_catalog

    services = configured_catalog(settings).services.values()
    reasons = [reason for service in services for reason in service.override_reasons]
    return {f"{each.system}|{each.code}": each.display for each in reasons if each.display is not None}


def _lines(counts: "Sequence[FeedbackCount]", labels: Mapping[str, str], when: str) -> Iterator[str]:
    if not counts:
        yield f"No feedback on cards {when}."
        return
    yield f"Feedback on cards {when}:"
    totals: Counter[Told] = Counter()
    for each in counts:
        totals[each.told] += each.count
    service = None
    for told, count in sorted(totals.items(), key=lambda each: (each[0].service, each[0].outcome, -each[1], each[0])):
        if told.service != service:
            service = told.service
            yield f"\n{service}"
        yield f"{count:>7}  {_words(told, labels)}"


def _words(told: "Told", labels: Mapping[str, str]) -> str:
    from server.hooks.counts import OTHER, Outcome

    match told.outcome:
        case Outcome.ACCEPTED:
            return "accepted"
        case Outcome.UNKNOWN:
            return "on cards that are not known (any more): after a day, or of another client or service"
    if not told.reason:
        return "overridden without a reason"
    if told.reason == OTHER:
        return "overridden for a reason that the service does not offer"
    label = labels.get(told.reason)
    return f"overridden: {told.reason if label is None else label}"


def _as_json(each: "FeedbackCount", labels: Mapping[str, str]) -> dict[str, Any]:
    system, bar, code = each.told.reason.rpartition("|")
    reason: dict[str, Any] | None = None
    if bar:
        reason = {"system": system, "code": code, "display": labels.get(each.told.reason)}
    elif each.told.reason:
        reason = {"code": each.told.reason}
    return {
        "day": each.day.isoformat(),
        "service": each.told.service,
        "outcome": each.told.outcome.value,
        "reason": reason,
        "count": each.count,
    }

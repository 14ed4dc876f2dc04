"""Why an execution ran, or that it did not: in words, with before and after."""

from collections.abc import Iterator
from datetime import datetime

from server.executor.lastseen import LastSeen


def reason(previous: LastSeen | None, now: LastSeen, reused: bool, cache_reachable: bool) -> str:
    """``reused``, or all that differs from what this caller was told last, joined by " · ".

    Where nothing differs the result had ``expired``, or there was ``no cache``; where nothing was told before it is
    ``first seen``.
    """
    if reused:
        return "reused"
    if previous is None:
        return "first seen" if cache_reachable else "no cache"
    return " · ".join(_changes(previous, now)) or ("expired" if cache_reachable else "no cache")


def _changes(previous: LastSeen, now: LastSeen) -> Iterator[str]:
    if previous.version != now.version:
        yield f"module {previous.version} → {now.version}"
    elif previous.description != now.description:
        yield "description changed"
    if previous.code != now.code:
        yield "code changed"
    if previous.environment != now.environment:
        yield "interpreter, ontology or libraries changed"
    yield from _slots(previous, now)
    if previous.at != now.at:
        yield f"the evaluation time moved from {_time(previous.at)} to {_time(now.at)}"


def _slots(previous: LastSeen, now: LastSeen) -> Iterator[str]:
    for name, slot in now.slots.items():
        before = previous.slots.get(name)
        if before is None:
            yield f"slot `{name}` added"
        elif before.digest == slot.digest:
            continue
        elif before.text == slot.text:
            yield f"slot `{name}` changed (shown as {slot.text} before and after)"
        else:
            yield f"slot `{name}` changed from {before.text} to {slot.text}"
    for name in previous.slots:
        if name not in now.slots:
            yield f"slot `{name}` removed"


def _time(at: str | None) -> str:
    if at is None:
        return "none"
    time = datetime.fromisoformat(at)
    if (time.hour, time.minute, time.second, time.microsecond) == (0, 0, 0, 0):
        return time.date().isoformat()
    return time.isoformat(sep=" ", timespec="seconds" if time.second else "minutes")

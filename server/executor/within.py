"""How far apart the facts of a group of slots may lie: those much older than the newest are stale."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from ontology.evaluation import Issue, Severity
from ontology.resources import Resource
from ontology.values import Absent, AbsentReason
from server.catalog.descriptions import Within
from server.executor.trace import BoundInput


def keep_within(
    within: Within | None, inputs: Mapping[str, BoundInput], rests_on: Callable[[int], tuple[Resource, ...]]
) -> dict[str, BoundInput]:
    """The inputs, with those of the group that lie too far before its newest one made ``Absent(STALE)``.

    The newest, not the fullest, set counts: an older complete set must not hide that things have changed since.
    """
    if within is None:
        return dict(inputs)
    times = {name: _newest(inputs[name], rests_on) for name in within.slots}
    known = [time for time in times.values() if time is not None]
    if not known:
        return dict(inputs)
    newest = max(known)
    kept = dict(inputs)
    for name, time in times.items():
        if time is not None and newest - time > within.duration:
            kept[name] = _stale(inputs[name], time, newest, within)
    return kept


def _newest(given: BoundInput, rests_on: Callable[[int], tuple[Resource, ...]]) -> datetime | None:
    if isinstance(given.value, Absent) and given.bounds is None:
        return None
    resources = [*given.resources, *(r for step in given.steps for r in rests_on(step))]
    return max((r.effective.end for r in resources if r.effective is not None), default=None)


def _stale(given: BoundInput, time: datetime, newest: datetime, within: Within) -> BoundInput:
    minutes = int(within.duration.total_seconds() // 60)
    text = (
        f"{given.slot.concept.display}: last measured {time:%Y-%m-%d %H:%M}, "
        f"more than {minutes} minutes before the newest of the group ({newest:%Y-%m-%d %H:%M})"
    )
    issue = Issue(Severity.WARNING, "not-within", text, given.slot.name)
    return replace(given, value=Absent(AbsentReason.STALE), bounds=None, issues=(*given.issues, issue))

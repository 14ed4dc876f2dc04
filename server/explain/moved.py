"""The sentence of an attribution: where the result is, where it was, and what moved the estimate how much."""

from datetime import datetime

from ontology.concepts import Origin
from ontology.evaluation import Interval
from ontology.values import Absent, Value
from ontology.words import begin_small
from server.attribution.reference import USUAL
from server.attribution.sides import DECIDES, NO_REFERENCE, NOT_NOW, NOT_THEN, Stayed
from server.attribution.told import CODE, Attribution
from server.catalog.descriptions import Description
from server.explain.claims import WHAT_IF
from server.explain.movers import change, deciders, movers, on_the_way
from server.explain.wording import list_words, time_words, value_words

_STAYS = {
    "REFERENCE": {NO_REFERENCE: "no usual value", NOT_NOW: "not known"},
    "EARLIER": {NOT_THEN: "missing then", NOT_NOW: "missing now"},
    "ACTUAL": {NOT_THEN: "missing in the record", NOT_NOW: "missing or taken as missing"},
}
_ORDER = (NO_REFERENCE, DECIDES, NOT_NOW, NOT_THEN)


def sentence(
    told: Attribution, description: Description, baseline: str, since: datetime | None, before: Value | None
) -> str:
    """A few sentences.  ``before`` is what the result was at the baseline, as it was told then.

    The base may be another value: where inputs were missing at one end, they stay as they are now.
    """
    decimals = description.display_decimals
    now = _value(told.output_value, told.output_bounds, decimals)
    subject = f"{description.produces.display}:" if isinstance(told.output_value, bool) else ""
    subject = subject or f"{description.produces.display} is"
    match baseline:
        case "REFERENCE" if _same(told, told.base_value):
            parts = [f"{subject} {now}, and {_usual(told)} too."]
        case "REFERENCE":
            parts = [f"{subject} {now}; {_usual(told)} it would be {_base(told, decimals)}."]
        case "EARLIER":
            parts = [f"{subject} {_then(told, before, time_words(since) if since else 'then', now, decimals)}."]
        case _:
            record = _told(told, before, decimals)
            parts = [f"{subject} {now} on {_assumption(told)}, {record} by the record."]
    parts += _moved(told, baseline, before, decimals)
    way = on_the_way(told.between)
    parts += [f"On the way: {way}."] if way else []
    parts += [f"{each}." for each in told.flipped]
    if baseline != "REFERENCE" and before != told.output_value and before != told.base_value and not _any(told):
        # Else what follows, "left as they are", would read as if these had no part in it.
        parts += ["The whole difference comes of what is missing at one end."]
    parts += _stayed(told.stayed, _STAYS[baseline])
    parts += [f"On an assumption: {WHAT_IF}."] if baseline == "ACTUAL" else []
    return " ".join(parts)


def _same(told: Attribution, other: Value | None) -> bool:
    """Whether nothing is told apart between the result and a value at the baseline, and nothing moved it."""
    return other == told.output_value and not any(item.amount or item.needed for item in told.items)


def _value(value: Value, bounds: Interval | None, decimals: int | None) -> str:
    """A value that has bounds is the least that the result can be."""
    return f"{'at least ' if bounds is not None else ''}{value_words(value, decimals)}"


def _base(told: Attribution, decimals: int | None) -> str:
    return _value(told.base_value, told.base_bounds, decimals)


def _usual(told: Attribution) -> str:
    """What the end that a result is compared with is, where not all of it is what is usual."""
    other = [item for item in told.items if item.usual not in (None, USUAL)]
    names = list_words(f"for {begin_small(item.concept.display)} the {item.usual}" for item in other)
    rest = " of the other inputs" if any(each.why == DECIDES for each in told.stayed) else ""
    return f"with usual values{rest}{f' ({names})' if names else ''}"


def _then(told: Attribution, before: Value | None, when: str, now: str, decimals: int | None) -> str:
    if before == told.output_value == told.base_value:
        return f"{now}, as on {when}"
    base = _base(told, decimals)
    if before == told.base_value:
        return f"{now}, as on {when} to the digits shown" if base == now else f"now {now}, it was {base} on {when}"
    said = f"it had no value on {when}"
    if before is not None and not isinstance(before, Absent):
        said = f"it was {value_words(before, decimals)} on {when}"
    if not _any(told):
        return f"now {now}, {said}"
    return f"now {now}, {said} ({base} {_left(told)})"


def _told(told: Attribution, before: Value | None, decimals: int | None) -> str:
    """What the record alone gives; and the base, where that is another value."""
    base = _base(told, decimals)
    if before == told.base_value:
        return base
    said = "no value" if before is None or isinstance(before, Absent) else value_words(before, decimals)
    return f"{said} ({base} without what is missing at one end)" if _any(told) else said


def _any(told: Attribution) -> bool:
    """Whether any input that is known at both ends moved it."""
    return any(item.amount or item.needed or item.alone for item in told.items)


def _left(told: Attribution) -> str:
    """How the base differs from what was told: by what is the same at both ends, since it was missing at one."""
    missing = {each.why for each in told.stayed} & {NOT_THEN, NOT_NOW}
    if missing == {NOT_NOW}:
        return "without what is missing now"
    return f"with what was missing {'then' if missing == {NOT_THEN} else 'at one of the times'} taken as it is now"


def _assumption(told: Attribution) -> str:
    return "the assumptions" if sum(item.assumed for item in told.items) > 1 else "the assumption"


def _moved(told: Attribution, baseline: str, before: Value | None, decimals: int | None) -> list[str]:
    """What moved it; nothing is said where nothing did."""
    changed, moves = ("changed", "moved") if baseline == "EARLIER" else ("changes", "moves")
    if told.scale == CODE:
        if told.items:
            return [f"What {changed} it: {deciders(told.items)}."]
        return [f"No input {changed} it by itself."] if told.base_value != told.output_value else []
    items = [item for item in told.items if item.amount]
    if not items:
        return []
    if len(items) == 1 and items[0].time and before == told.base_value:
        return [f"Only time has passed: {change(items[0])}."]
    away = " away from that" if baseline == "REFERENCE" else ""
    return [f"What {moves} the estimate{away}: {movers(told, decimals)}."]


def _stayed(stayed: tuple[Stayed, ...], words: dict[str, str]) -> list[str]:
    """What is the same at both ends; but for the site's settings, which are nobody's."""
    groups: dict[str, list[str]] = {}
    for each in sorted(stayed, key=lambda each: _ORDER.index(each.why)):
        if each.concept.origin is Origin.SITE:
            continue
        # What a reader knows as age is read off the date of birth.
        name = "age" if each.concept.element == "birthDate" else begin_small(each.concept.display)
        groups.setdefault(words.get(each.why, each.why), []).append(name + (" over time" if each.series else ""))
    told = "; ".join(f"{list_words(dict.fromkeys(names))} ({why})" for why, names in groups.items())
    return [f"Left as they are: {told}."] if told else []

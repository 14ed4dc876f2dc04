"""The sentence of an attribution: where the result is, where it was, and what moved the estimate how much."""

from datetime import datetime
from decimal import Decimal

from ontology.values import Absent, Quantity, Series, Value
from server.attribution.attribute import CODE, LOG_ODDS, Attribution, Item
from server.attribution.sides import NO_REFERENCE, NOT_NOW, Stayed
from server.catalog.descriptions import Description
from server.explain.claims import WHAT_IF
from server.explain.wording import amount, begin_small, list_words, number_words, time_words, value_words

_HARDLY = 0.1
_AS_MUCH = 0.9
_MOST_NAMED = 6


def sentence(
    told: Attribution, description: Description, baseline: str, since: datetime | None, before: Value | None
) -> str:
    """Two or three sentences.  ``before`` is what the result was at the baseline, as it was told then.

    The base may be another value: where inputs were missing then, they stay as they are now.
    """
    decimals = description.display_decimals
    now = value_words(told.output_value, decimals)
    base = value_words(told.base_value, decimals)
    name = description.produces.display
    match baseline:
        case "REFERENCE":
            said = f"{name} is {now}; with usual values it would be {base}."
            moved = "What moves the estimate away from that"
        case "EARLIER":
            when = time_words(since) if since is not None else "then"
            said = f"{name} is now {now}, {_was(told, before, when, decimals)}."
            moved = "What moved the estimate"
        case _:
            said = f"{name} is {now} on the assumption, {base} by the record."
            moved = "What moves the estimate"
    if told.scale == CODE:
        moved = "What changes it" if baseline != "EARLIER" else "What changed it"
    parts = [said, f"{moved}: {_items(told, decimals)}."]
    parts += [f"{each}." for each in told.flipped]
    if told.stayed:
        parts.append(_stayed(told.stayed))
    if baseline == "ACTUAL":
        parts.append(f"On an assumption: {WHAT_IF}.")
    return " ".join(parts)


def _was(told: Attribution, before: Value | None, when: str, decimals: int | None) -> str:
    base = value_words(told.base_value, decimals)
    if before == told.base_value:
        return f"it was {base} on {when}"
    then = f"it had no value on {when}" if before is None or isinstance(before, Absent) else ""
    then = then or f"it was {value_words(before, decimals) if before is not None else ''} on {when}"
    return f"{then} (with what was missing then taken as it is now: {base})"


def _items(told: Attribution, decimals: int | None) -> str:
    if told.scale == CODE:
        changed = told.base_value != told.output_value
        return list_words(_of_code(item) for item in told.items) or ("no input by itself" if changed else "nothing")
    items = [item for item in told.items if item.amount]
    if not items:
        return "nothing"
    total = sum(abs(item.amount) for item in items)
    largest = abs(items[0].amount)
    named = [
        f"{_change(item)} {_rank(abs(item.amount), largest, total, first=place == 0)}{_direction(item, told, decimals)}"
        for place, item in enumerate(items[:_MOST_NAMED])
    ]
    if len(items) > _MOST_NAMED:
        named.append(f"{len(items) - _MOST_NAMED} more inputs, each less than these")
    return ", ".join(named)


def _of_code(item: Item) -> str:
    if item.needed and item.alone:
        how = "by itself"
    elif item.needed:
        how = "together with others"
    else:
        how = "by itself, and it would be the same without"
    return f"{_change(item)} ({how})"


def _change(item: Item) -> str:
    name = begin_small(item.concept.display) + (" over time" if isinstance(item.after, Series) else "")
    if isinstance(item.before, Quantity) and isinstance(item.after, Quantity) and item.before.unit == item.after.unit:
        digits = 1 if item.time else None
        before = number_words(item.before.value, digits)
        return f"{name} {before} → {amount(item.after.value, item.after.unit, digits)}"
    return f"{name} {value_words(item.before)} → {value_words(item.after)}"


def _rank(size: float, largest: float, total: float, first: bool) -> str:
    if first:
        return "most" if size < total else "alone"
    if size >= _AS_MUCH * largest:
        return "about as much"
    return "hardly" if size < _HARDLY * total else "less"


def _direction(item: Item, told: Attribution, decimals: int | None) -> str:
    """How far on the scale of the result; of a risk only whether up or down, since log-odds are no words."""
    if told.scale == LOG_ODDS:
        return " (up)" if item.amount > 0 else " (down)"
    digits = None if decimals is None else decimals + 1
    size = number_words(Decimal(repr(abs(item.amount))), digits)
    sign = "+" if item.amount > 0 else "−"
    error = f" ± {number_words(Decimal(repr(item.error)), digits)}" if item.error is not None else ""
    return f" ({sign}{size}{error})"


def _stayed(stayed: tuple[Stayed, ...]) -> str:
    groups: dict[str, list[str]] = {}
    for each in stayed:
        name = begin_small(each.concept.display) + (" over time" if each.series else "")
        groups.setdefault(each.why, []).append(name)
    order = sorted(groups, key=lambda why: (why != NO_REFERENCE, why != NOT_NOW))
    return f"Left as they are: {'; '.join(f'{list_words(dict.fromkeys(groups[why]))} ({why})' for why in order)}."

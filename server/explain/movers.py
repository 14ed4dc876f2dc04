"""What moved a result, in words: each input with its values at both ends, and how much it moved beside the others."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from ontology.values import Quantity, Series
from ontology.words import begin_small, brief_number
from server.attribution.told import CODE, LOG_ODDS, POINTS, Attribution, Between, Item, Together
from server.explain.wording import amount, list_words, number_words, value_words

_HARDLY = 0.1
_AS_MUCH = 0.9
_MOST_NAMED = 7
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class _Mover:
    """An input, or correlated inputs together."""

    words: str
    amount: float
    error: float | None


def movers(told: Attribution, decimals: int | None) -> str:
    """The inputs that moved a number, the largest first; correlated ones together."""
    found = [*_groups(told), *_single(told)]
    found.sort(key=lambda mover: -abs(mover.amount))
    total = sum(abs(mover.amount) for mover in found)
    named = []
    for place, mover in enumerate(found[:_MOST_NAMED]):
        rank = _rank(mover.amount, found[0].amount, total, first=place == 0)
        # Of points the number says it all; that one of many "hardly" counts would be no word for it.
        how = "" if told.scale == POINTS else f" {rank}"
        named.append(f"{mover.words}{how}{_direction(mover, told.scale, decimals)}")
    if (more := len(found) - _MOST_NAMED) > 0:
        named.append(f"{more} more input{'s' if more > 1 else ''}, none more than these")
    return ", ".join(named)


def deciders(items: Iterable[Item]) -> str:
    """The inputs that a code hangs on."""
    return list_words(f"{change(item)} ({_decides(item)})" for item in items)


def on_the_way(between: Iterable[Between]) -> str:
    """The numbers between inputs and result that look otherwise at each end."""
    told = []
    for each in between:
        before, after = value_words(each.before, each.decimals), value_words(each.after, each.decimals)
        if before != after and isinstance(each.before, Quantity):
            start = number_words(each.before.value, each.decimals)
            told.append(f"{begin_small(each.concept.display)} {start} → {after}")
    return list_words(told)


def change(item: Item) -> str:
    """An input and its values at both ends, with as many digits as tell them apart."""
    name = begin_small(item.concept.display) + (" over time" if isinstance(item.after, Series) else "")
    before, after = item.before, item.after
    if isinstance(before, Quantity) and isinstance(after, Quantity) and before.unit == after.unit:
        digits = _digits(before.value, after.value) if item.time else None
        start, end = before.value, after.value
        if brief_number(start) != brief_number(end):
            start, end = brief_number(start), brief_number(end)
        return f"{name} {number_words(start, digits)} → {amount(end, after.unit, digits)}"
    return f"{name} {value_words(before)} → {value_words(after)}"


def _digits(before: Decimal, after: Decimal) -> int:
    return next((n for n in range(1, _DIGITS) if number_words(before, n) != number_words(after, n)), _DIGITS)


def _groups(told: Attribution) -> list[_Mover]:
    return [_Mover(_group(group), group.amount, group.error) for group in told.groups if group.amount]


def _group(group: Together) -> str:
    """Its members; which way each moved the result, only where they went against each other."""
    mixed = len({item.amount > 0 for item in group.items if item.amount}) > 1
    parts = [f"{change(item)}{_way(item.amount) if mixed else ''}" for item in group.items]
    return f"{begin_small(group.text)} ({', '.join(parts)})"


def _way(moved: float) -> str:
    return "" if not moved else " up" if moved > 0 else " down"


def _single(told: Attribution) -> list[_Mover]:
    grouped = {id(item) for group in told.groups for item in group.items}
    alone = [item for item in told.items if item.amount and id(item) not in grouped]
    return [_Mover(change(item), item.amount, item.error) for item in alone]


def _decides(item: Item) -> str:
    if item.needed and item.alone:
        return "by itself"
    return "together with others" if item.needed else "by itself, and it would be the same without"


def _rank(moved: float, largest: float, total: float, first: bool) -> str:
    size = abs(moved)
    if first:
        return "most" if size < total else "alone"
    if size >= _AS_MUCH * abs(largest):
        return "about as much"
    return "hardly" if size < _HARDLY * total else "less"


def _direction(mover: _Mover, scale: str, decimals: int | None) -> str:
    """How far on the scale of the result; of a risk only whether up or down, since log-odds are no words."""
    if scale in (LOG_ODDS, CODE):
        return f" ({_way(mover.amount).strip()})"
    digits = None if decimals is None else decimals + 1
    size = number_words(Decimal(repr(abs(mover.amount))), digits)
    if scale == POINTS and "." in size:
        size = size.rstrip("0").rstrip(".")
    least = f"less than {number_words(Decimal(1).scaleb(-(digits or 0)))}"
    if not Decimal(size):
        return f" ({least})"
    sign = "+" if mover.amount > 0 else "−"
    if mover.error is None:
        return f" ({sign}{size})"
    error = number_words(Decimal(repr(mover.error)), digits)
    return f" ({sign}{size} ± {error if Decimal(error) or not mover.error else least})"

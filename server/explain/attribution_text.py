"""The text of an attribution: where the result is, where it was, and how much each input moved the estimate.

Each input is shown with its values at both ends, the largest first; correlated inputs are shown together.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ontology.concepts import Concept, Origin
from ontology.evaluation import Interval
from ontology.values import Absent, Quantity, Series, Value
from ontology.words import PLAIN, Style
from ontology.words.lists import begin_small, count_words, list_words
from ontology.words.quantities import amount, brief_number, number_words, round_in_unit, rounded_words
from ontology.words.time import time_words
from ontology.words.values import concept_words, in_local_unit, limits_words, local_factor, value_words
from server.attribution.game import DECIDES_APPLICABILITY, MISSING_AT_BASELINE, MISSING_NOW, NO_REFERENCE, StayedInput
from server.attribution.reference_baseline import USUAL
from server.attribution.result import (
    CODE,
    LOG_ODDS,
    POINTS,
    Attribution,
    AttributionGroup,
    AttributionItem,
    ComputedBetween,
)
from server.catalog.descriptions import Description
from server.explain.claims import WHAT_IF

_UNCHANGED_REASONS = {
    "REFERENCE": {NO_REFERENCE: "no usual value", MISSING_NOW: "not known"},
    "EARLIER": {MISSING_AT_BASELINE: "missing then", MISSING_NOW: "missing now"},
    "ACTUAL": {MISSING_AT_BASELINE: "missing in the record", MISSING_NOW: "missing or assumed missing"},
}
_REASON_ORDER = (NO_REFERENCE, DECIDES_APPLICABILITY, MISSING_NOW, MISSING_AT_BASELINE)


def describe_attribution(
    attribution: Attribution,
    description: Description,
    baseline: str,
    since: datetime | None,
    before: Value | None,
    style: Style = PLAIN,
) -> str:
    """A few sentences.  ``before`` is the result at the baseline, as it was computed then.

    The base may be another value: where inputs were missing at one end, they stay as they are now.
    """
    decimals, reader = description.display_decimals, _Reader(description.produces, style)
    now = _format_value(attribution.output_value, attribution.output_bounds, decimals, reader, attribution.presumed)
    subject = f"{description.produces.display}:" if isinstance(attribution.output_value, bool) else ""
    subject = subject or f"{description.produces.display} is"
    match baseline:
        case "REFERENCE" if _is_unchanged(attribution, attribution.base_value):
            parts = [f"{subject} {now}, and {_describe_usual(attribution)} too."]
        case "REFERENCE":
            base = _format_base(attribution, decimals, reader)
            parts = [f"{subject} {now}; {_describe_usual(attribution)} it would be {base}."]
        case "EARLIER":
            then = time_words(since, style) if since else "then"
            parts = [f"{subject} {_describe_earlier(attribution, before, then, now, decimals, reader)}."]
        case _:
            record = _describe_recorded(attribution, before, decimals, reader)
            parts = [f"{subject} {now} on {_assumption_noun(attribution)}, {record} by the record."]
    parts += _describe_moves(attribution, baseline, before, decimals, reader)
    way = describe_intermediates(attribution.between, style)
    parts += [f"On the way: {way}."] if way else []
    parts += [f"{each}." for each in attribution.flipped]
    if (
        baseline != "REFERENCE"
        and before != attribution.output_value
        and before != attribution.base_value
        and not _anything_moved(attribution)
    ):
        # Else what follows, "left as they are", would read as if these had no part in it.
        parts += ["The whole difference is due to inputs missing at one end."]
    parts += _describe_unchanged(attribution.stayed, _UNCHANGED_REASONS[baseline])
    parts += [f"On an assumption: {WHAT_IF}."] if baseline == "ACTUAL" else []
    return " ".join(parts)


def _is_unchanged(attribution: Attribution, other: Value | None) -> bool:
    """Whether the result equals a value at the baseline, and nothing moved it."""
    return other == attribution.output_value and not any(item.amount or item.needed for item in attribution.items)


@dataclass(frozen=True, slots=True)
class _Reader:
    """The concept of the result, and what its reader is used to."""

    concept: Concept
    style: Style

    def words(self, value: Value, decimals: int | None) -> str:
        """A value of the result."""
        return concept_words(value, self.concept, decimals, self.style)


def _format_value(value: Value, bounds: Interval | None, decimals: int | None, reader: _Reader, presumed: bool) -> str:
    """A value that has bounds is the least that the result can be, or holds only if the lists are complete."""
    if presumed and bounds is not None:
        limits = limits_words(bounds, reader.concept, decimals, reader.style).removeprefix("between ")
        words = reader.words(value, decimals)
        return f"{words} if the lists are complete ({limits.replace(' and ', ' to ', 1)} whatever they leave out)"
    return f"{'at least ' if bounds is not None else ''}{reader.words(value, decimals)}"


def _format_base(attribution: Attribution, decimals: int | None, reader: _Reader) -> str:
    return _format_value(attribution.base_value, attribution.base_bounds, decimals, reader, attribution.presumed)


def _describe_usual(attribution: Attribution) -> str:
    """What the end that a result is compared with is, where not all of it is what is usual."""
    other = [item for item in attribution.items if item.usual not in (None, USUAL)]
    names = list_words(f"for {begin_small(item.concept.display)} the {item.usual}" for item in other)
    rest = " of the other inputs" if any(each.why == DECIDES_APPLICABILITY for each in attribution.stayed) else ""
    return f"with usual values{rest}{f' ({names})' if names else ''}"


def _describe_earlier(
    attribution: Attribution, before: Value | None, when: str, now: str, decimals: int | None, reader: _Reader
) -> str:
    if before == attribution.output_value == attribution.base_value:
        return f"{now}, the same on {when}"
    base = _format_base(attribution, decimals, reader)
    if before == attribution.base_value:
        return f"{now}, as on {when} when rounded" if base == now else f"now {now}, it was {base} on {when}"
    earlier = f"it had no value on {when}"
    if before is not None and not isinstance(before, Absent):
        earlier = f"it was {reader.words(before, decimals)} on {when}"
    if not _anything_moved(attribution):
        return f"now {now}, {earlier}"
    return f"now {now}, {earlier} ({base} {_describe_base_difference(attribution)})"


def _describe_recorded(attribution: Attribution, before: Value | None, decimals: int | None, reader: _Reader) -> str:
    """What the record alone gives; and the base, where that is another value."""
    base = _format_base(attribution, decimals, reader)
    if before == attribution.base_value:
        return base
    recorded = "no value" if before is None or isinstance(before, Absent) else reader.words(before, decimals)
    return f"{recorded} ({base} without what is missing at one end)" if _anything_moved(attribution) else recorded


def _anything_moved(attribution: Attribution) -> bool:
    """Whether any input that is known at both ends moved it."""
    return any(item.amount or item.needed or item.alone for item in attribution.items)


def _describe_base_difference(attribution: Attribution) -> str:
    """How the base differs from the earlier result: by the inputs that stayed, since they were missing at one end."""
    missing = {each.why for each in attribution.stayed} & {MISSING_AT_BASELINE, MISSING_NOW}
    if missing == {MISSING_NOW}:
        return "without what is missing now"
    when = "then" if missing == {MISSING_AT_BASELINE} else "at one of the times"
    return f"with what was missing {when} taken as it is now"


def _assumption_noun(attribution: Attribution) -> str:
    return "the assumptions" if sum(item.assumed for item in attribution.items) > 1 else "the assumption"


def _describe_moves(
    attribution: Attribution, baseline: str, before: Value | None, decimals: int | None, reader: _Reader
) -> list[str]:
    """What moved it; empty where nothing did."""
    changed, moves = ("changed", "moved") if baseline == "EARLIER" else ("changes", "moves")
    if attribution.scale == CODE:
        if attribution.items:
            return [f"What {changed} it: {describe_deciding_inputs(attribution.items, reader.style)}."]
        return [f"No input {changed} it by itself."] if attribution.base_value != attribution.output_value else []
    items = [item for item in attribution.items if item.amount]
    if not items:
        return []
    if len(items) == 1 and items[0].time and before == attribution.base_value:
        return [f"Only time has passed: {describe_change(items[0], reader.style)}."]
    away = " away from that" if baseline == "REFERENCE" else ""
    return [
        f"What {moves} the estimate{away}: {describe_players(attribution, decimals, reader.concept, reader.style)}."
    ]


def _describe_unchanged(stayed: tuple[StayedInput, ...], words: dict[str, str]) -> list[str]:
    """The inputs that are the same at both ends, but for the settings of the site."""
    groups: dict[str, list[str]] = {}
    for each in sorted(stayed, key=lambda each: _REASON_ORDER.index(each.why)):
        if each.concept.origin is Origin.SITE:
            continue
        # To a reader, the date of birth is the age.
        name = "age" if each.concept.element == "birthDate" else begin_small(each.concept.display)
        groups.setdefault(words.get(each.why, each.why), []).append(name + (" over time" if each.series else ""))
    texts = "; ".join(f"{list_words(names)} ({why})" for why, names in groups.items())
    return [f"Unchanged: {texts}."] if texts else []


_HARDLY_SHARE = 0.1
_AS_MUCH_SHARE = 0.9
_NO_DIRECTION_SHARE = 0.01
"""Of the whole, below which the digits of what was computed on the way can turn the sign of an amount."""
MOST_PLAYERS = 7
_SAME = Decimal(1)
_MOST_DIGITS = 4
_YEARS = "a"


@dataclass(frozen=True, slots=True)
class _DescribedPlayer:
    """An input, or correlated inputs together."""

    text: str
    amount: float
    error: float | None


def describe_players(
    attribution: Attribution, decimals: int | None, concept: Concept, style: Style = PLAIN, most: int = MOST_PLAYERS
) -> str:
    """The inputs that moved a number, the largest first, up to ``most``; correlated ones together.

    ``concept`` is that of the result, ``decimals`` are those in its own unit.
    """
    found = [*_group_players(attribution, style), *_single_players(attribution, style)]
    found.sort(key=lambda mover: -abs(mover.amount))
    total = sum(abs(mover.amount) for mover in found)
    named = []
    for place, mover in enumerate(found[:most]):
        rank = rank_word(mover.amount, found[0].amount, total, first=place == 0)
        # For points the number suffices; a rank would be misleading among many inputs of one point.
        how = "" if attribution.scale == POINTS else f" {rank}"
        if attribution.scale == LOG_ODDS and not has_direction(mover.amount, total):
            named.append(f"{mover.text}{how}")
            continue
        factor = local_factor(attribution.scale, concept, style) if style.units.get(concept.id) else _SAME
        named.append(f"{mover.text}{how}{_format_amount(mover, attribution.scale, decimals, factor)}")
    if (more := len(found) - most) > 0:
        named.append(f"{count_words(more, 'more input')}, none more than these")
    return ", ".join(named)


def has_direction(amount: float, total: float) -> bool:
    """Whether it can be said which way an amount of all of them moved a result: an eGFR on the way has two decimals."""
    return abs(amount) >= _NO_DIRECTION_SHARE * total


def rank_words(attribution: Attribution) -> list[tuple[AttributionItem, str]]:
    """Each input that moved a number, the largest first, with how much beside the others: ``most``, ``hardly``.

    Ranked by itself: of correlated inputs each.  Of points the number says more, and the word is empty.
    """
    items = sorted((item for item in attribution.items if item.amount), key=lambda item: -abs(item.amount))
    total = sum(abs(item.amount) for item in items)
    if attribution.scale == POINTS:
        return [(item, "") for item in items]
    return [
        (item, rank_word(item.amount, items[0].amount, total, first=place == 0)) for place, item in enumerate(items)
    ]


def describe_deciding_inputs(items: Iterable[AttributionItem], style: Style = PLAIN) -> str:
    """The inputs that decide a code."""
    return list_words(f"{describe_change(item, style)} ({_describe_decision(item)})" for item in items)


def describe_intermediates(between: Iterable[ComputedBetween], style: Style = PLAIN) -> str:
    """The numbers between inputs and result that differ at both ends, as displayed."""
    texts = []
    for each in between:
        local = in_local_unit(each.before, each.concept, style)
        decimals = each.decimals if local is each.before else None
        before, after = value_words(local, decimals), concept_words(each.after, each.concept, each.decimals, style)
        if before != after and isinstance(local, Quantity):
            start = rounded_words(local.value, local.unit, decimals)
            texts.append(f"{begin_small(each.concept.display)} {start} → {after}")
    return list_words(texts)


def describe_change(item: AttributionItem, style: Style = PLAIN) -> str:
    """An input and its values at both ends, with as many digits as distinguish them."""
    name = begin_small(item.concept.display) + (" over time" if isinstance(item.after, Series) else "")
    before, after = (in_local_unit(each, item.concept, style) for each in (item.before, item.after))
    if isinstance(before, Quantity) and isinstance(after, Quantity) and before.unit == after.unit:
        digits = _distinguishing_digits(before, after) if item.time else None
        start, end = before.value, after.value
        if after.unit == _YEARS:
            start, end = (
                round_in_unit(each, _YEARS, digits or _distinguishing_digits(before, after)) for each in (start, end)
            )
        elif brief_number(start) != brief_number(end):
            start, end = brief_number(start), brief_number(end)
        return f"{name} {number_words(start, digits)} → {amount(end, after.unit, digits)}"
    return f"{name} {value_words(before, style=style)} → {value_words(after, style=style)}"


def _distinguishing_digits(before: Quantity, after: Quantity) -> int:
    for digits in range(1, _MOST_DIGITS):
        start, end = (round_in_unit(each.value, each.unit, digits) for each in (before, after))
        if start != end:
            return digits
    return _MOST_DIGITS


def _group_players(attribution: Attribution, style: Style) -> list[_DescribedPlayer]:
    return [
        _DescribedPlayer(_describe_group(group, style), group.amount, group.error)
        for group in attribution.groups
        if group.amount
    ]


def _describe_group(group: AttributionGroup, style: Style) -> str:
    """Its members; which way each moved the result, only where they went against each other."""
    mixed = len({item.amount > 0 for item in group.items if item.amount}) > 1
    parts = [f"{describe_change(item, style)}{_direction_word(item.amount) if mixed else ''}" for item in group.items]
    return f"{begin_small(group.text)} ({', '.join(parts)})"


def _direction_word(moved: float) -> str:
    return "" if not moved else " up" if moved > 0 else " down"


def _single_players(attribution: Attribution, style: Style) -> list[_DescribedPlayer]:
    grouped = {id(item) for group in attribution.groups for item in group.items}
    alone = [item for item in attribution.items if item.amount and id(item) not in grouped]
    return [_DescribedPlayer(describe_change(item, style), item.amount, item.error) for item in alone]


def _describe_decision(item: AttributionItem) -> str:
    if item.needed and item.alone:
        return "by itself"
    return "only together with others" if item.needed else "sufficient alone, not necessary"


def rank_word(moved: float, largest: float, total: float, first: bool) -> str:
    """How much an input moved a number beside the largest of them, and beside all of them together."""
    size = abs(moved)
    if first:
        return "most" if size < total else "alone"
    if size >= _AS_MUCH_SHARE * abs(largest):
        return "about as much"
    return "hardly" if size < _HARDLY_SHARE * total else "less so"


def _format_amount(mover: _DescribedPlayer, scale: str, decimals: int | None, factor: Decimal = _SAME) -> str:
    """How far on the scale of the result; of a risk only whether up or down, since log-odds are no words.

    ``factor``: what a difference is multiplied by in the reader's unit, in which three digits are shown.
    """
    if scale in (LOG_ODDS, CODE):
        return f" ({_direction_word(mover.amount).strip()})"
    if factor != _SAME:
        amount_ = brief_number(abs(Decimal(repr(mover.amount)) * factor))
        return f" ({'+' if mover.amount > 0 else '−'}{number_words(amount_)})"
    digits = None if decimals is None else decimals + 1
    number = Decimal(repr(abs(mover.amount)))
    size = number_words(brief_number(number) if digits is None else number, digits)
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

"""Values in words: one function for each purpose, over numbers, times and absences."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import assert_never

from ontology.concepts import Concept
from ontology.errors import UnitError
from ontology.evaluation import Interval, SlotInput
from ontology.series import PERIODS, periods_of
from ontology.units import convert
from ontology.values import Absent, Bound, Coding, Date, Quantity, Series, Value
from ontology.words import PLAIN, SHORT, Length, Style
from ontology.words.absence import reason_name, reason_words
from ontology.words.lists import count_words
from ontology.words.quantities import (
    amount,
    brief_number,
    number_words,
    round_half_up,
    round_in_unit,
    rounded_words,
    unit_words,
)
from ontology.words.time import brief_day_words, calendar_words, date_words, day_words, in_zone_of

_COMPARATORS = {"<": "less than", "<=": "at most", ">": "more than", ">=": "at least"}
_ALL = 100
_MORE_DIGITS = 3
_UNITLESS = frozenset({"", "1", "{score}"})
_NUMBER = re.compile(r"[+−-]?\d+(?:\.\d+)?")


def value_words(value: Value, decimals: int | None = None, style: Style = PLAIN) -> str:
    """A value in a few words, a number rounded half up to ``decimals``.

    FULL: ``28.0 %``, ``less than 5 mg/g``, ``missing (recorded as unknown)``, the extent of a series.
    SHORT: ``28 %``, ``<5 mg/g``, ``absent: recorded unknown``, how many values a series has.
    """
    short = style.length is Length.SHORT
    match value:
        case bool():
            return "yes" if value else "no"
        case Quantity():
            # Rounding makes no chance none or certain, in the short form either: amount says "under 0.1 %" then.
            if short and decimals is not None and not _rounds_to_none_or_all(value, decimals):
                return amount(round_in_unit(value.value, value.unit, decimals), value.unit, style=style)
            return amount(value.value, value.unit, decimals, style)
        case Bound():
            sign = value.comparator if short else f"{_COMPARATORS[value.comparator]} "
            return f"{sign}{amount(value.value, value.unit, style=style)}"
        case Coding():
            return value.display or value.code
        case Date():
            return date_words(value, style)
        case Series():
            return series_words(value, style)
        case Absent():
            return f"absent: {reason_name(value.reason)}" if short else f"missing ({reason_words(value.reason)})"
        case _:
            assert_never(value)


def _rounds_to_none_or_all(value: Quantity, decimals: int) -> bool:
    if value.unit != "%" or not 0 < value.value < _ALL:
        return False
    return value.value < Decimal(1).scaleb(-decimals) or round_half_up(value.value, decimals) == _ALL


def brief_words(value: Value, style: Style = SHORT) -> str:
    """The value as a sentence at the bedside needs it: of a number three digits, and all of those before the point."""
    if isinstance(value, Quantity) and value.value.is_finite():
        if value.unit == "a":
            return amount(round_in_unit(value.value, value.unit, 1), value.unit, style=style)
        return amount(brief_number(value.value), value.unit, style=style)
    return value_words(value, style=style)


def quantity_words(number: Decimal, unit: str, decimals: int | None = None, style: Style = PLAIN) -> str:
    """A number and its UCUM unit as a table shows them; an age is rounded down, as everywhere."""
    if unit == "a" and number.is_finite():
        number = round_in_unit(number, unit, 1 if decimals is None else decimals)
    return amount(number, unit, decimals, style)


def recorded_words(value: Value, style: Style = SHORT) -> str:
    """A value with digits and unit as they were recorded."""
    match value:
        case Quantity():
            return f"{value.value} {value.unit}"
        case Bound():
            return f"{value.comparator}{value.value} {value.unit}"
        case Absent():
            return "no value"
        case _:
            return value_words(value, style=style)


def series_words(series: Series, style: Style = PLAIN) -> str:
    """How many values, from when to when, and between which limits; SHORT: how many, and their unit.

    Of periods: how many, from when to when, or since when if the last one goes on.
    """
    if series.unit == PERIODS:
        return _period_words(series, style)
    if style.length is Length.SHORT:
        unit = unit_words(series.unit, style)
        return f"series of {len(series.points)}" + (f" ({unit})" if unit else "")
    if not series.points:
        return "no values"
    first, last = series.points[0], series.points[-1]
    if len(series.points) == 1:
        return f"1 value, {amount(first[1], series.unit, style=style)} on {day_words(first[0], style)}"
    numbers = [number for _, number in series.points]
    limits = f"{number_words(min(numbers), style=style)} to {amount(max(numbers), series.unit, style=style)}"
    extent = f"{day_words(first[0], style)} to {day_words(last[0], style)}"
    return f"{count_words(len(series.points), 'value')}, {extent}, {limits}"


def _period_words(series: Series, style: Style) -> str:
    periods = periods_of(series)
    count = count_words(len(periods), "period")
    if style.length is Length.SHORT or not periods:
        return count
    begin, last = periods[0][0], periods[-1][1]
    if last is None:
        return f"{count} since {day_words(begin, style)}, in progress"
    first, until = day_words(begin, style), day_words(last, style)
    return f"{count}, {first if first == until else f'{first} to {until}'}"


def interval_words(interval: Interval, decimals: int | None = None, style: Style = PLAIN) -> str:
    """``41 to 55 mL/min/1.73 m²``; where both limits are one number: ``41 mL/min/1.73 m²``."""
    low, high = _limit_words(interval, decimals, style)
    return high if interval.low == interval.high else f"{low} to {high}"


def between_words(interval: Interval, decimals: int | None = None, style: Style = PLAIN) -> str:
    """``between 41 and 55 mL/min/1.73 m²``; where both limits are one number: ``at 41 mL/min/1.73 m²``."""
    low, high = _limit_words(interval, decimals, style)
    return f"at {high}" if interval.low == interval.high else f"between {low} and {high}"


def uncertainty_words(interval: Interval, decimals: int | None = None, style: Style = PLAIN) -> str:
    """Between which values, and in what sense; a module that words its interval itself has the limits in the words."""
    written = {Decimal(number.replace("−", "-")) for number in _NUMBER.findall(interval.text)}
    if {interval.low, interval.high} <= written:
        return interval.text
    return f"{interval_words(interval, decimals, style)} ({interval.text})"


def input_words(consumed: SlotInput, style: Style = SHORT, slot: str | None = None) -> str:
    """What is known of an input: its value, else its limits, else that it is missing.

    ``slot``: its name, in a text that is ``rendered``: the number is then in the reader's unit, too.
    """
    if slot is not None and isinstance(consumed.value, Quantity) and consumed.value.unit not in _UNITLESS:
        words = value_words(consumed.value, style=style)
        return marked_amount(slot, consumed.value.value, consumed.value.unit, words, both=True)
    if not isinstance(consumed.value, Absent):
        return value_words(consumed.value, style=style)
    return "missing" if consumed.bounds is None else between_words(consumed.bounds, style=style)


def missing_words(consumed: SlotInput, style: Style = SHORT) -> str:
    """Why a module cannot use an input, and between which values it is known to lie."""
    if isinstance(consumed.value, Absent):
        reason = reason_words(consumed.value.reason, style=style)
        return reason if consumed.bounds is None else f"{reason}; {between_words(consumed.bounds, style=style)}"
    return f"known only as {value_words(consumed.value, style=style)}"


def _limit_words(interval: Interval, decimals: int | None, style: Style) -> tuple[str, str]:
    """Both limits, with as many digits as tell one from the other (at most three more than ``decimals``)."""
    for more in range(_MORE_DIGITS + 1):
        places = None if decimals is None else decimals + more
        low, high = _shown_limits(interval, places)
        shown = rounded_words(low, interval.unit, places, style)
        if interval.low == interval.high or shown != rounded_words(high, interval.unit, places, style):
            break
    return shown, amount(high, interval.unit, places, style)


def _shown_limits(interval: Interval, decimals: int | None) -> tuple[Decimal, Decimal]:
    if interval.unit != "a" or decimals is None:
        return interval.low, interval.high
    low, high = (round_in_unit(each, interval.unit, decimals) for each in (interval.low, interval.high))
    return low, high


def in_local_unit(value: Value, concept: Concept, style: Style = PLAIN) -> Value:
    """A value of a concept in the unit in which the site shows it, numbers to three digits; else as it is."""
    match value:
        case Quantity() if (unit := _local_unit(value.unit, concept, style)) is not None:
            return Quantity(_local_number(value.value, value.unit, unit, concept), unit)
        case Bound() if (unit := _local_unit(value.unit, concept, style)) is not None:
            return Bound(value.comparator, _local_number(value.value, value.unit, unit, concept), unit)
        case Series() if (unit := _local_unit(value.unit, concept, style)) is not None:
            points = ((time, _local_number(number, value.unit, unit, concept)) for time, number in value.points)
            return Series(tuple(points), unit)
    return value


def in_local_limits(interval: Interval, concept: Concept, style: Style = PLAIN) -> Interval:
    """The limits of a concept's value in the unit in which the site shows it."""
    unit = _local_unit(interval.unit, concept, style)
    if unit is None:
        return interval
    low, high = (_local_number(each, interval.unit, unit, concept) for each in (interval.low, interval.high))
    return replace(interval, low=low, high=high, unit=unit)


def local_factor(unit: str, concept: Concept, style: Style = PLAIN) -> Decimal:
    """By what a difference between two values of a concept, in ``unit``, is multiplied to be shown."""
    local = _local_unit(unit, concept, style)
    if local is None:
        return Decimal(1)
    one, none = (convert(Decimal(each), unit, local, concept.molar_mass) for each in (1, 0))
    return one - none


def concept_words(value: Value, concept: Concept, decimals: int | None = None, style: Style = PLAIN) -> str:
    """A value of a concept in words, in the unit in which the site shows it; ``decimals`` are those of its own unit."""
    shown = in_local_unit(value, concept, style)
    return value_words(shown, decimals if shown is value else None, style)


def limits_words(interval: Interval, concept: Concept, decimals: int | None = None, style: Style = PLAIN) -> str:
    """The limits of a concept's value, ``between …``, in the unit in which the site shows it."""
    shown = in_local_limits(interval, concept, style)
    return between_words(shown, decimals if shown is interval else None, style)


def _local_unit(unit: str, concept: Concept, style: Style) -> str | None:
    """The site's unit for a concept, where it is another."""
    local = style.units.get(concept.id)
    if local is None or local == unit:
        return None
    try:
        convert(Decimal(1), unit, local, concept.molar_mass)
    except UnitError:
        # A slot may ask for what the concept's own unit does not convert to: shown as it is.
        return None
    return local


def _local_number(number: Decimal, unit: str, local: str, concept: Concept) -> Decimal:
    return brief_number(convert(number, unit, local, concept.molar_mass))


# Characters of Unicode's private use: no text of a record or of a description has them.
_BEGIN, _END, _PART = "\ue000", "\ue001", "\ue002"
_MARKED = re.compile(f"{_BEGIN}([^{_END}]*){_END}")
_AMOUNT, _NUMBER_ALONE, _BOTH, _DAY, _DAYS = "amount", "number", "both", "day", "days"


def marked_amount(
    slot: str, value: Decimal, unit: str, words: str, alone: bool = False, both: bool = False, style: Style = PLAIN
) -> str:
    """A number of a slot within a text that a module makes, which ``rendered`` puts into its reader's unit.

    A text is cached with its result, and a result is the same for every reader.  ``words``: the number with its unit
    in that unit.  ``alone``: the number without its unit.  ``both``: in the reader's unit, and then in ``words``.
    """
    kind = _NUMBER_ALONE if alone else _BOTH if both else _AMOUNT
    return f"{_BEGIN}{_PART.join((kind, slot, f'{value:f}', unit, words))}{_END}"


def marked_day(when: datetime, style: Style = PLAIN) -> str:
    """The day of an instant within a text that a module makes, which ``rendered`` puts into its reader's zone."""
    return f"{_BEGIN}{_PART.join((_DAY, when.isoformat()))}{_END}"


def marked_days(first: datetime, last: datetime, at: datetime, on: bool = False, style: Style = PLAIN) -> str:
    """From which day to which, in brief: ``12 Feb to 3 Mar``, ``12 Feb`` where it is one; ``on``: ``on 12 Feb`` then.

    A result is known by its instants alone, so these are marked in UTC: one instant gives one text, however written.
    """
    instants = (each.astimezone(UTC).isoformat() for each in (first, last, at))
    return f"{_BEGIN}{_PART.join((_DAYS, *instants, 'on ' if on else ''))}{_END}"


def is_marked(text: str) -> bool:
    """Whether a text has numbers or days that ``rendered`` puts into its reader's units and zone."""
    return _BEGIN in text


def rendered(text: str, slots: Mapping[str, Concept], style: Style = PLAIN) -> str:
    """A text of a module with its numbers in the site's units and its days in the site's zone.

    ``slots``: the concept of each slot.  A number without a unit of the site, and a day without a zone, are as the
    module has them (days: UTC).
    """
    return _MARKED.sub(lambda found: _rendered(found[1].split(_PART), slots, style), text) if is_marked(text) else text


def _rendered(parts: list[str], slots: Mapping[str, Concept], style: Style) -> str:
    kind, *rest = parts
    if kind == _DAY:
        return day_words(datetime.fromisoformat(rest[0]), style)
    if kind == _DAYS:
        *instants, on = rest
        first, last, at = map(datetime.fromisoformat, instants)
        days = [brief_day_words(each, at, style) for each in (first, last)]
        if in_zone_of(first, style).year != in_zone_of(last, style).year:
            # "11 Sep 2025 to 19 Feb" leaves open of which year.
            days = [calendar_words(each, style) for each in (first, last)]
        return f"{on}{days[0]}" if days[0] == days[1] else " to ".join(days)
    slot, number, unit, words = rest
    value = Quantity(Decimal(number), unit)
    shown = in_local_unit(value, slots[slot], style) if slot in slots else value
    if shown is value or not isinstance(shown, Quantity):
        return words
    if kind == _NUMBER_ALONE:
        return number_words(shown.value)
    local = amount(shown.value, shown.unit)
    return f"{local} = {words}" if kind == _BOTH else local

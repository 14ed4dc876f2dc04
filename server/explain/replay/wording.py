"""Words for two values that differ: so exact that they differ in words as well."""

from datetime import datetime
from decimal import Decimal
from itertools import zip_longest

from ontology.evaluation import Interval
from ontology.values import Bound, Coding, Quantity, Series, Value
from server.explain.wording import interval_words, value_words


def exact_words(value: Value) -> str:
    """A value with all its digits, its unit as written and its code."""
    match value:
        case Quantity():
            return f"{value.value:f} {value.unit}"
        case Bound():
            return f"{value.comparator}{value.value:f} {value.unit}"
        case Coding():
            return f"{value.display or 'code'} ({value.system}|{value.code})"
        case _:
            return value_words(value)


def differ(there: Value, here: Value) -> str:
    """``<there> in the file, <here> here``."""
    if isinstance(there, Series) and isinstance(here, Series):
        return f"{_series(there, here)}"
    return f"{exact_words(there)} in the file, {exact_words(here)} here"


def limits_differ(there: Interval | None, here: Interval | None) -> str:
    """The same of the limits between which a value lies."""
    return f"{_limits(there)} in the file, {_limits(here)} here"


def _limits(bounds: Interval | None) -> str:
    if bounds is None:
        return "no limits"
    words = interval_words(bounds)
    return f"{words} ({bounds.low:f} to {bounds.high:f} {bounds.unit})"


def _series(there: Series, here: Series) -> str:
    if there.unit != here.unit:
        return f"a series in {there.unit} in the file, in {here.unit} here"
    for place, (one, other) in enumerate(zip_longest(there.points, here.points), start=1):
        if one != other:
            return f"value {place} of the series: {_point(one, there)} in the file, {_point(other, here)} here"
    return f"{value_words(there)} in the file, {value_words(here)} here"


def _point(point: tuple[datetime, Decimal] | None, series: Series) -> str:
    return "none" if point is None else f"{point[1]:f} {series.unit} at {point[0].isoformat()}"

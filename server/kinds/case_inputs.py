"""The inputs of a worked case, from their JSON."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ontology.evaluation import Interval
from ontology.inputs import Consumed
from ontology.values import Absent, AbsentReason, Bound, Coding, Date, Quantity, Series, Value
from server.errors import ServerError


class CaseError(ServerError):
    """A file of cases, or one case, is not as it must be."""


def read_input(name: str, written: Any) -> Consumed:
    """One slot's input; CaseError where it cannot be read."""
    if not isinstance(written, dict):
        raise CaseError(f"input {name}: not an object")
    sorts = [key for key in written if key != "bounds"]
    if len(sorts) != 1 or sorts[0] not in _READERS:
        raise CaseError(f"input {name}: must have one of {', '.join(_READERS)}")
    try:
        value = _READERS[sorts[0]](written[sorts[0]])
        bounds = _interval(written["bounds"]) if "bounds" in written else None
    except (ValueError, TypeError, KeyError, ArithmeticError) as error:
        raise CaseError(f"input {name}: {error}") from error
    return Consumed(value, bounds)


def read_date(written: Any) -> Date:
    """Two days, ends included."""
    start, end = written
    return Date(date.fromisoformat(start), date.fromisoformat(end))


def instant(written: str) -> datetime:
    """A time with a zone; CaseError without one."""
    try:
        time = datetime.fromisoformat(written)
    except (ValueError, TypeError) as error:
        raise CaseError(f"not a time: {written}") from error
    if time.utcoffset() is None:
        raise CaseError(f"a time without a zone: {written}")
    return time


def _interval(written: Any) -> Interval:
    low, high, unit = written
    return Interval(Decimal(low), Decimal(high), unit, "between these")


def _quantity(written: Any) -> Value:
    value, unit = written
    return Quantity(Decimal(value), unit)


def _bound(written: Any) -> Value:
    comparator, value, unit = written
    if comparator not in ("<", "<=", ">", ">="):
        raise ValueError(f"{comparator} is no comparator")
    return Bound(comparator, Decimal(value), unit)


def _coding(written: Any) -> Value:
    system, code = written
    return Coding(system, code)


def _flag(written: Any) -> Value:
    if not isinstance(written, bool):
        raise TypeError("a flag is true or false")
    return written


def _series(written: Any) -> Value:
    points = tuple((instant(time), Decimal(value)) for time, value in written["points"])
    if list(points) != sorted(points, key=lambda point: point[0]):
        raise ValueError("the points of a series are oldest first")
    return Series(points, written["unit"])


_READERS: dict[str, Callable[[Any], Value]] = {
    "quantity": _quantity,
    "bound": _bound,
    "code": _coding,
    "flag": _flag,
    "date": read_date,
    "series": _series,
    "absent": lambda written: Absent(AbsentReason(written)),
}

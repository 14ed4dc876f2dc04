"""The values that facts and results have.  All are immutable, and absence is one of them.

A value never comes without its unit, and a partial date never as a full one.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal, TypeAlias

Comparator: TypeAlias = Literal["<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in a UCUM unit, with the decimals as they were written or computed."""

    value: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Bound:
    """What is known of a quantity that was reported as "<5" or ">90": never to be used as the number itself."""

    comparator: Comparator
    value: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Coding:
    """A code in a code system.  The display is for readers: two codings with one code are equal."""

    system: str
    code: str
    display: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Date:
    """A date as an interval of days, ends included: a full date has equal ends.

    The end of what is in progress, and has none yet, is ``date.max``.
    """

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers over time in one unit, oldest first; times carry a zone."""

    points: tuple[tuple[datetime, Decimal], ...]
    unit: str


class AbsentReason(StrEnum):
    """Why there is no value.  The last three are of computed values."""

    NOT_FOUND = "NOT_FOUND"
    STALE = "STALE"
    RECORDED_UNKNOWN = "RECORDED_UNKNOWN"
    UNCONVERTIBLE = "UNCONVERTIBLE"
    IMPLAUSIBLE = "IMPLAUSIBLE"
    CONFLICTING = "CONFLICTING"
    NOT_PERMITTED = "NOT_PERMITTED"
    UNREACHABLE = "UNREACHABLE"
    NOT_QUERIED = "NOT_QUERIED"
    INPUT_ABSENT = "INPUT_ABSENT"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Absent:
    """A value too: there is none, and why."""

    reason: AbsentReason


Value: TypeAlias = Quantity | Bound | Coding | bool | Date | Series | Absent

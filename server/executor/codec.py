"""Evaluations as bytes, exactly: decimals keep their digits, times their offset, and each value its type.

MessagePack with a tag for each type of value.  Bytes that cannot be read are no result, and no error: whatever wrote
them, computing again is right.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias, assert_never

from msgspec import MsgspecError, Struct, msgpack

from ontology.evaluation import Evaluation, Interval, Issue, Working
from ontology.values import Absent, AbsentReason, Bound, Coding, Comparator, Date, Quantity, Series, Value


class _Quantity(Struct, tag="quantity", array_like=True, frozen=True):
    value: Decimal
    unit: str


class _Bound(Struct, tag="bound", array_like=True, frozen=True):
    comparator: Comparator
    value: Decimal
    unit: str


class _Coding(Struct, tag="coding", array_like=True, frozen=True):
    system: str
    code: str
    display: str | None


class _Flag(Struct, tag="flag", array_like=True, frozen=True):
    value: bool


class _Date(Struct, tag="date", array_like=True, frozen=True):
    start: date
    end: date


class _Series(Struct, tag="series", array_like=True, frozen=True):
    # Times as text, since MessagePack's own timestamps forget the offset.
    points: tuple[tuple[str, Decimal], ...]
    unit: str


class _Absent(Struct, tag="absent", array_like=True, frozen=True):
    reason: AbsentReason


_Wire: TypeAlias = _Quantity | _Bound | _Coding | _Flag | _Date | _Series | _Absent


class _Evaluation(Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    value: _Wire
    working: Working
    issues: tuple[Issue, ...]
    bounds: Interval | None
    interval: Interval | None


_ENCODER = msgpack.Encoder()
_DECODER = msgpack.Decoder(_Evaluation)


def encode_evaluation(evaluation: Evaluation) -> bytes:
    """The evaluation as bytes that ``decode_evaluation`` reads back to an equal one."""
    return _ENCODER.encode(
        _Evaluation(
            _to_wire(evaluation.value),
            evaluation.working,
            evaluation.issues,
            evaluation.bounds,
            evaluation.interval,
        )
    )


def decode_evaluation(data: bytes | None) -> Evaluation | None:
    """The evaluation in these bytes; None where there are none, or they cannot be read."""
    if data is None:
        return None
    try:
        read = _DECODER.decode(data)
        return Evaluation(_from_wire(read.value), read.working, read.issues, read.bounds, read.interval)
    except (MsgspecError, ValueError, RecursionError):
        return None


def _to_wire(value: Value) -> _Wire:
    match value:
        case bool():
            return _Flag(value)
        case Quantity():
            return _Quantity(value.value, value.unit)
        case Bound():
            return _Bound(value.comparator, value.value, value.unit)
        case Coding():
            return _Coding(value.system, value.code, value.display)
        case Date():
            return _Date(value.start, value.end)
        case Series():
            return _Series(tuple((time.isoformat(), number) for time, number in value.points), value.unit)
        case Absent():
            return _Absent(value.reason)
        case _:
            assert_never(value)


def _from_wire(wire: _Wire) -> Value:
    match wire:
        case _Flag():
            return wire.value
        case _Quantity():
            return Quantity(wire.value, wire.unit)
        case _Bound():
            return Bound(wire.comparator, wire.value, wire.unit)
        case _Coding():
            return Coding(wire.system, wire.code, wire.display)
        case _Date():
            return Date(wire.start, wire.end)
        case _Series():
            return Series(tuple((datetime.fromisoformat(time), number) for time, number in wire.points), wire.unit)
        case _Absent():
            return Absent(wire.reason)
        case _:
            assert_never(wire)

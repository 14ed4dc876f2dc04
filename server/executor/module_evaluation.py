"""Evaluating modules: behind the execution boundary, in turns with other questions; and evaluations as bytes.

The execution boundary: a module that raises makes its own result FAILED, and nothing else.  It is one of the two
places where every exception is caught.  The exception's text may hold a patient's values: only its type and the module
are logged, and nothing of it reaches the answer.

As bytes an evaluation is exact: decimals keep their digits, times their offset, and each value its type (MessagePack
with a tag for each type of value).  Bytes that cannot be read are no result, and no error: whatever wrote them,
computing again is right.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias, TypeVar, assert_never

from msgspec import MsgspecError, Struct, msgpack

from ontology.evaluation import Evaluation, Interval, Issue, Severity, SlotInput, Working
from ontology.values import Absent, AbsentReason, Bound, Coding, Comparator, Date, Quantity, Series, Value
from server import kinds
from server.catalog.descriptions import Description

log = logging.getLogger(__name__)


def evaluate_safely(description: Description, inputs: Mapping[str, SlotInput], at: datetime | None) -> Evaluation:
    """Evaluate; on any exception an evaluation with ``Absent(FAILED)`` that says which module failed."""
    try:
        return kinds.evaluate(description, inputs, at)
    except Exception as error:  # noqa: BLE001 - the execution boundary
        log.error("module %s %s raised %s", description.id, description.version, type(error).__name__)
        text = f"The module {description.id} {description.version} failed; its result is not known."
        return Evaluation(Absent(AbsentReason.FAILED), Working(text), (Issue(Severity.ERROR, "failed", text),))


def has_failed(evaluation: Evaluation) -> bool:
    """Whether the module failed: such an evaluation is never cached."""
    return isinstance(evaluation.value, Absent) and evaluation.value.reason is AbsentReason.FAILED


T = TypeVar("T")
R = TypeVar("R")

TURN_SIZE = 64
"""So many executions are worked on between two turns of others: ten milliseconds or so."""


async def by_turns(work: Callable[[T], R], items: Sequence[T], turn: int = TURN_SIZE) -> list[R]:
    """What ``work`` gives for each item, in order; after every ``turn`` of them whatever waits on the loop goes first.

    Few items take no turns: to give one costs as much as an execution.
    """
    done = [work(item) for item in items[:turn]]
    for start in range(turn, len(items), turn):
        await asyncio.sleep(0)
        done += [work(item) for item in items[start : start + turn]]
    return done


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

"""Worked cases: what a module must give, from its publication, in ``cases.json`` beside the description.

    {"source": "citation of the cases",
     "cases": [{"name": "...", "module": "egfr", "at": "2026-06-30T00:00:00+00:00",
                "inputs": {"creatinine": {"quantity": [1.1, "mg/dL"]}, "sex": {"code": [system, code]},
                           "dialysis": {"flag": true}, "birth_date": {"date": ["1950-01-01", "1950-12-31"]},
                           "uacr": {"bound": ["<", 5, "mg/g"]},
                           "history": {"series": {"unit": "mg/dL", "points": [["2024-01-01T00:00:00+00:00", 1.1]]}},
                           "egfr": {"absent": "INPUT_ABSENT", "bounds": [50, 65, "mL/min/{1.73_m2}"]}},
                "expect": {"value": 55.15, "tolerance": 0.01}}]}

``module`` may be left out where the folder has one; ``at`` where the module does not read it.  A slot that is not
named is absent, NOT_FOUND.  ``expect`` has one of ``value`` (in the module's unit, within ``tolerance``, default 0),
``code``, ``flag``, ``date`` (two days) or ``absent`` (a reason); and may have ``bounds`` (low and high, within
``tolerance``; null: none).  Beside it ``issues`` names codes that must occur, ``no_issues`` codes that must not, and
``interpretation`` the code of the outcome (null: none).
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

from ontology.evaluation import Evaluation, Interval, SlotInput
from ontology.values import Absent, AbsentReason, Bound, Coding, Date, Quantity, Series, Value
from server.catalog.descriptions import Description
from server.errors import KindError, ServerError, did_you_mean
from server.kinds.dispatch import evaluate
from server.kinds.interpretation import interpret


class CaseError(ServerError):
    """A file of cases, or one case, is not as it must be."""


def read_input(name: str, written: Any) -> SlotInput:
    """One slot's input; CaseError where it cannot be read."""
    if not isinstance(written, dict):
        raise CaseError(f"input {name}: not an object")
    sorts = [key for key in written if key != "bounds"]
    if len(sorts) != 1 or sorts[0] not in _READERS:
        raise CaseError(f"input {name}: must have one of {', '.join(_READERS)}")
    try:
        value = _READERS[sorts[0]](written[sorts[0]])
        bounds = _read_interval(written["bounds"]) if "bounds" in written else None
    except (ValueError, TypeError, KeyError, ArithmeticError) as error:
        raise CaseError(f"input {name}: {error}") from error
    return SlotInput(value, bounds)


def read_date(written: Any) -> Date:
    """Two days, ends included."""
    start, end = written
    return Date(date.fromisoformat(start), date.fromisoformat(end))


def read_instant(written: str) -> datetime:
    """A time with a zone; CaseError without one."""
    try:
        time = datetime.fromisoformat(written)
    except (ValueError, TypeError) as error:
        raise CaseError(f"not a time: {written}") from error
    if time.utcoffset() is None:
        raise CaseError(f"a time without a zone: {written}")
    return time


def _read_interval(written: Any) -> Interval:
    low, high, unit = written
    return Interval(Decimal(low), Decimal(high), unit, "between these")


def _read_quantity(written: Any) -> Value:
    value, unit = written
    return Quantity(Decimal(value), unit)


def _read_bound(written: Any) -> Value:
    comparator, value, unit = written
    if comparator not in ("<", "<=", ">", ">="):
        raise ValueError(f"{comparator} is no comparator")
    return Bound(comparator, Decimal(value), unit)


def _read_coding(written: Any) -> Value:
    system, code = written
    return Coding(system, code)


def _read_flag(written: Any) -> Value:
    if not isinstance(written, bool):
        raise TypeError("a flag is true or false")
    return written


def _read_series(written: Any) -> Value:
    points = tuple((read_instant(time), Decimal(value)) for time, value in written["points"])
    if list(points) != sorted(points, key=lambda point: point[0]):
        raise ValueError("the points of a series are oldest first")
    return Series(points, written["unit"])


_READERS: dict[str, Callable[[Any], Value]] = {
    "quantity": _read_quantity,
    "bound": _read_bound,
    "code": _read_coding,
    "flag": _read_flag,
    "date": read_date,
    "series": _read_series,
    "absent": lambda written: Absent(AbsentReason(written)),
}


_KEYS = {"name", "module", "inputs", "at", "expect", "issues", "no_issues", "interpretation"}
_EXPECTED_KEYS = ("value", "code", "flag", "date", "absent")


@dataclass(frozen=True, slots=True)
class WorkedCase:
    """One case as it is written; ``module`` None where the folder has one module."""

    name: str
    module: str | None
    inputs: Mapping[str, Any]
    expect: Mapping[str, Any]
    at: datetime | None
    raw: Mapping[str, Any]


def read_cases(path: Path) -> tuple[WorkedCase, ...]:
    """The cases of a file; CaseError where it is not as described above."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal, parse_int=Decimal)
    except (OSError, ValueError) as error:
        raise CaseError(f"cannot be read: {error}") from error
    if not isinstance(data, dict) or not data.get("source") or not data.get("cases"):
        raise CaseError("needs a source and cases")
    cases = tuple(_read_case(case) for case in data["cases"])
    names = [(case.module, case.name) for case in cases]
    if len(names) != len(set(names)):
        raise CaseError("two cases have one name")
    return cases


Evaluate: TypeAlias = Callable[[Description, Mapping[str, SlotInput], datetime | None], Evaluation]


def run_case(case: WorkedCase, descriptions: Iterable[Description], evaluate: Evaluate = evaluate) -> str | None:
    """Evaluate one case; what is not as expected, or None.

    ``evaluate`` raises KindError for what is wrong with the module; whatever else it raises passes through.
    """
    try:
        description = _find_description(case, tuple(descriptions))
        inputs = _read_inputs(case, description)
        evaluation = evaluate(description, inputs, case.at)
        faults = [*_value_faults(case, description, evaluation), *_issue_faults(case, description, inputs, evaluation)]
    except (CaseError, KindError) as error:
        return str(error)
    return "; ".join(faults) or None


def run_cases(descriptions: Sequence[Description], path: Path, evaluate: Evaluate = evaluate) -> list[str]:
    """Every fault of a file of cases; ``descriptions`` are the modules of its folder, each of which needs a case."""
    try:
        cases = read_cases(path)
    except CaseError as error:
        return [f"{path.parent.name}/{path.name}: {error}"]
    outcomes = ((case.name, run_case(case, descriptions, evaluate)) for case in cases)
    faults = [f"{name}: {fault}" for name, fault in outcomes if fault is not None]
    tried = {case.module for case in cases}
    if len(descriptions) > 1:
        faults += [f"module {d.id} has no case" for d in descriptions if d.id not in tried]
    return [f"{path.parent.name}/{path.name}: {fault}" for fault in faults]


def _read_case(case: Any) -> WorkedCase:
    if not isinstance(case, dict) or not isinstance(case.get("name"), str):
        raise CaseError("a case has no name")
    name = case["name"]
    if unknown := set(case) - _KEYS:
        raise CaseError(f"{name}: {', '.join(sorted(unknown))} is not known")
    inputs, expect = case.get("inputs", {}), case.get("expect")
    if not isinstance(inputs, dict) or not isinstance(expect, dict):
        raise CaseError(f"{name}: inputs and expect are objects")
    if unknown := set(expect) - {*_EXPECTED_KEYS, "tolerance", "bounds"}:
        raise CaseError(f"{name}: {', '.join(sorted(unknown))} cannot be expected")
    if sum(key in expect for key in _EXPECTED_KEYS) != 1:
        raise CaseError(f"{name}: expect needs one of {', '.join(_EXPECTED_KEYS)}")
    if "absent" in expect and expect["absent"] not in AbsentReason.__members__:
        raise CaseError(f"{name}: expect: {expect['absent']!r} is not a valid AbsentReason")
    for key, fits, wanted in (
        ("value", _is_number, "a number"),
        ("tolerance", _is_number, "a number"),
        ("bounds", _is_bounds, "two numbers, or null"),
    ):
        if key in expect and not fits(expect[key]):
            raise CaseError(f"{name}: expect: {key} is not {wanted}")
    for key in ("issues", "no_issues"):
        codes = case.get(key, [])
        if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
            raise CaseError(f"{name}: {key} is not a list of codes")
    at = read_instant(case["at"]) if "at" in case else None
    return WorkedCase(name, case.get("module"), inputs, expect, at, case)


def _is_number(written: Any) -> bool:
    return isinstance(written, int | Decimal) and not isinstance(written, bool)


def _is_bounds(written: Any) -> bool:
    return written is None or (isinstance(written, list) and len(written) == 2 and all(map(_is_number, written)))


def _find_description(case: WorkedCase, descriptions: tuple[Description, ...]) -> Description:
    found = [d for d in descriptions if case.module in (None, d.id)]
    if len(found) != 1:
        raise CaseError("names no module of this folder" if not found else "must name one of the folder's modules")
    return found[0]


def _read_inputs(case: WorkedCase, description: Description) -> dict[str, SlotInput]:
    inputs = {slot.name: SlotInput(Absent(AbsentReason.NOT_FOUND)) for slot in description.slots}
    for name, written in case.inputs.items():
        if name not in inputs:
            raise CaseError(f"there is no slot {name}{did_you_mean(name, inputs)}")
        inputs[name] = read_input(name, written)
    return inputs


def _value_faults(case: WorkedCase, description: Description, evaluation: Evaluation) -> Iterable[str]:
    expect, value = case.expect, evaluation.value
    tolerance = Decimal(expect.get("tolerance", 0))
    if "value" in expect:
        if not isinstance(value, Quantity) or abs(value.value - expect["value"]) > tolerance:
            yield f"expected {expect['value']} within {tolerance}, got {value}"
    elif "code" in expect:
        if not isinstance(value, Coding) or value.code != expect["code"]:
            yield f"expected the code {expect['code']}, got {value}"
    elif "flag" in expect:
        if value is not expect["flag"]:
            yield f"expected {expect['flag']}, got {value}"
    elif "date" in expect:
        if not isinstance(value, Date) or value != read_date(expect["date"]):
            yield f"expected {expect['date']}, got {value}"
    elif value != Absent(AbsentReason(expect["absent"])):
        yield f"expected to be absent, {expect['absent']}, got {value}"
    if "bounds" in expect:
        yield from _bounds_faults(expect["bounds"], evaluation, tolerance)


def _bounds_faults(expected: list[Decimal] | None, evaluation: Evaluation, tolerance: Decimal) -> Iterable[str]:
    bounds = evaluation.bounds
    if expected is None or bounds is None:
        if expected is not None or bounds is not None:
            yield f"expected bounds {expected}, got {bounds}"
    elif abs(bounds.low - expected[0]) > tolerance or abs(bounds.high - expected[1]) > tolerance:
        yield f"expected bounds {expected[0]} to {expected[1]}, got {bounds.low} to {bounds.high}"


def _issue_faults(
    case: WorkedCase, description: Description, inputs: Mapping[str, SlotInput], evaluation: Evaluation
) -> Iterable[str]:
    codes = {issue.code for issue in evaluation.issues}
    yield from (f"expected an issue {code}" for code in case.raw.get("issues", ()) if code not in codes)
    yield from (f"unexpected issue {code}" for code in case.raw.get("no_issues", ()) if code in codes)
    if "interpretation" in case.raw:
        outcome = interpret(description, inputs, evaluation)
        found = None if outcome is None else outcome.coding.code
        if found != case.raw["interpretation"]:
            yield f"expected the interpretation {case.raw['interpretation']}, got {found}"

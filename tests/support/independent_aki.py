"""The stage of AKI of a course of creatinine, straight from the words of the rules: slow, and sharing no code."""

from collections.abc import Sequence
from statistics import median

Course = Sequence[tuple[float, float]]
"""Hours before the question and mg/dL, in any order."""

UNKNOWN = -1


def independent_stage(course: Course) -> int:
    """0 for "not met", 1 to 3, or UNKNOWN; of the values in the last 168 hours, each against what came before it."""
    values = sorted(((-hours, value) for hours, value in course), key=lambda pair: pair[0])
    if not any(time >= -168 for time, _ in values):
        return UNKNOWN
    stages: list[int] = []
    start: float | None = None
    frozen, alone, since = 0.0, False, float("-inf")
    for position, (time, value) in enumerate(values):
        if start is not None:
            by_three = _by_rise(_before(values, time, 48, since), value)
            raised = _rise(value, frozen) if alone else _times(value, 1.5, frozen)
            if not raised and not by_three:
                start = None
            elif time - start > 90 * 24:
                since = start
                start = None
        week = _before(values, time, 168, since)
        year = [v for t, v in values if since <= t < time - 168 and t >= time - 365 * 24]
        references = ([min(week)] if week else []) + ([median(year)] if year else [])
        two_days = _before(values, time, 48, since)
        if start is None:
            after = [v for t, v in values[position + 1 :] if t <= time + 168]
            if references and _times(value, 1.5, min(references)):
                start, frozen, alone = time, min(references), False
            elif references and _by_rise(two_days, value):
                start, frozen, alone = time, min(two_days), True
            elif not references and after and _times(value, 1.5, min(after)):
                start, frozen, alone = time, min(after), False
        if time >= -168:
            stages.append(0 if start is None else _stage(value, min([*references, frozen])))
    last = values[-1][0]
    older = any(last - 365 * 24 <= time < -168 for time, _ in values)
    return max(stages) if max(stages) > 0 or older else UNKNOWN


def _before(values: Sequence[tuple[float, float]], time: float, hours: float, since: float) -> list[float]:
    return [value for t, value in values if max(time - hours, since) <= t < time]


def _times(value: float, ratio: float, reference: float) -> bool:
    return value / reference > ratio - 1e-9


def _rise(value: float, low: float) -> bool:
    # 26.5 umol/L, at 113.12 g/mol.
    return value - low > 26.5 * 113.12 / 10_000 - 1e-4


def _by_rise(values: Sequence[float], value: float) -> bool:
    return bool(values) and _rise(value, min(values))


def _stage(value: float, reference: float) -> int:
    if value >= 4 - 1e-3 or _times(value, 3, reference):
        return 3
    return 2 if _times(value, 2, reference) else 1

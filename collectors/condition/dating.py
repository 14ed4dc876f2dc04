"""From when to when a condition holds, as far as its record and its encounter say."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from collectors.condition.shape import Condition
from collectors.reading.references import period_of
from collectors.reading.timing import read_time
from collectors.reading.wire import Period
from ontology.times import Span


def needs_encounter(condition: Condition) -> bool:
    """Whether only its encounter can date this condition."""
    return (
        condition.encounter is not None
        and condition.recordedDate is None
        and condition.onsetDateTime is None
        and (condition.onsetPeriod is None or condition.onsetPeriod.start is None)
    )


def began(condition: Condition, periods: Mapping[str, Span], zone: ZoneInfo, bases: tuple[str, ...]) -> Span | None:
    """When it began: by onset, else by when it was recorded, else within its encounter (ValueError if misdated).

    It is known to hold at the end of the span.  What was recorded within the onset's span began by then.
    """
    recorded = read_time(condition.recordedDate, zone) if condition.recordedDate is not None else None
    onset = _onset(condition, zone)
    if onset is not None:
        if recorded is not None and onset.start <= recorded.end < onset.end:
            return Span(onset.start, recorded.end)
        return onset
    if recorded is not None:
        return recorded
    reference = condition.encounter.reference if condition.encounter is not None else None
    return period_of(reference, periods, bases)


def _onset(condition: Condition, zone: ZoneInfo) -> Span | None:
    if condition.onsetDateTime is not None:
        return read_time(condition.onsetDateTime, zone)
    period = condition.onsetPeriod
    if period is not None and period.start is not None:
        return read_time(period.start, zone)
    return None


def ended(condition: Condition, zone: ZoneInfo) -> Span | None:
    """When it ended, if that is dated (ValueError if misdated)."""
    if condition.abatementDateTime is not None:
        return read_time(condition.abatementDateTime, zone)
    period: Period | None = condition.abatementPeriod
    if period is not None and (text := period.end or period.start) is not None:
        return read_time(text, zone)
    return None


def ended_undated(condition: Condition) -> bool:
    """Whether it says that it ended, but not on which date."""
    return bool(condition.abatementAge) or bool(condition.abatementRange) or condition.abatementString is not None

"""An independent, naive reading of FHIR JSON, to hold the server's against: codes, times and windows, by hand.

Nothing here is taken from the collectors or the descriptions: two readings that agree by copying would prove nothing.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]
Plausible = Callable[[float], bool]

CREATININE = ("2160-0", "38483-4", "14682-9", "59826-8")
UACR = ("9318-7", "14959-1", "14958-3", "32294-1")
DAY, HALF_HOUR = timedelta(days=1), timedelta(minutes=30)


def moment(text: str) -> datetime:
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def plausible_fahrenheit(value: float) -> bool:
    """Survivable, as a temperature in °F: 11 to 47 °C."""
    return 11 <= (value - 32) / 1.8 <= 47


def newest(
    resources: Iterable[Json],
    codes: tuple[str, ...],
    at: datetime,
    window: timedelta,
    plausible: Plausible | None = None,
) -> datetime | None:
    """When the latest number under these codes was observed; None without one, or if that one is impossible."""
    found = [
        (moment(record["effectiveDateTime"]), holder["valueQuantity"]["value"])
        for record in resources
        if record["resourceType"] == "Observation"
        and moment(str(record.get("issued", record["effectiveDateTime"]))) <= at
        for holder in (record, *record.get("component", ()))
        if "value" in holder.get("valueQuantity", {}) and _codes(holder) & set(codes)
    ]
    inside = [(time, value) for time, value in found if at - window <= time <= at]
    if not inside:
        return None
    time, value = max(inside)
    return time if plausible is None or plausible(value) else None


def has_number(resources: Iterable[Json], codes: tuple[str, ...], at: datetime, days: int) -> bool:
    """Whether there is a number under these codes in so many days."""
    return newest(resources, codes, at, timedelta(days=days)) is not None


def vital_signs(resources: list[Json], at: datetime) -> set[str]:
    """Which vital signs of the last day lie within half an hour of the newest of them."""
    times = {
        "respiratory_rate": newest(resources, ("9279-1",), at, DAY),
        "spo2": newest(resources, ("59408-5", "2708-6"), at, DAY),
        "systolic_bp": newest(resources, ("8480-6",), at, DAY),
        "pulse": newest(resources, ("8867-4",), at, DAY),
        "temperature": newest(resources, ("8310-5",), at, DAY, plausible_fahrenheit),
    }
    known = {name: time for name, time in times.items() if time is not None}
    return {name for name, time in known.items() if max(known.values()) - time <= HALF_HOUR}


def diagnosed(resources: list[Json], pattern: str, at: datetime) -> bool:
    """Whether a condition whose code matches was recorded by then: by its onset, else by its encounter's end."""
    ends = {r["id"]: moment(r["period"]["end"]) for r in resources if r["resourceType"] == "Encounter"}
    for record in resources:
        if record["resourceType"] != "Condition" or not any(re.match(pattern, code) for code in _codes(record)):
            continue
        onset = record.get("onsetDateTime")
        since = moment(onset) if onset else ends[record["encounter"]["reference"].removeprefix("Encounter/")]
        if since <= at:
            return True
    return False


def _codes(holder: Json) -> set[str]:
    return set(_each_code(holder))


def _each_code(holder: Json) -> Iterator[str]:
    for coding in holder["code"].get("coding", ()):
        yield coding["code"]

"""Records that were handed in with their history: what has been superseded is no record of today."""

from typing import Any

import pytest

from collectors.errors import HandedInError
from collectors.handed import from_records
from collectors.reading.whole import encode
from tests.collectors.collector_making import observation

Json = dict[str, Any]
OLD, NEW = observation("1.1", id="c"), observation("1.6", id="c", status="amended")
URL = "https://ehr.test/fhir/Observation/c"


def entry(record: Json | None, changed: str | None = None) -> Json:
    said: Json = {"fullUrl": URL, "request": {"method": "PUT" if record else "DELETE", "url": "Observation/c"}}
    meta = {"meta": {"lastUpdated": changed}} if changed else {}
    return {**said, "resource": {**record, **meta}} if record else said


def bundle(*entries: Json, kind: str = "history") -> bytes:
    return encode({"resourceType": "Bundle", "type": kind, "entry": list(entries)})


@pytest.mark.parametrize(
    ("entries", "left"),
    [
        ((entry(NEW), entry(OLD)), ["1.6"]),
        ((entry(NEW, "2026-01-02T00:00:00Z"), entry(OLD, "2026-01-01T00:00:00Z")), ["1.6"]),
        ((entry(None), entry(OLD)), []),
        ((entry(OLD), entry(None)), ["1.1"]),
        ((entry(NEW), entry(observation("2.0", id="d"))), ["1.6", "2.0"]),
    ],
)
def test_of_a_history_the_newest_versions_count(entries: tuple[Json, ...], left: list[str]) -> None:
    records = from_records(bundle(*entries), ("Observation",), "p").types["Observation"]
    assert [value for value in ("1.1", "1.6", "2.0") if any(value.encode() in raw for raw in records)] == left
    assert len(records) == len(left)


@pytest.mark.parametrize(
    "handed",
    [
        bundle(entry(OLD, "2026-01-01T00:00:00Z"), entry(NEW, "2026-01-02T00:00:00Z")),
        bundle(entry(NEW), entry(OLD), kind="collection"),
        encode([NEW, OLD]),  # type: ignore[arg-type]  # an array of records
        [NEW, OLD],
    ],
)
def test_where_it_is_not_told_which_version_holds_nothing_is_used(handed: Any) -> None:
    with pytest.raises(HandedInError, match="versions"):
        from_records(handed, ("Observation",), "p")


def test_the_same_record_twice_is_no_second_version() -> None:
    handed = bundle(entry(NEW), entry(NEW), kind="collection")
    assert len(from_records(handed, ("Observation",), "p").types["Observation"]) == 2

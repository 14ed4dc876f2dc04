"""Records that were supplied with their history: what has been superseded is no record of today."""

from typing import Any

import pytest

from collectors.errors import SuppliedRecordsError
from collectors.reading.supplied import encode_resource
from collectors.supplied_records import from_records
from tests.support.collector_inputs import observation

Json = dict[str, Any]
OLD, NEW = observation("1.1", id="c"), observation("1.6", id="c", status="amended")
URL = "https://ehr.test/fhir/Observation/c"


def entry(record: Json | None, changed: str | None = None) -> Json:
    said: Json = {"fullUrl": URL, "request": {"method": "PUT" if record else "DELETE", "url": "Observation/c"}}
    meta = {"meta": {"lastUpdated": changed}} if changed else {}
    return {**said, "resource": {**record, **meta}} if record else said


def deleted(**said: Any) -> Json:
    return {"request": {"method": "DELETE", **said}}


def bundle(*entries: Json, kind: str = "history") -> bytes:
    return encode_resource({"resourceType": "Bundle", "type": kind, "entry": list(entries)})


@pytest.mark.parametrize(
    ("entries", "left"),
    [
        ((entry(NEW), entry(OLD)), ["1.6"]),
        ((entry(NEW, "2026-01-02T00:00:00Z"), entry(OLD, "2026-01-01T00:00:00Z")), ["1.6"]),
        ((entry(None), entry(OLD)), []),
        ((entry(OLD), entry(None)), ["1.1"]),
        ((deleted(url=URL), entry(OLD)), []),
        ((deleted(url="/Observation/c"), entry(OLD)), []),
        ((deleted(url="Observation/c/_history/2"), entry(OLD)), []),
        (({**deleted(url="Observation?code=1"), "fullUrl": URL}, entry(OLD)), []),
        (({**entry(None), "resource": None}, entry(OLD)), []),
        ((deleted(url="Observation/d"), entry(OLD)), ["1.1"]),
        ((entry(NEW), entry(observation("2.0", id="d"))), ["1.6", "2.0"]),
    ],
)
def test_of_a_history_the_newest_versions_count(entries: tuple[Json, ...], left: list[str]) -> None:
    records = from_records(bundle(*entries), ("Observation",), "p").complete_types["Observation"]
    assert [value for value in ("1.1", "1.6", "2.0") if any(value.encode() in raw for raw in records)] == left
    assert len(records) == len(left)


@pytest.mark.parametrize(
    "handed",
    [
        bundle(entry(OLD, "2026-01-01T00:00:00Z"), entry(NEW, "2026-01-02T00:00:00Z")),
        bundle(entry(NEW), entry(OLD), kind="collection"),
        encode_resource([NEW, OLD]),  # type: ignore[arg-type]  # an array of records
        [NEW, OLD],
    ],
)
def test_where_it_is_not_told_which_version_holds_nothing_is_used(handed: Any) -> None:
    with pytest.raises(SuppliedRecordsError, match="versions"):
        from_records(handed, ("Observation",), "p")


CREATED = entry(OLD, "2026-01-01T00:00:00Z")
DELETED = {**entry(None), "response": {"status": "204", "lastModified": "2026-01-02T00:00:00Z"}}


@pytest.mark.parametrize(
    ("handed", "told"),
    [
        (bundle(CREATED, DELETED), "newest versions do not come first"),
        (
            bundle(*({"resource": {**each, "meta": {"versionId": v}}} for each, v in ((OLD, "9"), (NEW, "10")))),
            "newest",
        ),
        (
            bundle({**entry(OLD), "response": {"etag": 'W/"1"'}}, {**entry(None), "response": {"etag": 'W/"2"'}}),
            "newest",
        ),
        (bundle(deleted(url="Observation?code=1"), entry(OLD)), "does not say what"),
        (bundle(deleted(url="https://ehr.test/fhir/Observation?code=1"), entry(OLD)), "does not say what"),
        (bundle(deleted(), entry(OLD)), "does not say what"),
        # No deletion: its record is only not here, and the one before it is not what holds.
        (bundle({"request": {"method": "PUT", "url": "Observation/c"}}, entry(OLD)), "without its record"),
        (bundle({"fullUrl": URL}, kind="searchset"), "without its record"),
        (bundle({"fullUrl": URL, "resource": None}, kind="searchset"), "without its record"),
        (bundle({"fullUrl": URL}, kind="collection"), "without its record"),
    ],
)
def test_what_is_not_told_of_a_record_is_no_answer(handed: bytes, told: str) -> None:
    with pytest.raises(SuppliedRecordsError, match=told):
        from_records(handed, ("Observation",), "p")


def test_a_record_that_was_deleted_and_made_again_is_there() -> None:
    again = entry(NEW, "2026-01-03T00:00:00Z")
    assert len(from_records(bundle(again, DELETED, CREATED), ("Observation",), "p").complete_types["Observation"]) == 1


def test_two_versions_that_cannot_be_compared_are_refused_in_words() -> None:
    record = b'{"resourceType":"Observation","id":"a","t":"\xff","v":%d}'
    with pytest.raises(SuppliedRecordsError, match="versions"):
        from_records([record % 1, record % 2], ("Observation",), "p")


def test_records_too_deep_to_be_named_may_be_of_any_type() -> None:
    deep = b'{"resourceType":"Observation","id":"a","x":' + b"[" * 100_000 + b"]" * 100_000 + b',"v":%d}'
    assert len(from_records([deep % 1, deep % 2], ("Condition",), "p").complete_types["Condition"]) == 2


def test_the_same_record_twice_is_no_second_version() -> None:
    handed = bundle(entry(NEW), entry(NEW), kind="collection")
    assert len(from_records(handed, ("Observation",), "p").complete_types["Observation"]) == 2

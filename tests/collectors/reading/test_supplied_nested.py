"""Bundles inside a Bundle are read; where a part of one failed, its records count and no type is complete."""

from typing import Any

import pytest

from collectors.errors import SuppliedRecordsError
from collectors.reading.supplied import encode_resource, read_supplied
from collectors.supplied_records import OFFLINE, from_prefetch, from_records
from ontology.values import Absent, AbsentReason
from tests.support.collector_inputs import AT, CREATININE, FIBRILLATION, PATIENT, condition, observation, searches, slot
from tests.support.multi_source_servers import Servers

Json = dict[str, Any]
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "processing"}]}
RECORD, OTHER = observation("1.1"), observation("3.0", id="o2", effectiveDateTime="2024-05-20T08:00:00Z")


def bundle(*entries: Json, kind: str = "searchset", **more: Any) -> Json:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries), **more}


def part(resource: Json | None, status: str | None = "200 OK") -> Json:
    found: Json = {"response": {"status": status}} if status else {}
    return found | ({"resource": resource} if resource else {})


def of(record: Json) -> Json:
    return {"resource": record}


NEXT: dict[str, Any] = {"link": [{"relation": "next", "url": "http://ehr.test/fhir?page=2"}]}
# What is supplied, how many records are in it, and why it is not complete (None: it is).
READ: dict[str, tuple[Json, int, str | None]] = {
    "a search set": (bundle(part(bundle(of(OTHER)))), 1, None),
    "a batch response": (bundle(part(RECORD), part(bundle(of(OTHER))), kind="batch-response"), 2, None),
    "a transaction response": (bundle(part(RECORD, "201 Created"), kind="transaction-response"), 1, None),
    "a record that was written and is not returned": (bundle(part(None, "201"), kind="transaction-response"), 0, None),
    "a deletion": (bundle(part(None, "204"), kind="batch-response"), 0, None),
    "a collection of collections": (bundle(of(bundle(of(RECORD), kind="collection")), kind="collection"), 1, None),
    "a batch in a batch": (
        bundle(part(bundle(part(bundle(of(OTHER))), kind="batch-response")), kind="batch-response"), 1, None),
    "a history inside": (bundle(of(bundle(of(OTHER), of({**OTHER, "status": "amended"}), kind="history"))), 1, None),
    "a failed part": (bundle(part(RECORD), part(None, "500"), kind="batch-response"), 1, "failed (status 500)"),
    "a part that is not permitted": (bundle(part(OUTCOME, "403 Forbidden"), kind="batch-response"), 0, "(status 403)"),
    "an error with status 200": (bundle(part(RECORD), part(OUTCOME), kind="batch-response"), 1, "OperationOutcome"),
    "an error without a status": (bundle(part(OUTCOME, None), kind="batch-response"), 0, "OperationOutcome"),
    "a search without a result": (bundle(part(None, "200"), kind="batch-response"), 0, "no result"),
    "a part that is not modified": (bundle(part(None, "304"), kind="batch-response"), 0, "(status 304)"),
    "a failed part inside": (bundle(of(bundle(part(RECORD), part(None, "404"), kind="batch-response"))), 1, "404"),
    "one page of several inside": (bundle(part(bundle(of(OTHER), **NEXT)), kind="batch-response"), 1, "several"),
    "fewer than its total inside": (bundle(part(bundle(of(OTHER), total=2)), kind="batch-response"), 1, "total"),
    "an error inside": (bundle(part(bundle(of(OTHER), of(OUTCOME))), kind="batch-response"), 1, "not complete"),
    "a Bundle that cannot be read": (bundle(of({"resourceType": "Bundle", "entry": 1})), 0, "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_what_is_read_of_it(name: str) -> None:
    given, count, missing = READ[name]
    read = read_supplied(given)
    assert (read.refusal_reason, len(read.records)) == (None, count)
    assert (missing in (read.missing_reason or "")) if missing else read.missing_reason is None


async def test_a_failed_part_is_a_failed_search() -> None:
    for parts, found in ((part(RECORD), True), (part(condition()), False)):
        raw = encode_resource(bundle(part(PATIENT), parts, part(None, "500"), kind="batch-response"))
        supplied = from_records(raw, ("Observation", "Condition"), "p")
        facts = await Servers().facts(source=OFFLINE, supplied=supplied)
        value = facts.select(slot(), AT, AT)
        assert isinstance(value.value, Absent) is not found
        assert [issue.code for issue in value.issues] == (["part-missing"] if found else ["not-queried"])
        assert "a part of it failed (status 500)" in value.issues[0].text
        absence = facts.select(slot(FIBRILLATION, closed_world=True), AT, AT).value
        assert absence == (Absent(AbsentReason.NOT_QUERIED) if found else True)


def test_conflicts_are_found_across_levels() -> None:
    given = bundle(of(RECORD), of(bundle(of({**RECORD, "status": "amended"}))), kind="collection")
    for each in (encode_resource(given), [RECORD, bundle(of({**RECORD, "status": "amended"}))]):
        with pytest.raises(SuppliedRecordsError, match="conflicting versions"):
            from_records(each, (), "p")


@pytest.mark.parametrize(("levels", "refused"), [(3, False), (4, False), (5, True)])
def test_it_ends_somewhere(levels: int, refused: bool) -> None:
    given = bundle(of(RECORD))
    for _ in range(levels):
        given = bundle(of(given))
    assert (read_supplied(given).refusal_reason is not None) is refused


def test_a_prefetch_with_a_failed_part_is_not_complete() -> None:
    (wanted,) = searches(CREATININE)
    given = bundle(of(RECORD), of(bundle(of(OTHER), **NEXT)))
    supplied = from_prefetch({"observation": given}, (wanted,), "p")
    assert supplied.records_for(wanted) is None and "several" in supplied.missing_reason(wanted)


@pytest.mark.parametrize(
    ("start", "refusal"),
    [(b"\xef\xbb\xbf", None), (b"\xff\xfe", "byte-order mark of UTF-16"), (b"\xfe\xff", "byte-order mark of UTF-16")],
)
def test_a_byte_order_mark_is_passed_over_or_named(start: bytes, refusal: str | None) -> None:
    for given in (encode_resource(bundle(of(RECORD))), b"[" + encode_resource(RECORD) + b"]"):
        read = read_supplied(start + given, allow_array=True)
        assert (refusal in (read.refusal_reason or "")) if refusal else len(read.records) == 1

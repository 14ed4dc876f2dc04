"""Every fault that a source is put to in process, by name: what it answers, and what is to be told of it.

``tests/proof/test_search_faults.py`` says what must then be so.  Faults that need a real connection are in
``test_transport_connection_faults.py``.
"""

import asyncio
import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import Enum, auto
from typing import Any, TypeAlias

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from collectors.reading.supplied import encode_resource
from tests.support.collector_inputs import BASE
from tests.support.misbehaving_server import Answer, bundle, refusing

FHIR = "application/fhir+json"
Record: TypeAlias = Mapping[str, Any]


class SearchOutcome(Enum):
    """What becomes of a search."""

    LOST = auto()
    """Nothing could be had: UNREACHABLE."""
    REFUSED = auto()
    """NOT_PERMITTED."""
    NOT_THERE = auto()
    """Lost; of the patient's own record it means that there is no such patient."""
    IN_PART = auto()
    """What came is used with a warning; what is not in it may be there all the same."""
    READ = auto()
    """All is well, but for remarks."""


@dataclass(frozen=True)
class Fault:
    """``make``: how the source answers, given the records that it would have."""

    ends: SearchOutcome
    named: str
    make: Callable[[tuple[Record, ...]], Answer]


def lost_search(named: str, answer: Answer) -> Fault:
    return Fault(SearchOutcome.LOST, named, lambda _: answer)


def respond_with(content: bytes | str, media_type: str = FHIR, **headers: str) -> Answer:
    return lambda _: Response(content, media_type=media_type, headers=headers)


def partial_search(named: str, make: Callable[[tuple[Record, ...]], Response]) -> Fault:
    return Fault(SearchOutcome.IN_PART, named, lambda records: lambda _: make(records))


def complete_search(make: Callable[[tuple[Record, ...]], Response], named: str = "") -> Fault:
    return Fault(SearchOutcome.READ, named, lambda records: lambda _: make(records))


def page(request: Request) -> int:
    return int(request.query_params.get("page", "1"))


def page_address(request: Request, number: int) -> str:
    return f"{BASE}/{request.path_params['kind']}?page={number}"


def device(number: int) -> Record:
    return {"resourceType": "Device", "id": f"d{number}"}


def entries(*given: Mapping[str, Any], **more: Any) -> Response:
    return bundle(entry=list(given), **more)


def outcome(severity: str) -> Record:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": "processing"}]}


def with_outcome(severity: str, **search: Any) -> Callable[[tuple[Record, ...]], Response]:
    return lambda records: entries(*({"resource": each} for each in records), {"resource": outcome(severity), **search})


def leading_to(address: str) -> Answer:
    return lambda _: bundle(device(1), following=address)


def changing_total(records: tuple[Record, ...]) -> Answer:
    def answer(request: Request) -> Response:
        if page(request) == 1:
            return bundle(*records, following=page_address(request, 2), total=len(records) + 2)
        return bundle(device(1), total=len(records) + 1)

    return answer


def total_of_page(records: tuple[Record, ...]) -> Answer:
    def answer(request: Request) -> Response:
        if page(request) == 1:
            return bundle(*records, device(1), following=page_address(request, 2), total=len(records) + 1)
        return bundle(device(2), total=1)

    return answer


def paged(*pages: Callable[[tuple[Record, ...]], tuple[Record, ...]], **more: Any) -> Callable[..., Answer]:
    def make(records: tuple[Record, ...]) -> Answer:
        def answer(request: Request) -> Response:
            number = page(request)
            following = page_address(request, number + 1) if number < len(pages) else None
            return bundle(*pages[number - 1](records), following=following, **more)

        return answer

    return make


def redirecting(to: Callable[[Request], str], then: tuple[Record, ...] | None = None) -> Answer:
    def answer(request: Request) -> Response:
        if then is not None and page(request) > 1:
            return bundle(*then)
        return RedirectResponse(to(request), 302)

    return answer


def redirecting_to(location: str) -> Answer:
    """Redirects to this, as written."""
    return lambda _: Response(status_code=302, headers={"Location": location})


async def slow(_: Request) -> Response:
    await asyncio.sleep(60)
    raise AssertionError("nobody waits for so long")


def broken(_: Request) -> Response:
    raise httpx.ReadError("the connection was dropped")


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def deep_record(records: tuple[Record, ...]) -> Response:
    deep = b'{"resourceType": "Device", "id": "deep", "x": ' + nested(200) + b"}"
    whole = encode_resource(
        {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": each} for each in records]}
    )
    comma = b"," if records else b""
    return Response(whole[:-2] + comma + b'{"resource": ' + deep + b"}]}", media_type=FHIR)


def as_json(records: tuple[Record, ...]) -> bytes:
    return bundle(*records).body  # type: ignore[return-value]  # always bytes here


def hours_ahead(hours: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)


LATER = "asks to wait"
LEAVES = "leaves the source"

FAULTS: dict[str, Fault] = {
    "429 without Retry-After": lost_search("refuses for now (429), 4 times", refusing(429)),
    "429 for an hour": lost_search(LATER, refusing(429, {"Retry-After": "3600"})),
    "429 until a date": lost_search(LATER, refusing(429, {"Retry-After": hours_ahead(2)})),
    "429 for ever": lost_search("asks to wait for ever", refusing(429, {"Retry-After": "9" * 30})),
    "429 until nobody knows when": lost_search("(429), 4 times", refusing(429, {"Retry-After": "soon"})),
    "429 until yesterday": lost_search("(429), 4 times", refusing(429, {"Retry-After": hours_ahead(-24)})),
    "503": lost_search("overloaded or refuses for now (503)", refusing(503)),
    "503 for an hour": lost_search(LATER, refusing(503, {"Retry-After": "3600"})),
    "502": lost_search("(502)", refusing(502)),
    "500 with an OperationOutcome": lost_search("error of the server (500)", refusing(500)),
    "400": lost_search("refused as wrong (400)", refusing(400)),
    "401": Fault(SearchOutcome.REFUSED, "not permitted (401)", lambda _: refusing(401)),
    "403": Fault(SearchOutcome.REFUSED, "not permitted (403)", lambda _: refusing(403)),
    "404": Fault(SearchOutcome.NOT_THERE, "nothing at that address (404)", lambda _: refusing(404)),
    "410": Fault(SearchOutcome.NOT_THERE, "nothing at that address (410)", lambda _: refusing(410)),
    "404 of no FHIR server": lost_search(
        "no FHIR at that address (404)", lambda _: PlainTextResponse("not found", 404)
    ),
    "202": lost_search("status 202", lambda _: Response(status_code=202)),
    "304 that nobody asked for": lost_search("status 304", lambda _: Response(status_code=304)),
    "no content": lost_search("status 204", lambda _: Response(status_code=204)),
    "slow": lost_search("no answer within", slow),
    "connection dropped": lost_search("the connection fails", broken),
    "HTML login page": lost_search("HTML", respond_with("<html>Please log in</html>", "text/html")),
    "HTML labelled as JSON": lost_search("not readable JSON", respond_with("<html>")),
    "XML": lost_search("not labelled as JSON", respond_with("<Bundle/>", "application/fhir+xml")),
    "plain text": lost_search("not labelled as JSON", respond_with("no", "text/plain")),
    "bytes": lost_search("not labelled as JSON", respond_with(b"{}", "application/octet-stream")),
    "R5 by its label": lost_search("another version of FHIR", respond_with(b"{}", f"{FHIR}; fhirVersion=5.0")),
    "empty": lost_search("an answer is empty", respond_with(b"")),
    "blank": lost_search("an answer is empty", respond_with(b" \n")),
    "null": lost_search("not a FHIR Bundle", respond_with(b"null")),
    "an array": lost_search("not a FHIR Bundle", respond_with(b"[]")),
    "a single record": lost_search(
        "a single record, not a search set", respond_with(b'{"resourceType": "Device", "id": "d"}')
    ),
    "an OperationOutcome": lost_search(
        "an OperationOutcome, not a search set", lambda _: JSONResponse(outcome("error"))
    ),
    "a history": lost_search("not a search set", lambda _: bundle(type="history")),
    "truncated": lost_search("not readable JSON", respond_with('{"resourceType": "Bundle", "entry": [{"reso')),
    "not UTF-8": lost_search("JSON", respond_with(b'{"resourceType": "\xff"}')),
    "UTF-16": lost_search("not readable JSON", respond_with('{"resourceType": "Bundle"}'.encode("utf-16"))),
    "NaN": lost_search(
        "not readable JSON", respond_with(b'{"resourceType": "Bundle", "entry": [{"resource": {"value": NaN}}]}')
    ),
    "nested too deeply": lost_search(
        "nests too deeply", respond_with(b'{"resourceType": "Bundle", "x": ' + nested(5_000) + b"}")
    ),
    "too large": lost_search("larger than 20000 bytes", respond_with(b" " * 30_000)),
    "gzip bomb": lost_search(
        "larger than 20000 bytes", respond_with(gzip.compress(b" " * 10_000_000), **{"Content-Encoding": "gzip"})
    ),
    "packed twice": lost_search(
        "encoded", respond_with(gzip.compress(gzip.compress(b"{}")), **{"Content-Encoding": "gzip, gzip"})
    ),
    "packed as nobody asked": lost_search("encoded", respond_with(b"{}", **{"Content-Encoding": "br"})),
    "packed in part": lost_search(
        "ends before it is complete", respond_with(gzip.compress(b"{}" * 99)[:-9], **{"Content-Encoding": "gzip"})
    ),
    "not packed though it says so": lost_search(
        "cannot be decoded", respond_with(b"{}", **{"Content-Encoding": "gzip"})
    ),
    "a circle of pages": lost_search("circle", lambda r: bundle(device(page(r)), following=page_address(r, 2))),
    "a page that leads to itself": lost_search("circle", lambda r: bundle(device(1), following=str(r.url))),
    "a page that repeats entries": lost_search(
        "repeats", lambda r: bundle(device(1), following=page_address(r, page(r) + 1))
    ),
    "endless pages": lost_search(
        "more than 3 pages", lambda r: bundle(device(page(r)), following=page_address(r, page(r) + 1))
    ),
    "endless empty pages": lost_search("more than 3 pages", lambda r: bundle(following=page_address(r, page(r) + 1))),
    "too many records": lost_search("more than 6 records", lambda _: bundle(*map(device, range(7)))),
    "two next pages": lost_search(
        "more than one next page",
        lambda r: bundle(link=[{"relation": "next", "url": page_address(r, number)} for number in (2, 3)]),
    ),
    "next elsewhere": lost_search(LEAVES, leading_to("http://evil.test/fhir/Observation?page=2")),
    "next at another port": lost_search(LEAVES, leading_to("http://ehr.test:81/fhir/Observation")),
    "next by another scheme": lost_search(LEAVES, leading_to("https://ehr.test/fhir/Observation")),
    "next on a file": lost_search(LEAVES, leading_to("file:///etc/passwd")),
    "next without a scheme": lost_search(LEAVES, leading_to("//evil.test/fhir/Observation")),
    "next at another path": lost_search(LEAVES, leading_to("http://ehr.test/admin")),
    "next at a path that begins alike": lost_search(LEAVES, leading_to("http://ehr.test/fhirs/Observation")),
    "next up and out": lost_search(LEAVES, leading_to("http://ehr.test/fhir/%2e%2e/admin")),
    "next with credentials": lost_search(LEAVES, leading_to("http://a:b@ehr.test/fhir/Observation")),
    "next that is no address": lost_search("no address", leading_to("http://ehr.test:port/")),
    "next of two lines": lost_search("no address", leading_to("http://ehr.test/fhir/a\r\nHost: evil.test")),
    "redirect elsewhere": lost_search("out of the source", redirecting(lambda _: "http://evil.test/fhir/Observation")),
    "redirect to a login page": lost_search("out of the source", redirecting(lambda _: "http://ehr.test/login")),
    "redirect to https elsewhere": lost_search("out of the source", redirecting(lambda _: "https://ehr.test/fhir/x")),
    "redirect to itself": lost_search("redirects in a circle", redirecting(lambda r: str(r.url))),
    "endless redirects": lost_search(
        "redirects more than 3 times", redirecting(lambda r: page_address(r, page(r) + 1))
    ),
    "redirect to a script": lost_search("no address", redirecting_to("javascript:1")),
    "redirect to a mailbox": lost_search("no address", redirecting_to("mailto:a")),
    "redirect to what is no internationalised name": lost_search("no address", redirecting_to("http://xn--/")),
    "redirect to nowhere": lost_search("no address", lambda _: Response(status_code=307)),
    "error among the entries": partial_search("reports an error", with_outcome("error", search={"mode": "outcome"})),
    "fatal error without a mode": partial_search("reports an error", with_outcome("fatal")),
    "total that lies": partial_search("said 9 records and gave", lambda records: bundle(*records, total=9)),
    "total that records that came along must not make up for": partial_search(
        "the source said",
        lambda records: entries(
            *({"resource": each} for each in records),
            {"resource": device(1), "search": {"mode": "include"}},
            total=len(records) + 1,
        ),
    ),
    "total that changes": Fault(SearchOutcome.IN_PART, "the number of records changed", changing_total),
    "total that lies over pages": Fault(
        SearchOutcome.IN_PART, "said 9 records", paged(lambda r: r, lambda _: (), total=9)
    ),
    "entry without a record": partial_search(
        "1 of its entries came without a record",
        lambda records: entries(*({"resource": each} for each in records), {"fullUrl": f"{BASE}/Device/1"}),
    ),
    "entry of null": partial_search(
        "1 of its entries came without a record",
        lambda records: entries(*({"resource": each} for each in records), {"resource": None}),
    ),
    "record nested too deeply": partial_search("1 of its records nest too deeply", deep_record),
    "remark among the entries": complete_search(with_outcome("information", search={"mode": "outcome"})),
    "warning without a mode": complete_search(with_outcome("warning")),
    "byte order mark": complete_search(lambda records: Response(b"\xef\xbb\xbf" + as_json(records), media_type=FHIR)),
    "gzip": complete_search(
        lambda records: Response(gzip.compress(as_json(records)), media_type=FHIR, headers={"Content-Encoding": "gzip"})
    ),
    "gzip of two members": complete_search(
        lambda records: Response(
            gzip.compress(as_json(records)[:9]) + gzip.compress(as_json(records)[9:]),
            media_type=FHIR,
            headers={"Content-Encoding": "gzip"},
        )
    ),
    "R4B by its label": complete_search(
        lambda records: Response(as_json(records), media_type=f"{FHIR}; fhirVersion=4.3")
    ),
    "plain JSON by its label": complete_search(lambda records: labelled_json(records)),
    "unknown resource types": complete_search(
        lambda records: bundle(
            {"resourceType": "Unheard", "id": "o1"}, {"resourceType": "Device", "id": "c1"}, *records
        )
    ),
    "records that came along": complete_search(
        lambda records: entries(
            *({"resource": each} for each in records),
            {"resource": device(1), "search": {"mode": "include"}},
            total=len(records),
        )
    ),
    "duplicates": complete_search(lambda records: bundle(*records, *records, total=2 * len(records))),
    "an empty page among others": Fault(SearchOutcome.READ, "", paged(lambda _: (), lambda r: r, lambda _: ())),
    "a page that repeats some entries": Fault(
        SearchOutcome.READ, "", paged(lambda r: r, lambda r: (*r, device(1)), lambda r: (*r, device(2)))
    ),
    "total of the page": Fault(SearchOutcome.READ, "", total_of_page),
    "redirect within the source": Fault(
        SearchOutcome.READ, "", lambda records: redirecting(lambda r: page_address(r, 2), then=records)
    ),
    "429 once": Fault(SearchOutcome.READ, "", lambda records: refusing(429, {"Retry-After": "0"}, 1, records)),
    "503 twice": Fault(SearchOutcome.READ, "", lambda records: refusing(503, times=2, then=records)),
}


def labelled_json(records: tuple[Record, ...]) -> Response:
    return Response(as_json(records), media_type="application/json; charset=utf-8")

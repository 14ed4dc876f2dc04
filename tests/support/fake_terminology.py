"""Value sets and concept maps as plain values, and a terminology server in process that can be told to misbehave."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx

from collectors.fetching.transport import Transport
from collectors.settings import Source
from collectors.terminology.terminology_server import TerminologyServer

LOINC = "http://loinc.org"
SCT = "http://snomed.info/sct"
LOCAL = "https://lab.example/codes"


def value_set(
    url: str = "https://example.org/ValueSet/one", version: str | None = "1", **elements: Any
) -> dict[str, Any]:
    named = {"resourceType": "ValueSet", "url": url, "status": "active", **elements}
    return named if version is None else {**named, "version": version}


def include(*codes: str, system: str | None = LOINC, sets: tuple[str, ...] = ()) -> dict[str, Any]:
    made: dict[str, Any] = {} if system is None else {"system": system}
    if codes:
        made["concept"] = [{"code": code} for code in codes]
    if sets:
        made["valueSet"] = list(sets)
    return made


def concept_map(
    *groups: dict[str, Any],
    url: str = "https://lab.example/ConceptMap/codes",
    version: str | None = "1",
    **elements: Any,
) -> dict[str, Any]:
    made = {"resourceType": "ConceptMap", "url": url, "status": "active", "group": list(groups), **elements}
    return made if version is None else {**made, "version": version}


def group(
    *rows: tuple[str, str | None, str], source: str = LOCAL, target: str = LOINC, **elements: Any
) -> dict[str, Any]:
    """Rows of local code, target code and equivalence."""
    by_code: dict[str, list[dict[str, Any]]] = {}
    for local, code, equivalence in rows:
        to = {"equivalence": equivalence} if code is None else {"code": code, "equivalence": equivalence}
        by_code.setdefault(local, []).append(to)
    return {
        "source": source,
        "target": target,
        "element": [{"code": code, "target": targets} for code, targets in by_code.items()],
        **elements,
    }


def encode_json(resource: Any) -> bytes:
    return json.dumps(resource).encode()


BASE = "https://tx.test/fhir"
SOURCE = Source(id="terminology", base_url=BASE, timeout=5)
Change = Callable[[dict[str, Any], int], dict[str, Any] | httpx.Response]


class FakeTerminology:
    """Holds ``codes`` (system and code) of every set; ``change`` alters each page (given with its offset)."""

    def __init__(self, *codes: tuple[str, str], most: int = 1_000, change: Change | None = None) -> None:
        self.codes = list(codes)
        self.most = most
        self.change = change or (lambda page, _: page)
        self.expands: int | httpx.Response = 200
        self.validates: int | httpx.Response = 200
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._expanded(request) if request.url.path.endswith("$expand") else self._validated(request)

    def _expanded(self, request: httpx.Request) -> httpx.Response:
        if isinstance(self.expands, httpx.Response):
            return self.expands
        if self.expands != 200:
            return fhir({"resourceType": "OperationOutcome"}, self.expands)
        parameters = dict(request.url.params)
        offset, count = int(parameters["offset"]), min(int(parameters["count"]), self.most)
        page = {
            "resourceType": "ValueSet",
            "url": parameters["url"],
            "title": "A set",
            "expansion": {
                "total": len(self.codes),
                "offset": offset,
                "contains": [{"system": s, "code": c} for s, c in self.codes[offset : offset + count]],
            },
        }
        if "valueSetVersion" in parameters:
            page["version"] = parameters["valueSetVersion"]
        changed = self.change(page, offset)
        return changed if isinstance(changed, httpx.Response) else fhir(changed)

    def _validated(self, request: httpx.Request) -> httpx.Response:
        if isinstance(self.validates, httpx.Response):
            return self.validates
        if self.validates != 200:
            return fhir({"resourceType": "OperationOutcome"}, self.validates)
        given = {each["name"]: each for each in json.loads(request.content)["parameter"]}
        held = (given["system"]["valueUri"], given["code"]["valueCode"]) in self.codes
        return fhir({"resourceType": "Parameters", "parameter": [{"name": "result", "valueBoolean": held}]})

    def server(self, page_size: int = 1_000, source: Source = SOURCE) -> TerminologyServer:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self))
        return TerminologyServer(source.base_url, Transport(http, source, asyncio.Semaphore(4)), page_size)


def fhir(content: object, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=content, headers={"Content-Type": "application/fhir+json"})

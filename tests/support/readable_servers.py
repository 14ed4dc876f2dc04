"""FHIR servers whose records can be read one by one, in the version that they have, and faults at single addresses."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeAlias

import httpx

from collectors.reading.supplied import encode_resource
from tests.support.granted_questions import Json, SeenRequests

FHIR = {"content-type": "application/fhir+json"}
Answer: TypeAlias = Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]]


def versioned(record: Mapping[str, Any], version: str = "1", **more: Any) -> Json:
    """The record, in a version."""
    return {**record, "meta": {"versionId": version, "lastUpdated": "2026-06-01T09:00:00Z"}, **more}


def answering(content: Any, status: int = 200, **headers: str) -> Answer:
    """Answers with this content: bytes, or a record."""
    body = content if isinstance(content, bytes) else encode_resource(content)
    return lambda _: httpx.Response(status, content=body, headers=FHIR | headers)


MISSING = answering({"resourceType": "OperationOutcome"}, 404)
GONE = answering({"resourceType": "OperationOutcome"}, 410)


class ReadableServers(SeenRequests):
    """Searches as ``Servers`` answers them; ``Type/id`` is the record, ``Type/id/_history/v`` if that is its version.

    ``faults``: by host and path below the base, what is answered there instead.  ``reads``: host and path of each
    record that was requested.
    """

    def __init__(self, **records: Iterable[Mapping[str, Any]]) -> None:
        super().__init__(**records)
        self.faults: dict[tuple[str, str], Answer] = {}
        self.reads: list[tuple[str, str]] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        host, path = request.url.host.partition(".")[0], request.url.path.removeprefix("/fhir/")
        kind, *rest = path.split("/")
        if not rest or kind == ".well-known":
            return await super().__call__(request)
        self.reads.append((host, path))
        if (sent := request.headers.get("authorization")) is not None:
            self.tokens.append((host, sent))
        if (fault := self.faults.get((host, path))) is not None:
            answer = fault(request)
            return answer if isinstance(answer, httpx.Response) else await answer
        version = rest[2] if rest[1:2] == ["_history"] else None
        for record in self.records.get(host, ()):
            has = record.get("meta", {}).get("versionId")
            if [record["resourceType"], record["id"]] == [kind, rest[0]] and version in (None, has):
                return httpx.Response(200, content=encode_resource(record), headers=FHIR)
        return httpx.Response(404, json={"resourceType": "OperationOutcome"}, headers=FHIR)

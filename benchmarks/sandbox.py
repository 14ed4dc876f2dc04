"""A server that answers searches with prepared Bundles, each after the same latency; in a process of its own.

It ignores codes and dates: it sends all of a patient's records of a type, in pages.  ``/count`` returns the number of
searches of each type since it was last requested.

    with sandbox({"p1": records}, latency=0.02) as base_url:
        httpx.get(f"{base_url}/Observation", params={"patient": "p1"})
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fixtures.child import Child
from fixtures.ports import HOST, listen, port_of

Json = dict[str, Any]
PAGE = 500
_READY_WITHIN = 20.0


TYPES = ("Patient", "Observation", "Condition", "Encounter")


def capability(types: Sequence[str]) -> Json:
    """The CapabilityStatement of a server that offers these types."""
    offered = [{"type": each, "interaction": [{"code": "search-type"}, {"code": "read"}]} for each in types]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-01-01",
        "kind": "instance",
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{"mode": "server", "resource": offered}],
    }


@contextmanager
def sandbox(patients: Mapping[str, Sequence[Json]], latency: float, types: Sequence[str] = TYPES) -> Iterator[str]:
    """Starts it with these patients' records, yields its base URL, and stops it.  ``types``: those that it offers."""
    listener = listen(None, "")
    base_url = f"http://{HOST}:{port_of(listener)}/fhir"
    with tempfile.TemporaryDirectory(prefix="medtwin-bench-") as name:
        folder = Path(name)
        (folder / "patients.json").write_text(json.dumps(patients), encoding="utf-8")
        arguments = [str(folder / "patients.json"), base_url, str(latency), str(listener.fileno()), *types]
        try:
            process = Child("benchmarks.sandbox", arguments, folder / "log", pass_fds=(listener.fileno(),))
        finally:
            listener.close()
        with process:
            _wait(base_url, process)
            yield base_url


def _wait(base_url: str, process: Child) -> None:
    until = time.monotonic() + _READY_WITHIN
    while time.monotonic() < until:
        process.require_running()
        try:
            httpx.get(f"{base_url}/metadata", timeout=_READY_WITHIN, trust_env=False).raise_for_status()
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise TimeoutError("the sandbox server did not start")


def application(
    patients: Mapping[str, Sequence[Json]], base_url: str, latency: float, types: Sequence[str] = TYPES
) -> Starlette:
    """The application; all pages are prepared here, so that only the latency counts."""
    bodies: dict[tuple[str, str, int], bytes] = {}
    for patient, records in patients.items():
        for resource_type in {record["resourceType"] for record in records} | {
            "Condition",
            "Encounter",
            *types[len(TYPES) :],
        }:
            mine = [record for record in records if record["resourceType"] == resource_type]
            for number in range(max(1, -(-len(mine) // PAGE))):
                bodies[patient, resource_type, number] = _page(base_url, patient, resource_type, mine, number)
    counts: Counter[str] = Counter()

    async def search(request: Request) -> Response:
        resource_type = request.path_params["type"]
        patient = request.query_params.get("patient") or request.query_params.get("_id") or ""
        counts[resource_type] += 1
        body = bodies.get((patient, resource_type, int(request.query_params.get("page", "0"))))
        await asyncio.sleep(latency)
        if body is None:
            return JSONResponse({"resourceType": "OperationOutcome"}, 404)
        return Response(body, media_type="application/fhir+json")

    async def metadata(_: Request) -> Response:
        return JSONResponse(capability(types))

    async def count(_: Request) -> Response:
        answered = dict(counts)
        counts.clear()
        return JSONResponse(answered)

    return Starlette(
        routes=[
            Route("/fhir/metadata", metadata),
            Route("/fhir/count", count),
            Route("/fhir/{type}", search),
        ]
    )


def _page(base_url: str, patient: str, resource_type: str, records: Sequence[Json], number: int) -> bytes:
    entries = [
        {"fullUrl": f"{base_url}/{resource_type}/{record['id']}", "resource": record, "search": {"mode": "match"}}
        for record in records[number * PAGE : (number + 1) * PAGE]
    ]
    bundle: Json = {"resourceType": "Bundle", "type": "searchset", "total": len(records), "entry": entries}
    if len(records) > (number + 1) * PAGE:
        following = f"{base_url}/{resource_type}?patient={patient}&page={number + 1}"
        bundle["link"] = [{"relation": "next", "url": following}]
    return json.dumps(bundle, separators=(",", ":")).encode()


def main(arguments: Sequence[str]) -> None:
    """Serves until it is stopped.  Arguments: file of patients, base URL, latency in seconds, descriptor, types."""
    patients = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    app = application(patients, arguments[1], float(arguments[2]), arguments[4:])
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    server.run(sockets=[socket.socket(fileno=int(arguments[3]))])


if __name__ == "__main__":
    main(sys.argv[1:])

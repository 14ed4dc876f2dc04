"""A FHIR server that can be told to misbehave: one function a request, in process.

The faults by name are in ``source_faults.py``; a server for those of connections is in ``raw_http_server.py``.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from collectors.reading.supplied import encode_resource
from tests.support.collector_inputs import BASE, PATIENT

Answer = Callable[[Request], Response | Awaitable[Response]]


def bundle(*records: Mapping[str, Any], following: str | None = None, **more: Any) -> Response:
    """A page of a search."""
    content = {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [{"relation": "next", "url": following}] if following else [],
        "entry": [{"resource": record, "search": {"mode": "match"}} for record in records],
        **more,
    }
    return Response(encode_resource(content), media_type="application/fhir+json")


class MisbehavingServer:
    """Answers ``Type`` as given, and an empty page otherwise; keeps the requests."""

    def __init__(self, **answers: Answer) -> None:
        self.requests: list[Request] = []
        self._answers: dict[str, Answer] = {"Patient": lambda _: bundle(PATIENT), **answers}

    async def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        given = self._answers.get(request.path_params["kind"])
        answer = bundle() if given is None else given(request)
        return answer if isinstance(answer, Response) else await answer

    def of(self, kind: str) -> list[Request]:
        """The requests for one type."""
        return [request for request in self.requests if request.path_params["kind"] == kind]


@asynccontextmanager
async def client_of(server: MisbehavingServer) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client that reaches this server and no other."""
    app = Starlette(routes=[Route("/fhir/{kind}", endpoint=_endpoint(server))])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE) as client:
        yield client


def _endpoint(server: MisbehavingServer) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return await server(request)

    return answer


def refusing(
    status: int, headers: Mapping[str, str] | None = None, times: int = 99, then: Iterable[Any] = ()
) -> Answer:
    """Refuses so many times, then answers."""
    left = [times]

    def answer(_: Request) -> Response:
        if left[0] > 0:
            left[0] -= 1
            return JSONResponse({"resourceType": "OperationOutcome"}, status, headers=dict(headers or {}))
        return bundle(*then)

    return answer

"""Health and readiness, for operators.

They contain nothing about a patient.
"""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from server.errors import AccessRefusedError
from server.executor.engine import Engine


async def health(request: Request) -> Response:
    """200 while the process runs; with the state of the cache, the sources and the terminology server, for callers."""
    detail = await _service_state(request.app.state.engine) if await _may_see_detail(request) else {}
    return JSONResponse({"status": "alive", **detail})


async def ready(request: Request) -> Response:
    """200 if at least one source answers, else 503; for callers with the same states.

    Questions are answered without a cache, and without a terminology server too: inputs that need one are unknown.
    """
    state = await _service_state(request.app.state.engine)
    is_ready = any(source["reachable"] for source in state["sources"])
    detail = state if await _may_see_detail(request) else {}
    return JSONResponse({"status": "ready" if is_ready else "not ready", **detail}, 200 if is_ready else 503)


async def _may_see_detail(request: Request) -> bool:
    """Whether this is no stranger: with issuers, who has a token of theirs; without, who knows the server's name.

    Where tokens are required that nobody here can check, everybody may be a stranger.
    """
    issuers = request.app.state.issuers
    if issuers is None:
        return bool(request.state.known_host) and not request.app.state.graphql.token_required
    try:
        await issuers.grant(request.headers.getlist("authorization"))
    except AccessRefusedError:
        return False
    return True


async def _service_state(engine: Engine) -> dict[str, Any]:
    cache = await engine.cache_status()
    sources, terminology = await asyncio.gather(engine.source_status(), engine.terminology_status())
    return {
        "cache": {
            "kind": str(cache.kind),
            "reachable": cache.reachable,
            "writable": cache.writable,
            "text": cache.text,
        },
        "sources": [{"id": each.id, "reachable": each.reachable, "text": each.text} for each in sources],
        "terminology": None if terminology is None else {"reachable": terminology.reachable, "text": terminology.text},
    }

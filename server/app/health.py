"""What operators ask: whether the process lives, and whether it can answer.  Never anything of a patient."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from server.executor.engine import Engine


async def health(request: Request) -> Response:
    """200 as long as the process lives, with the truth about cache, sources and the terminology server."""
    return JSONResponse({"status": "alive", **await _state(request.app.state.engine)})


async def ready(request: Request) -> Response:
    """200 where at least one source answers, else 503.

    Without a cache, or a terminology server, questions are answered all the same: what needs one is then unknown.
    """
    state = await _state(request.app.state.engine)
    able = any(source["reachable"] for source in state["sources"])
    return JSONResponse({"status": "ready" if able else "not ready", **state}, 200 if able else 503)


async def _state(engine: Engine) -> dict[str, Any]:
    cache = await engine.cache_status()
    sources, terms = await asyncio.gather(engine.source_status(), engine.terminology_status())
    return {
        "cache": {"kind": str(cache.kind), "reachable": cache.reachable, "text": cache.text},
        "sources": [{"id": each.id, "reachable": each.reachable, "text": each.text} for each in sources],
        "terminology": None if terms is None else {"reachable": terms.reachable, "text": terms.text},
    }

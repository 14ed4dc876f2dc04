"""Several things at once, of which nothing goes on when one of them fails or the caller gives up."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


async def together(calls: Iterable[Coroutine[Any, Any, Any]]) -> None:
    """Runs all; the first exception ends them all, and is raised once they have ended."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

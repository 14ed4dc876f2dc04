"""Attribution beside the event loop: a few at a time, as long as a question may take, and no longer than awaited."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from server.attribution.effort import MOST_CALLS, Effort
from server.executor.budget import Budget
from server.executor.trace import Trace
from server.explain.attribution import with_attributions
from server.explain.comparisons import Against
from server.explain.results import AnswerResult

AT_ONCE = 2
"""Questions that are worked on at a time: each takes turns with the event loop, and more of them would starve it."""
_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="attribution")


async def attributed(
    trace: Trace, results: Sequence[AnswerResult], wanted: Sequence[Against], budget: Budget | None
) -> tuple[AnswerResult, ...]:
    """The results with what moved each.  What is not worked out in the time of a question is refused in an issue.

    The time runs from now on, waiting for others included.  Where the caller is gone, the work ends too.
    """
    stopped = threading.Event()
    late = _never if budget is None else budget.begin().late
    effort = partial(Effort, MOST_CALLS, late, stopped)
    try:
        work = partial(with_attributions, trace, results, wanted, effort)
        return await asyncio.get_running_loop().run_in_executor(_threads, work)
    finally:
        stopped.set()


def _never() -> bool:
    return False

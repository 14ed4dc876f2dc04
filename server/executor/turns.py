"""Taking turns: a run of thousands of executions lets other questions have theirs meanwhile."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

TURN = 64
"""So many executions are worked on between two turns of others: ten milliseconds or so."""


async def by_turns(work: Callable[[T], R], items: Sequence[T], turn: int = TURN) -> list[R]:
    """What ``work`` gives for each item, in order; after every ``turn`` of them whatever waits on the loop goes first.

    Few items take no turns: to give one costs as much as an execution.
    """
    done = [work(item) for item in items[:turn]]
    for start in range(turn, len(items), turn):
        await asyncio.sleep(0)
        done += [work(item) for item in items[start : start + turn]]
    return done

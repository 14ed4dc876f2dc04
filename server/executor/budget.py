"""What one request may cost: records that are read, executions, the time to compute them, and calls of attribution.

What its searches may read is a part of it: ``collectors.fetching.read_budget``, whose error concerns the searches.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Self

from collectors.fetching.read_budget import ReadBudget
from server.errors import QuestionError
from server.kinds.model import loading_seconds
from server.settings import ServerSettings

_ADVICE = "ask for fewer concepts, patients or points, or for a shorter time"


TURN_SIZE = 64
"""Number of executions between two turns of other tasks: about ten milliseconds."""
TURN_SECONDS = 0.01
"""And so long at most, as far as executions are short: one that consumes a long series takes as long by itself."""


class SharedTurns:
    """The turns of one request on the event loop, which all its questions share.

    Each question by itself would have its own: thirty aliases, whose records arrive together, held all others for half
    a second.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._done = 0
        self._end = 0.0
        self._queue = asyncio.Lock()

    def count(self) -> None:
        """One more piece of work begins."""
        if not self._done:
            self._end = self._clock() + TURN_SECONDS
            asyncio.get_running_loop().call_soon(self._begin)
        self._done += 1

    def is_over(self) -> bool:
        """Whether other tasks have their turn before another piece."""
        return self._queue.locked() or self._is_used_up()

    async def wait(self) -> None:
        """Return in the next turn that no earlier question has used up."""
        async with self._queue:
            while self._is_used_up():  # noqa: ASYNC110 - a turn of the loop, not a time
                await asyncio.sleep(0)

    def _is_used_up(self) -> bool:
        return self._done >= TURN_SIZE or (self._done > 0 and self._clock() >= self._end)

    def _begin(self) -> None:
        self._done = 0


shared_turns: ContextVar[SharedTurns | None] = ContextVar("shared_turns", default=None)
"""Those of the request that is being computed."""


@dataclass(slots=True, eq=False)
class Budget:
    """What is left to all questions of one request: its aliases, and the times of a timeline, are such questions.

    ``seconds`` are those that computing each of them may take once its records are there; ``clock`` counts them.
    """

    read_budget: ReadBudget
    executions: int
    seconds: float
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    turns: SharedTurns = field(default_factory=SharedTurns, repr=False)

    @classmethod
    def from_settings(cls, settings: ServerSettings) -> Self:
        """As the settings allow."""
        allowance = ReadBudget(settings.max_records, settings.max_read_bytes)
        return cls(allowance, settings.max_executions, settings.deadline)

    def start_work(self) -> "Work":
        """The records of one question are there: from now on its time counts."""
        return Work(self, self.clock() + self.seconds, loading_seconds())


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """Computing one question, until it is answered or costs too much.

    ``opening_before``: seconds that loading models had taken before.  The first question that needs a model waits for
    it as long as the machine takes, which does not depend on what was asked.
    """

    budget: Budget
    deadline: float
    opening_before: float

    def take_execution(self) -> None:
        """Before each execution.  QuestionError where it is one more than the request may have, or no time is left."""
        if self.budget.executions <= 0:
            text = f"this needs more executions than one request may have (server.max_executions): {_ADVICE}"
            raise QuestionError("too-many-executions", text)
        self.budget.executions -= 1
        self.check_time()

    def is_late(self) -> bool:
        """Whether no time is left."""
        return self.budget.clock() > self.deadline + loading_seconds() - self.opening_before

    def check_time(self) -> None:
        """QuestionError where no time is left."""
        if self.is_late():
            text = f"it was not computed within {self.budget.seconds:g} s (server.deadline): {_ADVICE}"
            raise QuestionError("too-long", text)


MAX_ATTRIBUTION_CALLS = 20_000
"""Of one attribution.  A coalition calls each module at most once: 12 players of a chain of 4 take at most 16,384."""


class EffortExceededError(Exception):
    """An attribution takes more than its ``Effort`` allows; the text is a clause that says what."""


def _never() -> bool:
    return False


@dataclass(slots=True)
class Effort:
    """What one attribution may still cost: counted in module calls, so that it does not depend on the machine's speed.

    ``is_late`` says whether the time for it is over, which is asked before each call; ``stopped`` that nobody waits for
    it any more.
    """

    calls: int = MAX_ATTRIBUTION_CALLS
    is_late: Callable[[], bool] = _never
    stopped: threading.Event = field(default_factory=threading.Event)

    def take_calls(self, calls: int = 1) -> None:
        """Before so many module calls.  EffortExceededError where fewer are left, or no time is."""
        if self.stopped.is_set() or self.is_late():
            raise EffortExceededError("the computation exceeded its time limit (server.deadline)")
        if calls > self.calls:
            raise EffortExceededError(f"this needs more than {MAX_ATTRIBUTION_CALLS:,} module calls")
        self.calls -= calls

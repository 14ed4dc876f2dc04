"""What one request may cost: records that are read, executions, and the time to compute them."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from collectors.fetching.read_budget import ReadBudget
from server.errors import QuestionError
from server.kinds.model import loading_seconds
from server.settings import ServerSettings

_ADVICE = "ask for fewer concepts, patients or points, or for a shorter time"


@dataclass(slots=True, eq=False)
class Budget:
    """What is left to all questions of one request: its aliases, and the times of a timeline, are such questions.

    ``seconds`` are those that each of them may take to work out once its records are there; ``clock`` counts them.
    """

    read_budget: ReadBudget
    executions: int
    seconds: float
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)

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
    """Working out one question, until it is answered or costs too much.

    ``opened``: what opening models had taken before.  The first question that needs one waits for it as long as the
    machine takes, which has nothing to do with what was asked.
    """

    budget: Budget
    deadline: float
    opening_before: float

    def take_execution(self) -> None:
        """Before each execution.  QuestionError where it is one more than the request may have, or no time is left."""
        if self.budget.executions <= 0:
            text = f"this takes more executions than one request may (server.max_executions): {_ADVICE}"
            raise QuestionError("too-many-executions", text)
        self.budget.executions -= 1
        self.check_time()

    def is_late(self) -> bool:
        """Whether no time is left."""
        return self.budget.clock() > self.deadline + loading_seconds() - self.opening_before

    def check_time(self) -> None:
        """QuestionError where no time is left."""
        if self.is_late():
            text = f"it was not worked out within {self.budget.seconds:g} s (server.deadline): {_ADVICE}"
            raise QuestionError("too-long", text)

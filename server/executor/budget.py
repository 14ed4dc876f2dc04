"""What one request may cost: records that are read, executions, and the time that these take."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from collectors.fetching.allowance import Allowance
from server.errors import QuestionError
from server.kinds.trained.opening import opening_seconds
from server.settings import ServerSettings

_LESS = "ask for fewer concepts, patients or points, or for a shorter time"


@dataclass(slots=True, eq=False)
class Budget:
    """What is left to all questions of one request: its aliases, and the times of a timeline, are such questions.

    ``seconds`` are those that each of them may take to work out once its records are there; ``clock`` counts them.
    """

    allowance: Allowance
    executions: int
    seconds: float
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)

    @classmethod
    def of(cls, settings: ServerSettings) -> Self:
        """As the settings allow."""
        allowance = Allowance(settings.max_records, settings.max_read_bytes)
        return cls(allowance, settings.max_executions, settings.deadline)

    def begin(self) -> "Work":
        """The records of one question are there: from now on its time counts."""
        return Work(self, self.clock() + self.seconds, opening_seconds())


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """Working out one question, until it is answered or costs too much.

    ``opened``: what opening models had taken before.  The first question that needs one waits for it as long as the
    machine takes, which has nothing to do with what was asked.
    """

    budget: Budget
    until: float
    opened: float

    def take(self) -> None:
        """Before each execution.  QuestionError where it is one more than the request may have, or no time is left."""
        if self.budget.executions <= 0:
            text = f"this takes more executions than one request may (server.max_executions): {_LESS}"
            raise QuestionError("too-many-executions", text)
        self.budget.executions -= 1
        self.check()

    def late(self) -> bool:
        """Whether no time is left."""
        return self.budget.clock() > self.until + opening_seconds() - self.opened

    def check(self) -> None:
        """QuestionError where no time is left."""
        if self.late():
            text = f"it was not worked out within {self.budget.seconds:g} s (server.deadline): {_LESS}"
            raise QuestionError("too-long", text)

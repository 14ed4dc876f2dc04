"""How much work attribution may be: counted in module calls, so that it does not hang on how fast the machine is."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

MAX_CALLS = 20_000
"""Of one attribution.  A coalition calls each module at most once: 12 players of a chain of 4 take at most 16,384."""


class EffortExceededError(Exception):
    """More work than is allowed; the text is a clause that says which."""


def _never() -> bool:
    return False


@dataclass(slots=True)
class Effort:
    """What one attribution may still cost.

    ``late`` says whether the time for it is over, which is asked before each call; ``stopped`` that nobody waits for it
    any more.
    """

    calls: int = MAX_CALLS
    is_late: Callable[[], bool] = _never
    stopped: threading.Event = field(default_factory=threading.Event)

    def take_calls(self, calls: int = 1) -> None:
        """Before so many module calls.  TooMuchError where they are more than are left, or there is no time."""
        if self.stopped.is_set() or self.is_late():
            raise EffortExceededError("working this out took longer than it may (server.deadline)")
        if calls > self.calls:
            raise EffortExceededError(f"working this out takes more than {MAX_CALLS:,} module calls")
        self.calls -= calls

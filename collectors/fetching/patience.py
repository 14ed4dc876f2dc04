"""Until when a request may still be waited for."""

import asyncio
import math
from dataclasses import dataclass


@dataclass(slots=True)
class Patience:
    """Ends at ``until``, on the clock of the event loop; by default never.

    It is that of the question for which a request is sent.  Where another question waits for the same request, it
    lasts as long as the longer of the two: what ends a question is its own deadline, not this.
    """

    until: float = math.inf

    def left(self) -> float:
        """Seconds."""
        return self.until - asyncio.get_running_loop().time()

    def extend(self, other: "Patience") -> None:
        """Someone else waits as well."""
        self.until = max(self.until, other.until)

"""How much all searches of one question may read: records and bytes.

Each search is bounded by the settings of its source (``max_pages``, ``max_records``, ``max_bytes``); what all of them
read adds up, and is counted here.  What a question may compute is bounded by ``server.executor.budget``, with another
error.
"""

import math
from dataclasses import dataclass

from collectors.errors import CollectorError


class ReadBudgetExceededError(CollectorError):
    """What a search brings is more than is left of ``allowance``, which may be that of another question."""

    def __init__(self, text: str, read_budget: "ReadBudget") -> None:
        super().__init__(text)
        self.read_budget = read_budget


@dataclass(slots=True, eq=False)
class ReadBudget:
    """Records and bytes that may still come; by default without end."""

    records: float = math.inf
    bytes: float = math.inf

    def spend(self, source: str, records: int, size: int) -> None:
        """Counts what has come from a source.  TooMuchError where it is more than was left: then nothing is."""
        self.records -= records
        self.bytes -= size
        if self.records < 0 or self.bytes < 0:
            of = "records" if self.records < 0 else "bytes"
            self.records = self.bytes = 0
            text = (
                f"all that was read for this question has more {of} than one question may read; ask for fewer concepts"
            )
            raise ReadBudgetExceededError(f"source {source}: {text}", self)

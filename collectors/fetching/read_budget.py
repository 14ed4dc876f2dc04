"""The read budget of one request: how many records and bytes the sources may send for all its searches together.

Each search is bounded by the settings of its source (``max_pages``, ``max_records``, ``max_bytes``); what all of them
send adds up, and is counted here.  What a question may compute is bounded by ``server.executor.budget``, with other
errors: a search that exceeds this one fails, and so does every later one of the request; the answer says which records
are missing for it.
"""

import math
from dataclasses import dataclass

from collectors.errors import CollectorError


class ReadBudgetExceededError(CollectorError):
    """A search brings more than is left of ``read_budget``, which may be that of another question."""

    def __init__(self, text: str, read_budget: "ReadBudget") -> None:
        super().__init__(text)
        self.read_budget = read_budget


@dataclass(slots=True, eq=False)
class ReadBudget:
    """Records and bytes that may still come; by default unlimited."""

    records: float = math.inf
    bytes: float = math.inf

    def spend(self, source: str, records: int, size: int) -> None:
        """Counts what has come from a source (by id): so many records, and ``size`` bytes.

        Raises ReadBudgetExceededError where it is more than was left: then nothing is left.
        """
        self.records -= records
        self.bytes -= size
        if self.records < 0 or self.bytes < 0:
            of = "records" if self.records < 0 else "bytes"
            self.records = self.bytes = 0
            text = f"the records of this question have more {of} than one question may read; ask for fewer concepts"
            raise ReadBudgetExceededError(f"source {source}: {text}", self)

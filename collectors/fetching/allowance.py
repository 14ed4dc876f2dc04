"""How much all searches of one question may bring together: what each may bring by itself adds up."""

import math
from dataclasses import dataclass

from collectors.errors import CollectorError


class TooMuchError(CollectorError):
    """What a search brings is more than is left of ``allowance``, which may be that of another question."""

    def __init__(self, text: str, allowance: "Allowance") -> None:
        super().__init__(text)
        self.allowance = allowance


@dataclass(slots=True, eq=False)
class Allowance:
    """Records and bytes that may still come; by default without end."""

    records: float = math.inf
    bytes: float = math.inf

    def take(self, source: str, records: int, size: int) -> None:
        """Counts what has come from a source.  TooMuchError where it is more than was left: then nothing is."""
        self.records -= records
        self.bytes -= size
        if self.records < 0 or self.bytes < 0:
            of = "records" if self.records < 0 else "bytes"
            self.records = self.bytes = 0
            text = (
                f"all that was read for this question has more {of} than one question may read; ask for fewer concepts"
            )
            raise TooMuchError(f"source {source}: {text}", self)

"""Times as records give them: often less precise than an instant."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Span:
    """The time that a fact holds for, ends included; an instant has equal ends.  Both carry a zone.

    A record that says only ``2024-03`` spans that month, and is known to have happened only at its end.
    """

    start: datetime
    end: datetime

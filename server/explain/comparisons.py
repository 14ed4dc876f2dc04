"""Comparisons of a result with a baseline, and the attribution that one gave, with its text."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ontology.values import Value
from server.attribution.result import Attribution


class Baseline(StrEnum):
    """What a result is compared with: usual values, an earlier time, or the record without the assumptions."""

    REFERENCE = "REFERENCE"
    EARLIER = "EARLIER"
    ACTUAL = "ACTUAL"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison that a question requests; ``since`` belongs to ``EARLIER``."""

    baseline: Baseline
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class AttributionView:
    """The engine's attribution with its words.

    ``baseline`` says what the ``base`` stands for; ``text`` is a few sentences on what moved the result.  ``before``
    is the result at the baseline, as it was computed then; None where usual values give none.
    """

    attribution: Attribution
    baseline: str
    text: str
    before: Value | None = None

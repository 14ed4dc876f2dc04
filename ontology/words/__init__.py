"""Words for readers: values, quantities, times, absences, lists and risks, each put in words in one place.

For sentences only: numbers stay exact elsewhere.  Every function that gives words takes a ``Style``, also where the
words are the same in every style.  ``server/explain`` takes the style of the site's settings; messages that are made
while records are read and selected show instants in the zone of ``time.times_in``.  What is said of a fact or an input
of an execution is said above, in these words (``collectors/selection/messages``, ``server/explain/phrases``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from enum import StrEnum


class Length(StrEnum):
    """How much is said of a value: as in a formula or a table, or as a sentence needs it."""

    SHORT = "SHORT"
    FULL = "FULL"


@dataclass(frozen=True, slots=True)
class Style:
    """What a reader is used to.

    ``zone``: the time zone that instants are shown in (None: that of ``time.times_in``, else each in its own).
    ``units``: by concept id, the UCUM unit in which its values are shown (``{"serum-creatinine": "umol/L"}``).
    ``length``: FULL ``less than 5 mg/g``, ``only older than 90 days``; SHORT ``<5 mg/g``, ``too old``.
    """

    zone: tzinfo | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    length: Length = Length.FULL


PLAIN = Style()
"""For sentences of an argument."""
SHORT = Style(length=Length.SHORT)
"""For warrants, and for what stands in brackets."""

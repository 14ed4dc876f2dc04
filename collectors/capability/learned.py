"""What a source was seen to do, beside what it declares: kept as long as its capability.

``collectors.strategy.proof`` shows it.
"""

from dataclasses import dataclass, field

ENOUGH = 10
"""How many of the newest records are asked for, a code or a concept, where older ones cannot matter."""
ATTEMPTS = 3
"""How often it is tried to prove a way of searching, before it is left alone until the capability is read anew."""


@dataclass(slots=True)
class Proof:
    """Whether a way of searching was seen to work.  ``shown`` None: not seen yet."""

    shown: bool | None = None
    attempts: int = 0

    @property
    def open(self) -> bool:
        """Whether it should still be tried."""
        return self.shown is None and self.attempts < ATTEMPTS


@dataclass(slots=True)
class Learned:
    """What was seen of one source.

    ``lastn``: ``$lastn`` gives the ``ENOUGH`` newest records of each code.  ``sort``: ``_sort`` by date orders across
    all that matches.  ``ignored`` are parameters that had no effect, as (resource type, name).
    """

    lastn: Proof = field(default_factory=Proof)
    sort: Proof = field(default_factory=Proof)
    ignored: set[tuple[str, str]] = field(default_factory=set)

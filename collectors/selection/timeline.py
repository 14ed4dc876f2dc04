"""Facts in the order of time, so that a view of them costs what lies in its window, not all that is on record.

A series of a computed value asks for one view for each of its points.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta

from collectors.reading.records import Fact

# A window counted back on the clock and one counted in seconds differ by a change of the clock at most.
_MARGIN = timedelta(days=1)


class Timeline:
    """The facts of one concept, those known at a time apart from those issued only later; each by its span's end.

    ``undated``, ``uncounted`` (doubted or denied by the record itself) and ``pending`` ones have no place in it.
    """

    __slots__ = ("_ends", "_later", "_later_ends", "_longest", "_placed", "pending", "uncounted", "undated")

    def __init__(self, facts: Iterable[Fact], known_at: datetime) -> None:
        placed: list[tuple[datetime, Fact]] = []
        later: list[tuple[datetime, Fact]] = []
        self.undated: list[Fact] = []
        self.pending: list[Fact] = []
        self.uncounted: list[Fact] = []
        self._longest = timedelta(0)
        for fact in facts:
            span, issued = fact.resource.effective, fact.resource.issued
            known = issued is None or issued <= known_at
            if fact.pending:
                if known:
                    self.pending.append(fact)
            elif fact.doubted is not None or fact.negated is not None:
                # Says itself that it does not count: only told.
                if known:
                    self.uncounted.append(fact)
            elif span is not None:
                (placed if known else later).append((span.end, fact))
                self._longest = max(self._longest, span.end - span.start)
            elif known:
                self.undated.append(fact)
        self._ends, self._placed = _in_order(placed)
        self._later_ends, self._later = _in_order(later)

    @property
    def exact(self) -> bool:
        """Whether every fact holds for an instant, so that those of two times never overlap."""
        return not self._longest

    def until(self, as_of: datetime, window: timedelta | None) -> tuple[list[Fact], list[Fact]]:
        """The known facts that hold by ``as_of``: those inside the window, and the older ones; a fact holds from
        the end of its span, and its age counts from the start."""
        last = bisect_right(self._ends, as_of)
        if window is None:
            return self._placed[:last], []
        first, sure = 0, last
        try:
            edge = as_of - window
            first = bisect_left(self._ends, edge - _MARGIN, 0, last)
            if self.exact:
                # Of instants, only those near the window's edge can lie on either side of it.
                sure = bisect_right(self._ends, edge + _MARGIN, first, last)
        except OverflowError:
            pass
        older = self._placed[:first]
        inside: list[Fact] = []
        for fact in self._placed[first:sure]:
            span = fact.resource.effective
            # A course of samples reaches into the window with its last ones.
            too_old = span is not None and as_of - (span.end if fact.samples else span.start) > window
            (older if too_old else inside).append(fact)
        inside += self._placed[sure:last]
        return inside, older

    def unsure(self, as_of: datetime) -> list[Fact]:
        """The known facts that began by ``as_of`` and may have happened after it."""
        if self.exact:
            return []
        following = self._placed[bisect_right(self._ends, as_of) :]
        return [fact for fact in following if fact.resource.effective and fact.resource.effective.start <= as_of]

    def unissued(self, as_of: datetime) -> list[Fact]:
        """The facts that hold by ``as_of`` and were not known yet."""
        return self._later[: bisect_right(self._later_ends, as_of)]


def _in_order(facts: list[tuple[datetime, Fact]]) -> tuple[list[datetime], list[Fact]]:
    facts.sort(key=lambda each: each[0])
    return [end for end, _ in facts], [fact for _, fact in facts]

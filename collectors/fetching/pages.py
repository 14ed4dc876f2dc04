"""The pages of one search put together, and what of it is missing as far as that can be told."""

from dataclasses import dataclass, field

import msgspec

from collectors.fetching.bundle import next_of, total_of
from collectors.fetching.unpacking import UnfitError
from collectors.reading import wire
from collectors.reading.nesting import too_deep

_HARMLESS = frozenset({"success", "information", "warning"})


class _OutcomeIssue(msgspec.Struct, gc=False):
    severity: str | None = None


class _Outcome(msgspec.Struct, gc=False):
    resourceType: str | None = None  # noqa: N815  (FHIR's own name)
    issue: list[_OutcomeIssue] = []


_OUTCOME = msgspec.json.Decoder(_Outcome)


@dataclass(slots=True)
class Pages:
    """Takes pages in their order."""

    records: dict[bytes, None] = field(default_factory=dict)
    outcomes: int = 0
    count: int = 0
    matches: int = 0
    _totals: list[int] = field(default_factory=list)
    _empty: int = 0
    _deep: int = 0
    _serious: int = 0

    def add(self, bundle: wire.Bundle) -> None:
        """The next page.  UnfitError where it only repeats what earlier ones had."""
        matches = came = fresh = 0
        for entry in bundle.entry:
            mode = entry.search.mode if entry.search is not None else None
            raw = bytes(entry.resource)
            # What is marked as an outcome and is none is a record all the same.
            if b"OperationOutcome" in raw and self._is_outcome(raw):
                self._remark(raw)
                continue
            matches += mode != "include"
            if not raw or raw == b"null":
                self._empty += 1
                continue
            if too_deep(raw):
                self._deep += 1
                continue
            came += 1
            if raw not in self.records:
                fresh += 1
                self.records[raw] = None
        self.count += 1
        if came and not fresh and self.count > 1:
            raise UnfitError("a page repeats earlier entries only")
        self.matches += matches
        # Some servers give the size of the page for the total.
        total = total_of(bundle)
        if total is not None and not (total == matches and next_of(bundle)):
            self._totals.append(total)

    def lacking(self, first_only: bool = False) -> tuple[str, ...]:
        """What did not come, once all pages were read, or the one that was to be read."""
        found = []
        if self._serious:
            found.append("the source reports an error among its entries")
        if self._empty:
            found.append(f"{self._empty} of its entries came without a record")
        if self._deep:
            found.append(f"{self._deep} of its records nest too deeply, or hold too much, to be read")
        if first_only:
            return tuple(found)
        if self.said_more:
            found.append(f"the source said {self._totals[-1]} records and gave {self.matches}")
        elif len(set(self._totals)) > 1:
            found.append("the number of records changed while its pages were read")
        return tuple(found)

    @property
    def said_more(self) -> bool:
        """Whether there are more matches than have come, by the server's own count."""
        return bool(self._totals) and self._totals[-1] > self.matches

    def without_total(self) -> None:
        """The server's count means something else: in the answer to an operation, say."""
        self._totals.clear()

    def _is_outcome(self, raw: bytes) -> bool:
        try:
            return wire.HEAD.decode(raw).resourceType == "OperationOutcome"
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False

    def _remark(self, raw: bytes) -> None:
        """One that does not say how serious it is may tell that something is missing."""
        self.outcomes += 1
        try:
            self._serious += not {issue.severity for issue in _OUTCOME.decode(raw).issue} <= _HARMLESS
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._serious += 1

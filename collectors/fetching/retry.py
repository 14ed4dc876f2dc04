"""Whether and when a request is tried again: Retry-After, backoff with jitter, and until when a question may wait."""

import asyncio
import math
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx


@dataclass(slots=True)
class WaitLimit:
    """Ends at ``until``, on the clock of the event loop; by default never.

    It is that of the question for which a request is sent.  Where another question waits for the same request, it
    lasts as long as the longer of the two: what ends a question is its own deadline, not this.
    """

    until: float = math.inf

    def remaining(self) -> float:
        """Seconds until then; negative once it has passed."""
        return self.until - asyncio.get_running_loop().time()

    def extend(self, other: "WaitLimit") -> None:
        """Someone else waits as well."""
        self.until = max(self.until, other.until)


_LONGEST_BACKOFF = 8.0


def retry_after(response: httpx.Response) -> float:
    """For how many seconds the source wants to be left alone (Retry-After); 0 where it does not ask.

    A date is counted from the source's own clock, where it sends that.  What is neither a number nor a date is ignored;
    a number beyond all reason is infinite.
    """
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text) if len(text) < 10 else math.inf
    until = _parse_http_date(text)
    if until is None:
        return 0.0
    now = _parse_http_date(response.headers.get("date", "")) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def backoff(first: float, attempt: int) -> float:
    """Seconds by which to wait longer after each attempt (counted from 0), at most ``first`` doubled each time.

    Any time up to that is as likely ("full jitter"), so that those who failed together do not come back together.
    """
    return random.uniform(0.0, min(_LONGEST_BACKOFF, first * 2**attempt))  # noqa: S311  (spreads retries, no secret)


def _parse_http_date(text: str) -> datetime | None:
    try:
        read = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)

"""After a fault, a pause: so that not every question waits for a server that is away."""

import time
from collections.abc import Callable

_FIRST = 0.5
_LONGEST = 10.0


class Breaker:
    """Closed while all is well; after a fault open for a pause in seconds, which doubles while faults go on.

    When the pause is over one call may try, and the others go on pausing until it has succeeded.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pause = 0.0
        self._until = 0.0

    @property
    def closed(self) -> bool:
        """Whether all was well when the server was last asked."""
        return not self._pause

    def allows(self) -> bool:
        """Whether the server may be asked now; a True after a pause is for this caller alone."""
        if not self._pause:
            return True
        now = self._clock()
        if now < self._until:
            return False
        self._until = now + self._pause
        return True

    def succeeded(self) -> None:
        """The server answered."""
        self._pause = 0.0

    def failed(self) -> None:
        """The server did not answer."""
        self._pause = min(_LONGEST, self._pause * 2 or _FIRST)
        self._until = self._clock() + self._pause

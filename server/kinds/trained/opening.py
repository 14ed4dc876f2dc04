"""How long opening trained models has taken: seconds of the first question that are no work of its own."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_spent = 0.0


def opening_seconds() -> float:
    """Seconds in all, since the process started, in which somebody waited for a model to be imported and read."""
    return _spent


@contextmanager
def opening() -> Iterator[None]:
    """Around what may have to import and read a model."""
    global _spent
    begun = time.monotonic()
    try:
        yield
    finally:
        with _lock:
            _spent += time.monotonic() - begun

"""Times as arguments."""

import argparse
from datetime import datetime


def time_argument(text: str) -> datetime:
    """A time with its zone (argparse.ArgumentTypeError for anything else)."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a time is in ISO 8601, such as 2026-06-01T08:30:00Z") from None
    if time.utcoffset() is None:
        raise argparse.ArgumentTypeError("a time needs a zone, such as 2026-06-01T08:30:00Z")
    return time

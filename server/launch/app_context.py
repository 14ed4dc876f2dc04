"""The context that a card of ours gave to the launch it leads to: which argument to show, and as of when.

It comes back in the token response (``appContext``), through the EHR: it is read strictly, and what is not ours is
ignored.  It names a page of the chart that was opened, never an address.
"""

from collections.abc import Collection
from datetime import datetime
from urllib.parse import quote, urlencode

import msgspec

LONGEST = 1024
"""Characters of the text."""


class _Context(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    concept: str
    at: str
    draft: bool = False


def landing(app_context: str | None, concepts: Collection[str]) -> str:
    """The path below the chart, with its query; empty where the context is none of ours.

    ``concepts``: the ids that there are.
    """
    if app_context is None or len(app_context) > LONGEST:
        return ""
    try:
        found = msgspec.json.decode(app_context, type=_Context)
        at = datetime.fromisoformat(found.at)
    except (ValueError, RecursionError):
        return ""
    if found.concept not in concepts or at.tzinfo is None:
        return ""
    query = {"at": at.isoformat(), "from": "card", **({"draft": "true"} if found.draft else {})}
    return f"/answer/{quote(found.concept, safe='')}?{urlencode(query)}"

"""The link of a card to its argument: a SMART launch of ours, or a page of this server.

The page shows what is on record at the time of the call.  The draft order is not part of it, and the page says so.
"""

from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

import msgspec

from server.hooks.advice import CardContent
from server.settings import Settings

Json: TypeAlias = dict[str, Any]

LABEL = "Show the argument"
LAUNCH = "/launch"


class ArgumentLinks:
    """Makes the links of one server's cards.

    ``pages_at``: the address of this server, without a slash at its end, where its pages need no launch; else None.
    """

    def __init__(self, settings: Settings, pages_at: str | None) -> None:
        self._public = settings.server.public_url
        self._launched = frozenset(source.id for source in settings.sources if source.launch is not None)
        self._pages_at = pages_at
        self._sources = frozenset(source.id for source in settings.sources)

    def link(self, content: CardContent) -> Json | None:
        """The link of one card; None where neither a launch nor a page is open to its reader."""
        result, draft = content.result, content.ordered is not None
        at = result.at.isoformat()
        if result.source in self._launched and self._public is not None:
            context = {"concept": result.concept.id, "at": at, **({"draft": True} if draft else {})}
            place = f"{self._public.rstrip('/')}{LAUNCH}"
            return {"label": LABEL, "url": place, "type": "smart", "appContext": msgspec.json.encode(context).decode()}
        if self._pages_at is None or result.source not in self._sources:
            # Records that came with the call and are of no server that could be asked again have no page.
            return None
        parts = (quote(each, safe="") for each in (result.source, result.patient))
        query = urlencode({"at": at, "from": "card", **({"draft": "true"} if draft else {})})
        page = f"/patients/{'/'.join(parts)}/answer/{quote(result.concept.id, safe='')}?{query}"
        return {"label": LABEL, "url": f"{self._pages_at}{page}", "type": "absolute"}

"""The services of CDS Hooks at the edge: who may call them, how calls are let in, and who answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from server.catalog.services import Service
from server.executor.engine import Engine
from server.graphql.admission import NotAdmittedError
from server.graphql.endpoint import GraphQL
from server.hooks.advice import Advice, advise
from server.hooks.advisor import Advisor
from server.hooks.cards import cards_json
from server.hooks.clients import Door, HookClient, open_door
from server.hooks.counts import FeedbackCounts
from server.hooks.discovery import discovery
from server.hooks.endpoint import HookEndpoint, HookParts
from server.hooks.errors import BusyError
from server.hooks.feedback import Feedback
from server.hooks.links import ArgumentLinks
from server.hooks.overrides import Overrides
from server.hooks.question import hook_question
from server.pages.context import is_open
from server.settings import Settings

if TYPE_CHECKING:
    from server.hooks.client_tokens import HookClients


def hooks_are_offered(settings: Settings) -> bool:
    """Whether there is anybody who may call: clients, or whoever is on this machine where nobody is asked."""
    return bool(settings.hooks.clients) or is_open(settings)


def open_hook_clients(settings: Settings) -> "HookClients | None":
    """The clients that may call services of CDS Hooks; None where none are configured.

    Raises SettingsError where a key set that the settings name as a file cannot be used.
    """
    if not settings.hooks.clients:
        return None
    # Imported only where tokens are checked: that takes a tenth of a second.
    from server.hooks.client_tokens import HookClients

    return HookClients(settings)


def shipped_hooks(settings: Settings, engine: Engine) -> HookParts:
    """The services of the catalog, and who answers their calls."""
    key, zone = engine.memory.keys.hooks, engine.memory.zone
    overrides = Overrides(engine.memory.store, key, settings.hooks.override_for)
    links = ArgumentLinks(settings, _pages_at(settings))

    def make_cards(advice: Advice, service: Service) -> list[dict[str, Any]]:
        return cards_json(advice, service, links.link)

    def today() -> date:
        return datetime.now(UTC).astimezone(zone).date()

    advisor = Advisor(engine, settings.hooks.max_cards, hook_question, advise, make_cards, overrides)
    feedback = Feedback(overrides, FeedbackCounts(engine.memory.store, key), today)
    catalog = engine.catalog
    return HookParts(catalog.services, discovery(catalog), advisor.cards, feedback.receive)


def _pages_at(settings: Settings) -> str | None:
    """The address of the pages where they need no launch; None where they are not open, or their port is not known."""
    server = settings.server
    if not is_open(settings) or not server.port:
        return None
    host = f"[{server.host}]" if ":" in server.host else server.host
    return f"http://{host}:{server.port}"


def hook_endpoint(
    settings: Settings, engine: Engine, parts: HookParts, clients: "HookClients | None", graphql: GraphQL
) -> HookEndpoint:
    """The endpoint of these services.  ``graphql`` lets calls in, as the questions that they are."""

    @asynccontextmanager
    async def admit(request: Request, client: HookClient) -> AsyncIterator[None]:
        # A client is counted as one caller; where anybody may call, an address is.
        admission = graphql.admission
        let_in = admission.admitted(f"hooks {client.id}") if client.id else graphql.admitted(request)
        try:
            async with let_in:
                yield
        except NotAdmittedError as error:
            raise BusyError(str(error), error.status, error.retry_after) from None

    door = _door(settings, engine, clients)
    return HookEndpoint(parts, door, admit, settings.hooks.max_bytes, settings.server.deadline)


def _door(settings: Settings, engine: Engine, clients: "HookClients | None") -> Door:
    """Where clients are named, who calls proves it; else it is anybody, where there are routes at all."""
    if clients is None:
        return open_door(source.id for source in settings.sources)
    from server.hooks.replay import Replays

    cache, memory = settings.cache, engine.memory
    is_shared = cache.enabled and cache.url is not None
    return clients.door(Replays(memory.store if is_shared else None, memory.keys.scope))

"""The HTTP application: its routes, and an engine that is open as long as the server runs."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from collectors.auth.authorisations import Caller
from ontology.errors import MedtwinError
from server.app.errors import ErrorAnswers, InternalErrors
from server.app.hooks import hook_endpoint, hooks_are_offered, open_hook_clients, shipped_hooks
from server.app.middleware import AccessLog, CrossOrigin, KnownHosts, OneLength, SecurityHeaders
from server.app.routes import health, ready
from server.catalog.catalog import configured_catalog
from server.executor.cache.call_rate import LocalRate, SharedRate
from server.executor.engine import Engine
from server.executor.warm_up import warm_up_catalog
from server.graphql.admission import Admission, RateLimit
from server.graphql.endpoint import GraphQL
from server.hooks.endpoint import HookParts
from server.hooks.routes import hook_routes
from server.pages.cards import list_cards, show_card
from server.pages.context import is_open
from server.pages.hooks_page import show_hooks_page
from server.pages.routes import chart_routes, page_routes
from server.settings import ServerSettings, Settings

if TYPE_CHECKING:
    from server.access.issuers import Issuers
    from server.hooks.client_tokens import HookClients
    from server.launch.ehrs import Ehrs
    from server.launch.launches import Launches

GRAPHQL = "/graphql"
GRAPHIQL = "/graphiql"
MODULES = "/modules"


def create_app(
    settings: Settings,
    open_engine: Callable[[], Awaitable[Engine]] | None = None,
    issuers: "Issuers | None" = None,
    ehrs: "Ehrs | None" = None,
    hook_clients: "HookClients | None" = None,
    *,
    freeze: bool = False,
    hook_parts: Callable[[Settings, Engine], HookParts] | None = None,
) -> Starlette:
    """The application.  The engine is opened when the server starts and closed when it ends; so are the issuers.

    ``open_engine``: returns another engine, which may be open already.  What it raises ends the start.  ``issuers``:
    those of the settings, opened already; they are closed at the end, and so are ``ehrs`` and ``hook_clients``.
    ``freeze``: exclude what lives as long as the server from garbage collection, once the models are open.
    ``hook_parts``: other services of CDS Hooks (tests).
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if open_engine is None:
            engine = await Engine.open(settings, configured_catalog(settings))
        else:
            engine = await open_engine()
        callers = issuers or open_issuers(settings)
        rate = _rate_limit(settings)
        launches = _open_launches(settings, engine, ehrs or open_ehrs(settings))
        hooks = hook_clients or open_hook_clients(settings)
        try:
            app.state.engine = engine
            app.state.issuers = callers
            app.state.launches = launches
            app.state.graphql = GraphQL(
                engine,
                settings.server,
                callers,
                rate,
                settings.cache.key_bytes(),
                token_required=settings.token_required,
            )
            parts = (hook_parts or shipped_hooks)(settings, engine)
            app.state.hooks = hook_endpoint(settings, engine, parts, hooks, app.state.graphql)
            async with _running_alongside(_warm_up(engine, app.state.graphql.admission, freeze)):
                yield
        finally:
            if callers is not None:
                await callers.aclose()
            if launches is not None:
                await launches.aclose()
            if hooks is not None:
                await hooks.aclose()
            await rate.aclose()
            await engine.close()

    answers = ErrorAnswers(settings, is_open(settings))
    return Starlette(
        routes=[
            Route(GRAPHQL, _graphql, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
            Route("/health", health, methods=["GET"]),
            Route("/ready", ready, methods=["GET"]),
            Route(MODULES, list_cards, methods=["GET"]),
            Route(MODULES + "/{module_id}/card", show_card, methods=["GET"]),
            *page_routes(settings, _admitted),
            *_graphiql_routes(settings.server),
            *_launch_routes(settings),
            *hook_routes(hooks_are_offered(settings), show_hooks_page if is_open(settings) else None),
        ],
        lifespan=lifespan,
        middleware=[
            Middleware(AccessLog),
            Middleware(SecurityHeaders, _launch_policies(settings)),
            Middleware(OneLength),
            Middleware(KnownHosts, settings.server),
            Middleware(CrossOrigin, settings.server.origins),
            Middleware(InternalErrors, answers),
        ],
        exception_handlers={
            HTTPException: answers.http,
            MedtwinError: answers.medtwin,
            Exception: answers.unexpected,
        },
    )


def open_issuers(settings: Settings) -> "Issuers | None":
    """The issuers whose tokens are accepted; None where none are configured.

    Raises SettingsError where a credential that the settings name cannot be read.
    """
    if not settings.issuers:
        return None
    # Imported only where tokens are checked: that takes a tenth of a second.
    from server.access.issuers import Issuers

    return Issuers(settings)


def open_ehrs(settings: Settings) -> "Ehrs | None":
    """The EHRs that may launch us; None where none are configured.

    Raises SettingsError where a credential that the settings name cannot be read.
    """
    if not _has_launches(settings):
        return None
    # Imported only where there are launches: that takes a tenth of a second.
    from server.launch.ehrs import Ehrs

    return Ehrs(settings)


def _open_launches(settings: Settings, engine: Engine, ehrs: "Ehrs | None") -> "Launches | None":
    if ehrs is None:
        return None
    from server.launch.kept import Kept
    from server.launch.launches import Launches

    kept = Kept(engine.memory.store, engine.memory.keys.launch)
    return Launches(ehrs, kept, settings.server.public_url or "")


def _launch_routes(settings: Settings) -> list[BaseRoute]:
    if not _has_launches(settings):
        return []
    from server.launch.routes import launch_routes

    return [*launch_routes(), *chart_routes(_admitted)]


def _launch_policies(settings: Settings) -> dict[str, str]:
    """The Content-Security-Policies of launches and charts, by the beginning of their paths."""
    if not _has_launches(settings):
        return {}
    from server.launch.refusals import policy

    allowed = settings.launch.frame_ancestors
    return {"/launch": policy(allowed), "/app": policy(allowed, is_chart=True)}


def _has_launches(settings: Settings) -> bool:
    return any(source.launch is not None for source in settings.sources)


def _rate_limit(settings: Settings) -> RateLimit:
    """Counted in the shared cache where there is one; the embedded cache is of this process, and so is its memory."""
    cache, most = settings.cache, settings.server.max_rate
    key = cache.key_bytes()
    if not cache.enabled or cache.url is None or key is None:
        return LocalRate(most)
    return SharedRate(cache.url.get_secret_value(), key, most)


async def _warm_up(engine: Engine, admission: Admission, freeze: bool) -> None:
    await warm_up_catalog(engine.catalog)
    if freeze:
        # A collection over the models takes a fifth of a second.  No question runs now, so that the garbage of none is
        # kept; what earlier ones left is collected first.
        await admission.wait_until_idle()
        gc.collect()
        gc.freeze()


@asynccontextmanager
async def _running_alongside(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run ``work`` in the background while the server runs; it is cancelled when the server ends."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _graphql(request: Request) -> Response:
    endpoint: GraphQL = request.app.state.graphql
    return await endpoint(request)


def _admitted(request: Request, caller: Caller | None) -> AbstractAsyncContextManager[None]:
    """A page counts as a question, of whoever opened the chart: many come through the address of one proxy."""
    endpoint: GraphQL = request.app.state.graphql
    return endpoint.admitted(request, identity=caller.identity if caller is not None else ())


def _graphiql_routes(settings: ServerSettings) -> list[BaseRoute]:
    """The route of GraphiQL: none in production, nor if its files were not built."""
    folder: Path = settings.graphiql_dir
    if settings.production or not (folder / "index.html").is_file():
        return []
    return [Mount(GRAPHIQL, StaticFiles(directory=folder, html=True), name="graphiql")]

"""The question that a call asks, and what came with it: of which source, by whose rights, about which records.

Only the EHR's own token is ever used, at its own server; our rights are for nobody who calls.  Where the call names no
server, or brings no token that one needs, nothing is fetched, and the prefetch is all that there is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from collectors.auth.authorisations import Caller, is_token
from collectors.auth.permissions import EVERYTHING, Permissions
from collectors.reading.draft_orders import read_draft_orders
from collectors.settings import Source
from collectors.supplied_records import OFFLINE, SuppliedRecords, from_prefetch
from server.catalog.services import Service
from server.compiler.compilation import compile_plan
from server.executor.engine import Engine
from server.executor.question import Question
from server.hooks.clients import HookClient
from server.hooks.errors import ForbiddenServerError, MalformedCallError
from server.hooks.request import FhirAuthorization, HookRequest

NO_SERVER = "the call names no fhirServer"
UNKNOWN_SERVER = "fhirServer is none of those that this client may name"


@dataclass(frozen=True, slots=True)
class HookQuestion:
    """The question of one call, for ``Engine.ask``, and the records that came with the call."""

    question: Question
    supplied: SuppliedRecords


def hook_question(
    engine: Engine, service: Service, request: HookRequest, client: HookClient, at: datetime
) -> HookQuestion:
    """The question of a call of a service, as of ``at``.

    Raises ForbiddenServerError (a ``fhirServer`` that is not the client's), MalformedCallError (a token that is none,
    or one for another patient), and CompileError where the service cannot be answered at all.
    """
    own = tuple(engine.sources[each] for each in sorted(client.sources & engine.sources.keys()))
    authorization = request.authorization
    if authorization is not None:
        _check_authorization(authorization, request.patient)
    source = named_source(own, request.fhir_server) if request.fhir_server is not None else None
    fetched_from = source
    if source is None:
        source = own[0] if len(own) == 1 else OFFLINE
    question = Question(
        patient=request.patient,
        concepts=service.concepts,
        at=at,
        source=source.id,
        caller=_caller(client, request, source, fetched_from is not None),
        earlier_times=() if service.compared_with is None else (at - service.compared_with,),
    )
    homes = own if fetched_from is None else (fetched_from,)
    return HookQuestion(question, _supplied(engine, service, request, homes))


def named_source(sources: Iterable[Source], server: str) -> Source:
    """The source whose base URL, or one of whose aliases, is this text; a slash at the end makes no difference.

    Nothing is taken apart, unpacked or followed: what is only equivalent is not equal.  Raises ForbiddenServerError.
    """
    wanted = server.removesuffix("/")
    sources = tuple(sources)
    for bases in ([(each, (each.base_url,)) for each in sources], [(each, each.aliases) for each in sources]):
        for source, urls in bases:
            if wanted in {url.rstrip("/") for url in urls}:
                return source
    raise ForbiddenServerError(UNKNOWN_SERVER)


def _check_authorization(authorization: FhirAuthorization, patient: str) -> None:
    if not is_token(authorization.access_token):
        raise MalformedCallError("fhirAuthorization.access_token is not a bearer token")
    if authorization.patient is not None and authorization.patient != patient:
        raise MalformedCallError("fhirAuthorization.patient is another patient than that of the context")


def _caller(client: HookClient, request: HookRequest, source: Source, may_fetch: bool) -> Caller:
    """Who asks: the client, with the token that came with the call, about this patient of this source alone."""
    authorization = request.authorization if may_fetch else None
    permissions = EVERYTHING if authorization is None else Permissions.from_scopes(authorization.scope)
    return Caller(
        token=None if authorization is None else authorization.access_token,
        permissions=permissions,
        sources=frozenset({source.id}),
        patient=(source.id, request.patient),
        identity=("hooks", client.id),
        call_only=True,
        withheld=None if may_fetch else NO_SERVER,
    )


def _supplied(engine: Engine, service: Service, request: HookRequest, homes: Sequence[Source]) -> SuppliedRecords:
    """What came with the call: its prefetch, and its draft orders on a hook that has any.

    References of records may name the patient under any base URL of the server of the call or, where it names none, of
    the client's sources.  At another server the same id is another person's.
    """
    searches = compile_plan(engine.catalog, service.concepts).searches
    named = frozenset(f"{base}/Patient/{request.patient}" for source in homes for base in source.bases)
    found = from_prefetch(request.prefetch, searches, request.patient, named)
    drafts = None
    if request.draft_orders is not None:
        drafts = read_draft_orders(request.draft_orders, request.selections)
    return replace(found, drafts=drafts)

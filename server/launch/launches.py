"""Launches: from what the EHR sends to the request for a code, and from its answer to a chart that is open.

The answer counts only in the browser that began the launch, once, within ten minutes, and from the authorisation server
that was asked.
"""

import base64
import hashlib
import logging
from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.requests import Request

from server.access.bounded_http import IssuerUnavailableError
from server.errors import AccessRefusedError
from server.launch import cookies
from server.launch.app_context import landing
from server.launch.client import TokenRefusedError, Tokens
from server.launch.discovery import AuthorisationServer
from server.launch.ehrs import Ehr, Ehrs, Person
from server.launch.kept import PENDING_SECONDS, Kept, PendingLaunch
from server.launch.refusals import NOT_NOW, LaunchRefusedError
from server.launch.sessions import Sessions
from server.settings.launch import LAUNCH, LAUNCH_PATIENT, OPENID

log = logging.getLogger("medtwin.launch")

CALLBACK = "/launch/callback"
MOST_PENDING_HERE = 10
"""Launches that one browser may have pending; with more, all that it has are forgotten."""
_LONGEST = 4096
"""Characters of a parameter that are read."""

UNKNOWN_EHR = "This server is not set up for that EHR, or the link names no EHR."
MALFORMED = "The link that opened this page cannot be read."
UNAVAILABLE = "The EHR's login cannot be reached, or is not set up for this server. Please try again in a minute."
NOT_PENDING = "This login has been used already, took longer than 10 minutes, or was never begun here."
OTHER_BROWSER = "This login was begun in another browser, or cookies are blocked."
NOT_ALLOWED = "The EHR's login was ended without access."
WRONG_SENDER = "The answer does not come from the EHR's login that was asked."
NO_TOKEN = "The EHR's login gave no access that can be used."  # noqa: S105 - a sentence
NOT_IDENTIFIED = "Who logged in could not be confirmed."
NO_PATIENT = "The EHR named no patient, and medtwin never chooses one itself."

Headers = Sequence[tuple[str, str]]


class Launches:
    """Begins launches and completes them.  ``root``: the address of this server, without a slash at its end."""

    def __init__(self, ehrs: Ehrs, kept: Kept, root: str) -> None:
        self.root = root
        self.ehrs = ehrs
        self.sessions = Sessions(ehrs, kept)
        self._kept = kept

    async def begin(self, request: Request) -> tuple[str, Headers]:
        """Where the browser goes for a code, and headers of the answer.  Raises LaunchRefusedError (400, 503)."""
        given = _parameters(request, ("iss", "launch"))
        iss, launch = given["iss"], given["launch"]
        ehr = self.ehrs.by_issuer(iss) if iss is not None else None
        if iss is None or ehr is None:
            raise LaunchRefusedError(400, UNKNOWN_EHR)
        if launch == "":
            raise LaunchRefusedError(400, MALFORMED)
        server = await self._server(ehr)
        pending = PendingLaunch(
            source=ehr.source.id,
            state=cookies.new_secret(),
            nonce=cookies.new_secret(),
            verifier=cookies.new_secret(),
            cookie=cookies.new_secret(),
            until=self.ehrs.wall() + PENDING_SECONDS,
        )
        if not await self._kept.put_pending(pending):
            raise LaunchRefusedError(503, NOT_NOW)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(pending.verifier.encode()).digest()).rstrip(b"=").decode()
        scope = requested_scope(ehr.scope, in_ehr=launch is not None)
        asked = {
            "response_type": "code",
            "client_id": ehr.client.client_id,
            "redirect_uri": self.root + CALLBACK,
            **({"launch": launch} if launch is not None else {}),
            "scope": scope,
            "state": pending.state,
            "aud": iss,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **({"nonce": pending.nonce} if OPENID in scope.split(" ") else {}),
        }
        old = cookies.pending(request)
        headers = [cookies.drop(name) for name in old] if len(old) >= MOST_PENDING_HERE else []
        headers.append(cookies.keep(cookies.pending_cookie(pending.state), pending.cookie))
        separator = "&" if "?" in server.authorise_url else "?"
        return f"{server.authorise_url}{separator}{urlencode(asked)}", headers

    async def complete(self, request: Request) -> tuple[str, Headers]:
        """The chart that an answer opens: where it is, and headers of the answer; from a card its argument page.

        Raises LaunchRefusedError (400, 401, 403, 503).
        """
        given = _parameters(request, ("state", "code", "iss", "error"))
        state = given["state"]
        if not state:
            raise LaunchRefusedError(400, NOT_PENDING)
        pending = await self._kept.pending(state)
        if pending is None and not await self._kept.is_reachable():
            raise LaunchRefusedError(503, NOT_NOW)
        if pending is None or self.ehrs.wall() >= pending.until:
            raise LaunchRefusedError(400, NOT_PENDING)
        name = cookies.pending_cookie(state)
        if not cookies.has(request, name, pending.cookie):
            # It stays pending: a stranger must not end the launch of whoever began it.
            raise LaunchRefusedError(403, OTHER_BROWSER)
        forget = cookies.drop(name)
        ehr = self.ehrs.by_id(pending.source)
        if ehr is None or not await self._kept.take(pending):
            raise LaunchRefusedError(400, NOT_PENDING, [forget])
        try:
            tokens, person = await self._answered(ehr, pending, given["code"], given["iss"], given["error"])
            handle, headers = await self.sessions.open(request, ehr, tokens, person)
        except LaunchRefusedError as refused:
            raise LaunchRefusedError(refused.status, str(refused), [*refused.headers, forget]) from None
        place = landing(tokens.app_context, request.app.state.engine.catalog.concepts)
        return f"{self.root}/app/{handle}{place}", [forget, *headers]

    async def aclose(self) -> None:
        """Waits for what is being renewed, and gives back all connections."""
        await self.sessions.aclose()
        await self.ehrs.aclose()

    async def _answered(
        self, ehr: Ehr, pending: PendingLaunch, code: str | None, issuer: str | None, error: str | None
    ) -> tuple[Tokens, Person | None]:
        """The tokens for an answer of the login, and who logged in."""
        server = await self._server(ehr)
        if (issuer is not None or server.sends_issuer) and issuer != server.issuer:
            log.warning("source %s: an answer names another issuer than the one that was asked", ehr.source.id)
            raise LaunchRefusedError(400, WRONG_SENDER)
        if error is not None:
            raise LaunchRefusedError(403, NOT_ALLOWED)
        if not code:
            raise LaunchRefusedError(400, MALFORMED)
        try:
            tokens = await ehr.client.exchange(server, code, self.root + CALLBACK, pending.verifier, self.ehrs.wall())
        except TokenRefusedError as refused:
            log.warning("source %s: no token for a launch: %s", ehr.source.id, refused)
            await self.sessions.endings.give_back(ehr.source.id, "", refused.access, refused.refresh)
            raise LaunchRefusedError(403, NO_TOKEN) from None
        except IssuerUnavailableError as unavailable:
            raise self._unavailable(ehr, unavailable) from None
        person: Person | None = None
        try:
            person = await self._person(ehr, server, tokens, pending.nonce)
            if tokens.patient is None:
                log.warning(
                    "source %s: its token response names no patient; is the scope launch granted?", ehr.source.id
                )
                raise LaunchRefusedError(403, NO_PATIENT)
            return tokens, person
        except LaunchRefusedError:
            subject = person.subject if person is not None else ""
            await self.sessions.endings.give_back(ehr.source.id, subject, tokens.access, tokens.refresh)
            raise

    async def _person(self, ehr: Ehr, server: AuthorisationServer, tokens: Tokens, nonce: str) -> Person | None:
        """Who logged in; None where it was not granted to know that."""
        if tokens.identity is None:
            if OPENID in (tokens.scope or "").split(" "):
                log.warning("source %s: its token response has no id token, though openid was granted", ehr.source.id)
                raise LaunchRefusedError(403, NOT_IDENTIFIED)
            return None
        try:
            return await ehr.person(server, tokens.identity, nonce, self.ehrs.wall())
        except AccessRefusedError as refused:
            log.warning("source %s: an id token is refused: %s", ehr.source.id, refused)
            if refused.status == 503:
                raise LaunchRefusedError(503, UNAVAILABLE) from None
            raise LaunchRefusedError(403, NOT_IDENTIFIED) from None
        except IssuerUnavailableError as unavailable:
            raise self._unavailable(ehr, unavailable) from None

    async def _server(self, ehr: Ehr) -> AuthorisationServer:
        try:
            return await ehr.discovery.find()
        except IssuerUnavailableError as unavailable:
            raise self._unavailable(ehr, unavailable) from None

    def _unavailable(self, ehr: Ehr, why: IssuerUnavailableError) -> LaunchRefusedError:
        log.warning("source %s: its authorisation server cannot be used: %s", ehr.source.id, why)
        return LaunchRefusedError(503, UNAVAILABLE)


def requested_scope(configured: str, *, in_ehr: bool) -> str:
    """The scopes of a launch: ``launch`` where the EHR launches us, ``launch/patient`` where it has to choose one."""
    wanted, other = (LAUNCH, LAUNCH_PATIENT) if in_ehr else (LAUNCH_PATIENT, LAUNCH)
    return " ".join(dict.fromkeys(wanted if each == other else each for each in configured.split(" ")))


def _parameters(request: Request, names: Sequence[str]) -> dict[str, str | None]:
    """What the query gives for these names.  Raises LaunchRefusedError (400) for one that is too long or repeated."""
    found: dict[str, str | None] = dict.fromkeys(names)
    for name, value in request.query_params.multi_items():
        if name in found:
            if found[name] is not None or len(value) > _LONGEST:
                raise LaunchRefusedError(400, MALFORMED)
            found[name] = value
    return found

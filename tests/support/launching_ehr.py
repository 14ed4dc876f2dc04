"""An EHR's authorisation server over real HTTP that can misbehave, the application before it, and browsers."""

import asyncio
import base64
import hashlib
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
import jwt
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request

from server.app import create_app
from server.executor.engine import Engine
from server.launch.ehrs import Ehrs
from server.launch.sessions import Chart
from tests.support.authorisation_server import ec_key
from tests.support.charts import patient
from tests.support.engine_questions import shipped
from tests.support.fake_fhir_servers import FakeFhir
from tests.support.prompt_server import listening
from tests.support.settings import make_settings
from tests.support.token_issuer import KID, Clock, Json, jwk_of, send_json

CLIENT = "medtwin-app"
SECRET = "tiger&lily: 100%"
PATIENTS = (*(f"p{number}" for number in range(30)), "patient-number-one")
"""Whose charts may be opened."""
SCOPE = "launch openid fhirUser online_access patient/*.rs"


class LaunchingEhr:
    """A FHIR base URL, and the authorisation server that its configuration names; both are at ``origin``.

    ``configuration`` changes what it names, ``answer`` the token response, ``claims`` the id token; ``statuses`` are
    what paths answer instead of 200, ``instead`` their content.  ``asked`` keeps the requests for tokens: headers and
    form.  With ``one_grant`` all tokens so far are of one grant: whoever revokes a refresh token ends them all
    (RFC 7009, 2.1).
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.origin = ""
        self.key: Any = ec_key()
        self.published: list[Json] = [jwk_of(ec_key())]
        self.configuration: Json = {}
        self.openid: Json | None = None
        self.answer: Json = {}
        self.claims: Json = {}
        self.header: Json = {}
        self.algorithm = "ES384"
        self.statuses: dict[str, str] = {}
        self.instead: dict[str, object] = {}
        self.asked: list[tuple[dict[str, str], dict[str, str]]] = []
        self.revoked: list[dict[str, str]] = []
        self.fetched: list[str] = []
        self.nonces: dict[str, str] = {}
        self.challenges: dict[str, str] = {}
        self.slow = 0.0
        self.one_grant = False
        self._refresh_tokens: set[str] = set()
        self._ended: set[str] = set()
        self._given = 0

    @classmethod
    @asynccontextmanager
    async def listening(cls, clock: Clock) -> AsyncIterator[Self]:
        """One on loopback."""
        made = cls(clock)
        server = await asyncio.start_server(made._serve, "127.0.0.1", 0)
        made.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield made
        finally:
            server.close()

    @property
    def base(self) -> str:
        """The FHIR base URL."""
        return f"{self.origin}/fhir"

    def source(self, name: str = "ehr", **launch: Any) -> Json:
        """This EHR as settings have it."""
        return {
            "id": name, "base_url": self.base, "auth": "caller",
            "launch": {"client_id": CLIENT, "scope": SCOPE, **launch},
        }  # fmt: skip

    def authorise(self, url: str) -> str:
        """Log in and allow, as whoever is sent there: the code; its token will have the nonce of this request."""
        asked = dict(parse_qsl(urlsplit(url).query, strict_parsing=True))
        assert url.startswith(f"{self.origin}/authorise?")
        code = f"code-{len(self.nonces)}"
        self.nonces[code], self.challenges[code] = asked.get("nonce", ""), asked["code_challenge"]
        return code

    def _configuration(self) -> Json:
        made = {
            "issuer": self.origin,
            "jwks_uri": f"{self.origin}/jwks",
            "authorization_endpoint": f"{self.origin}/authorise",
            "token_endpoint": f"{self.origin}/token",
            "revocation_endpoint": f"{self.origin}/revoke",
            "code_challenge_methods_supported": ["S256"],
            **self.configuration,
        }
        return {name: value for name, value in made.items() if value is not None}

    def _tokens(self, form: Mapping[str, str]) -> Json | None:
        if form.get("refresh_token") in self._ended:
            return None
        self._given += 1
        made: Json = {"access_token": f"access-{self._given}", "token_type": "Bearer", "expires_in": 300}
        made |= {"scope": SCOPE, "patient": "p1", "refresh_token": f"refresh-{self._given}"}
        if form["grant_type"] == "authorization_code":
            hashed = hashlib.sha256(form["code_verifier"].encode()).digest()
            if self.challenges.get(form["code"]) != base64.urlsafe_b64encode(hashed).rstrip(b"=").decode():
                return None
            made["id_token"] = self.id_token(self.nonces.pop(form["code"], ""))
        made = {name: value for name, value in {**made, **self.answer}.items() if value is not None}
        self._refresh_tokens.add(str(made.get("refresh_token")))
        return made

    def id_token(self, nonce: str | None = None) -> str:
        """One as it gives now."""
        now = int(self.clock.wall())
        claims = {
            "iss": self.origin, "aud": CLIENT, "sub": "dr-1", "iat": now, "exp": now + 300,
            "nonce": nonce, "fhirUser": f"{self.base}/Practitioner/dr-1", **self.claims,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {name: value for name, value in {"kid": KID, **self.header}.items() if value is not None}
        return jwt.encode(claims, self.key, self.algorithm, header)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, *rest = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in rest)}
            body = (await reader.readexactly(int(headers.get("content-length", 0)))).decode()
            path = urlsplit(line.split(" ")[1]).path
            self.fetched.append(path)
            form = dict(parse_qsl(body, keep_blank_values=True))
            content: Json | None = {"error": "not_found"}
            status = "404 Not Found"
            if path == "/fhir/.well-known/smart-configuration":
                content, status = self._configuration(), "200 OK"
            elif path.endswith("/.well-known/openid-configuration") and self.openid is not None:
                content, status = self.openid, "200 OK"
            elif path == "/jwks":
                content, status = {"keys": self.published}, "200 OK"
            elif path == "/token":
                self.asked.append((headers, form))
                await asyncio.sleep(self.slow)
                content = self._tokens(form)
                status = "200 OK" if content is not None else "400 Bad Request"
            elif path == "/revoke":
                self.revoked.append(form)
                if self.one_grant and form["token_type_hint"] == "refresh_token":
                    self._ended |= self._refresh_tokens
                content, status = {}, "200 OK"
            content = content or {"error": "invalid_grant"}
            await send_json(writer, self.instead.get(path, content), self.statuses.get(path, status))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


class Browser:
    """Keeps cookies as a browser does, byte by byte, and follows no redirect."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.cookies: dict[str, str] = {}
        self.set: list[str] = []

    async def get(self, url: str, cookies: str | None = None, **headers: str) -> httpx.Response:
        return await self.send("GET", url, cookies, headers)

    async def post(self, url: str, cookies: str | None = None, **headers: str) -> httpx.Response:
        return await self.send("POST", url, cookies, headers)

    async def send(self, method: str, url: str, cookies: str | None, headers: Mapping[str, str]) -> httpx.Response:
        given = cookies if cookies is not None else "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {name.replace("_", "-"): value for name, value in headers.items()} | ({"Cookie": given} if given else {})
        answer = await self.client.request(method, url, headers=sent)
        for line in answer.headers.get_list("set-cookie"):
            self.set.append(line)
            name, _, value = line.split(";")[0].partition("=")
            if "Max-Age=0" in line:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return answer


class LaunchedSite:
    """The application before its EHRs, and where it is."""

    def __init__(self, client: httpx.AsyncClient, url: str, clock: Clock, app: Starlette) -> None:
        self.client, self.url, self.clock, self.app = client, url, clock, app

    def browser(self) -> Browser:
        return Browser(self.client)

    async def chart(self, browser: Browser, url: str) -> Chart:
        """The chart at an address, as the pages get it.  Raises LaunchRefusedError."""
        cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        scope = {
            "type": "http", "method": "GET", "path": urlsplit(url).path, "query_string": b"", "app": self.app,
            "headers": [(b"cookie", cookies.encode())], "path_params": {"launch": urlsplit(url).path.split("/")[2]},
        }  # fmt: skip
        found: Chart = await self.app.state.launches.sessions.chart(Request(scope))
        return found

    async def begin(self, browser: Browser, ehr: LaunchingEhr, launch: str | None = "launch-1") -> str:
        """Where a launch sends the browser."""
        asked = {"iss": ehr.base} | ({"launch": launch} if launch is not None else {})
        answer = await browser.get(f"{self.url}/launch?{httpx.QueryParams(asked)}")
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"])

    async def launch(
        self, browser: Browser, ehr: LaunchingEhr, launch: str | None = "launch-1", **changed: str | None
    ) -> httpx.Response:
        """A whole launch: the answer of the callback, whose parameters differ as is given."""
        place = await self.begin(browser, ehr, launch)
        return await self.call_back(browser, {"state": state_of(place), "code": ehr.authorise(place), **changed})

    async def call_back(self, browser: Browser, parameters: Mapping[str, str | None]) -> httpx.Response:
        given = {name: value for name, value in parameters.items() if value is not None}
        return await browser.get(f"{self.url}/launch/callback?{httpx.QueryParams(given)}")

    async def open(self, browser: Browser, ehr: LaunchingEhr, **answer: Any) -> str:
        """The address of a chart that a launch opened; the token response differs as is given."""
        before, ehr.answer = ehr.answer, {**ehr.answer, **answer}
        done = await self.launch(browser, ehr)
        ehr.answer = before
        assert done.status_code == 302, done.text
        return self.place(done)

    def place(self, done: httpx.Response) -> str:
        """Where an answer of the application redirects to."""
        return urljoin(self.url, done.headers["location"])


def state_of(place: str) -> str:
    """The state of a request for a code."""
    return dict(parse_qsl(urlsplit(place).query))["state"]


@asynccontextmanager
async def launched_site(
    clock: Clock,
    *sources: Json,
    fhir: FakeFhir | None = None,
    environ: Mapping[str, str] | None = None,
    **tables: Any,
) -> AsyncIterator[LaunchedSite]:
    """The application with these sources, served at a socket of this machine, by a clock that stands still."""
    fhir = fhir or FakeFhir([patient(id=each) for each in PATIENTS])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        section = {"public_url": url, **tables.pop("server", {})}
        settings = make_settings(server=section, sources=sources, **tables)

        async def opened() -> Engine:
            return await Engine.open(settings, shipped(), fhir.client())

        ehrs = Ehrs(settings, clock=clock.monotonic, wall=clock.wall, environ=environ or {})
        app = create_app(settings, opened, None, ehrs)
        config = uvicorn.Config(app, log_level="warning", access_log=False, http="h11")
        async with listening(config, listener), httpx.AsyncClient(trust_env=False, timeout=30) as client:
            yield LaunchedSite(client, url, clock, app)


def dumped(answer: httpx.Response) -> str:
    """All that a browser sees of an answer."""
    return json.dumps([dict(answer.headers), answer.text])

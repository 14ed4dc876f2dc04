"""Names that the server answers to, origins that may ask, and what it says of itself to strangers."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from server.app.middleware import CrossOrigin, KnownHosts
from server.settings import ServerSettings
from tests.support.charts import patient
from tests.support.fake_fhir_servers import FakeFhir
from tests.support.served_application import serving
from tests.support.token_issuer import ORIGIN, TokenIssuer, serving_callers, site

SERVER = {"public_url": "https://cds.example/base", "hosts": ["cds.internal", "[fd00::1]"], "origins": [ORIGIN]}
MODULES = {"query": "{ modules { id } }"}


@pytest.mark.parametrize(
    "host",
    [
        "cds.example", "CDS.Example", "cds.example:443", "cds.example:8000", "cds.internal", "cds.internal:1",
        "[fd00::1]:8000", "localhost", "localhost:8000", "127.0.0.1", "127.0.0.1:8000", "127.1.2.3", "[::1]",
        "[::1]:80",
    ],
)  # fmt: skip
async def test_it_answers_to_its_own_names(host: str) -> None:
    async with serving(FakeFhir(()), server=SERVER) as client:
        assert (await client.post("/graphql", json=MODULES, headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:8000", "cds.example.evil.example", "evilcds.example", "127.0.0.1.evil.example",
        "localhost.evil.example", "cds.example@evil.example", "evil.example/cds.example", "10.0.0.1", "", ":80",
        "0.0.0.0",  # noqa: S104 - a name, nothing is bound
        "cds.example:80:80", "[::1", "::1", "medtwin", "169.254.169.254",
    ],
)  # fmt: skip
async def test_another_name_is_refused_and_not_repeated(host: str) -> None:
    async with serving(FakeFhir(()), server=SERVER) as client:
        for path in ("/graphql", "/modules", "/graphiql/", "/", "/health/", "/ready/x"):
            answer = await client.post(path, json=MODULES, headers={"Host": host})
            assert answer.status_code == 400
            assert answer.json()["errors"][0]["extensions"]["code"] == "unknown-host"
            assert not host or host not in answer.text + str(answer.headers)
        # Orchestrators probe by an address; they learn whether it runs, and no more.
        for path in ("/health", "/ready"):
            answer = await client.get(path, headers={"Host": host})
            assert answer.status_code == 200
            assert set(answer.json()) == {"status"}


async def test_without_a_public_url_only_names_of_this_machine_are_known() -> None:
    async with serving(FakeFhir(())) as client:
        assert (await client.post("/graphql", json=MODULES)).status_code == 200
        assert (await client.post("/graphql", json=MODULES, headers={"Host": "cds.example"})).status_code == 400
        assert set((await client.get("/health")).json()) == {"status", "cache", "sources", "terminology"}


async def test_two_names_are_none() -> None:
    sent: list[dict[str, object]] = []

    async def app(*_: object) -> None:
        raise AssertionError("passed on")

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message)

    async def receive() -> dict[str, object]:
        return {"type": "http.request"}

    for headers in ([], [(b"host", b"localhost"), (b"host", b"evil.example")]):
        scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": headers}
        sent.clear()
        await KnownHosts(app, ServerSettings())(scope, receive, send)
        assert sent[0]["status"] == 400


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/graphql/", "/graphql"),
        ("/graphql/?a=b", "/graphql?a=b"),
        ("/health/", "/health"),
        ("/modules/", "/modules"),
    ],
)
async def test_a_redirect_does_not_repeat_the_name(path: str, location: str) -> None:
    async with serving(FakeFhir(()), server=SERVER) as client:
        # With a name that is none to the router it would tell the address of this machine instead.
        for host in ("localhost", "cds.example:8080", "cds.example:", "cds.example:99999999", "[127.0.0.1]"):
            answer = await client.get(path, headers={"Host": host})
            assert answer.is_redirect
            assert answer.headers["location"] == location


async def test_redirects_to_others_stay_and_none_begins_with_two_slashes() -> None:
    targets = {
        "/out": ("https://auth.example/authorize?a=b", "https://auth.example/authorize?a=b"),
        "/twice": ("http://localhost//evil.example/x", "/evil.example/x"),
        "/own": ("/modules", "/modules"),
    }

    async def redirect(request: Request) -> Response:
        return RedirectResponse(targets[request.url.path][0])

    app = Starlette(
        routes=[Route(path, redirect) for path in targets], middleware=[Middleware(KnownHosts, ServerSettings())]
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        for path, (_, expected) in targets.items():
            assert (await client.get(path)).headers["location"] == expected


PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


async def test_a_page_of_a_configured_origin_may_ask_and_read_refusals() -> None:
    async with TokenIssuer.listening() as issuer, serving_callers(site(issuer.settings()), FakeFhir(())) as client:
        asked = await client.options("/graphql", headers={"Origin": ORIGIN, **PREFLIGHT})
        assert (asked.status_code, asked.content) == (204, b"")
        assert asked.headers["access-control-allow-origin"] == ORIGIN
        assert asked.headers["access-control-allow-methods"] == "POST"
        allowed = asked.headers["access-control-allow-headers"].lower().replace(" ", "").split(",")
        assert allowed == ["authorization", "content-type"]
        refused = await client.post("/graphql", json=MODULES, headers={"Origin": ORIGIN})
        headers = {"Origin": ORIGIN, "Authorization": f"Bearer {issuer.token()}"}
        answered = await client.post("/graphql", json=MODULES, headers=headers)
        wrong = await client.post("/graphql", content=b"{", headers={**headers, "Content-Type": "application/json"})
        for answer, status in ((asked, 204), (refused, 401), (answered, 200), (wrong, 400)):
            assert answer.status_code == status
            assert answer.headers["access-control-allow-origin"] == ORIGIN
            assert "origin" in answer.headers["vary"].lower()
            assert "access-control-allow-credentials" not in answer.headers
        assert "WWW-Authenticate" in refused.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example", "http://app.example", "https://app.example:8443", "https://app.example.evil.example",
        "https://sub.app.example", "HTTPS://APP.EXAMPLE", "null", "https://app.example/", "*",
    ],
)  # fmt: skip
async def test_a_page_of_another_origin_may_not(origin: str) -> None:
    async with serving(FakeFhir(()), server=SERVER) as client:
        asked = await client.options("/graphql", headers={"Origin": origin, **PREFLIGHT})
        assert (asked.status_code, asked.json()["errors"][0]["extensions"]["code"]) == (403, "origin-not-allowed")
        answered = await client.post("/graphql", json=MODULES, headers={"Origin": origin})
        for answer in (asked, answered):
            assert not [name for name in answer.headers if name.startswith("access-control-")]
            assert answer.headers["vary"] == "Origin"


async def test_only_graphql_is_for_pages_of_others() -> None:
    async with serving(FakeFhir(()), server=SERVER) as client:
        for path in ("/health", "/ready", "/modules"):
            answer = await client.get(path, headers={"Origin": ORIGIN})
            assert "access-control-allow-origin" not in answer.headers
        assert "access-control-allow-origin" not in (await client.post("/graphql", json=MODULES)).headers
        # Without a method that is asked for it is no preflight.
        assert (await client.options("/graphql", headers={"Origin": ORIGIN})).status_code == 405


async def test_what_varies_already_varies_still() -> None:
    async def app(_: Request) -> Response:
        return JSONResponse({}, headers={"Vary": "Accept"})

    made = Starlette(routes=[Route("/graphql", app)], middleware=[Middleware(CrossOrigin, (ORIGIN,))])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(made), base_url="http://localhost") as client:
        answer = await client.get("/graphql", headers={"Origin": ORIGIN})
    assert {each.strip() for each in answer.headers["vary"].split(",")} == {"Accept", "Origin"}


async def test_strangers_learn_the_state_and_callers_the_detail() -> None:
    async with TokenIssuer.listening() as issuer:
        fhir = FakeFhir((patient(),))
        async with serving_callers(site(issuer.settings()), fhir) as client:
            token = {"Authorization": f"Bearer {issuer.token()}"}
            for path, word in (("/health", "alive"), ("/ready", "ready")):
                assert (await client.get(path)).json() == {"status": word}
                assert (await client.get(path, headers={"Authorization": "Bearer x"})).json() == {"status": word}
                detail = (await client.get(path, headers=token)).json()
                assert [source["id"] for source in detail["sources"]] == ["ehr"]
        fhir.down = True
        async with serving_callers(site(issuer.settings()), fhir) as client:
            answer = await client.get("/ready")
            assert (answer.status_code, answer.json()) == (503, {"status": "not ready"})

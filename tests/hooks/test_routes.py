"""What is at and below /cds-services: discovery without a token, methods, and nothing at all where nobody may call."""

import logging

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from server.hooks.routes import hook_routes
from tests.support.hook_calls import Answers, Ehr, hook_site, make_body, make_service, serving_hooks
from tests.support.settings import make_settings
from tests.support.token_issuer import ORIGIN, TokenIssuer

SOURCES = [{"id": "ehr", "base_url": "https://ehr.example/fhir"}]
OPEN = make_settings(sources=SOURCES, cache={"enabled": False})
PATHS = [
    "/cds-services", "/cds-services/", "/cds-services/egfr-view", "/cds-services/egfr-view/",
    "/cds-services/egfr-view/feedback", "/cds-services/none", "/cds-services/a/b/c", "/cds-services//",
]  # fmt: skip


def is_outcome(answer: httpx.Response, status: int) -> bool:
    return bool(answer.status_code == status and answer.json()["resourceType"] == "OperationOutcome")


async def test_discovery_needs_no_token_and_is_the_same_for_all() -> None:
    """CDS-4, CDS-5, CDS-6, CDS-13: GET {base}/cds-services is 200, an object with the array of services."""
    async with TokenIssuer.listening() as issuer:
        ehr = Ehr(issuer)
        for settings in (OPEN, hook_site(ehr.settings())):
            async with serving_hooks(settings, Answers(make_service())) as client:
                tokens: list[dict[str, str]] = [
                    {},
                    {"Authorization": "Bearer x"},
                    {"Authorization": f"Bearer {ehr.token('')}"},
                ]
                found = [await client.get("/cds-services", headers=each) for each in tokens]
                assert {each.status_code for each in found} == {200}
                assert len({each.content for each in found}) == 1
                assert found[0].headers["content-type"] == "application/json"
                assert [each["id"] for each in found[0].json()["services"]] == ["egfr-view"]
                head = await client.head("/cds-services")
                assert (head.status_code, head.headers["content-type"]) == (200, "application/json")
    assert issuer.fetches == 0


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "HUNTER2", "TRACE"])
async def test_another_method_is_none(method: str) -> None:
    async with serving_hooks(OPEN) as client:
        allowed = {path: "GET" if path == PATHS[0] else "POST" for path in (PATHS[0], PATHS[2], PATHS[4], PATHS[5])}
        for path, expected in allowed.items():
            answer = await client.request(method, path, content=make_body())
            assert is_outcome(answer, 405)
            assert answer.headers["allow"] == expected
        assert is_outcome(await client.post("/cds-services"), 405)
        assert is_outcome(await client.get("/cds-services/egfr-view"), 405)
        assert is_outcome(await client.get("/cds-services/egfr-view/feedback"), 405)


async def test_there_is_nothing_else_and_no_redirect() -> None:
    async with serving_hooks(OPEN) as client:
        for path in (PATHS[1], PATHS[3], PATHS[6], PATHS[7], "/cds-services/a%2Fb"):
            for method in ("GET", "POST"):
                assert is_outcome(await client.request(method, path), 404)
        other = await client.get("/cds-servicesx")
        assert (other.status_code, "errors" in other.json()) == (404, True)


@pytest.mark.parametrize(
    "settings",
    [
        {"server": {"public_url": "https://cds.example"}},
        {"server": {"host": "10.0.0.1", "allow_anonymous": True}},
        {
            "server": {"public_url": "https://cds.example"},
            "issuers": [
                {
                    "id": "as", "issuer": "https://as.example", "jwks_url": "https://as.example/j", "audience": ["a"],
                    "sources": ["ehr"],
                }
            ],
        },
    ],
)  # fmt: skip
async def test_without_clients_there_is_nothing_but_on_loopback(settings: dict[str, object]) -> None:
    made = make_settings(sources=SOURCES, cache={"enabled": False}, **settings)
    async with serving_hooks(made) as client:
        for path in PATHS:
            for method in ("GET", "POST", "DELETE"):
                answer = await client.request(method, path, json={})
                assert is_outcome(answer, 404)
                assert "hooks.clients" in answer.text
        assert (await client.get("/health")).status_code == 200


async def test_who_takes_anything_gets_json_and_who_asks_for_html_the_page() -> None:
    async def page(_: Request) -> Response:
        return HTMLResponse("<p>services</p>")

    async with serving_hooks(OPEN) as client:
        browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
        for accept, kind in ((browser, "text/html; charset=utf-8"), ("*/*", "application/json")):
            answer = await client.get("/cds-services", headers={"Accept": accept})
            assert answer.headers["content-type"] == kind
            assert answer.headers["vary"] == "Accept, Origin"
    app = Starlette(routes=hook_routes(True, page))
    app.state.hooks = type("Endpoint", (), {"discovery": b"{}"})()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        kinds = {
            browser: "text/html", "text/html": "text/html", "": "application/json", "*/*": "application/json",
            "application/json": "application/json", "application/json, text/html": "application/json",
            "application/json;q=0.9, */*": "application/json", "text/*": "application/json",
        }  # fmt: skip
        for accept, kind in kinds.items():
            answer = await client.get("/cds-services", headers={"Accept": accept})
            assert answer.headers["content-type"].startswith(kind), accept


PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


async def test_pages_of_configured_origins_may_call_and_read_refusals() -> None:
    """CDS-208: services support CORS, for browsers that call from another origin."""
    async with TokenIssuer.listening() as issuer:
        ehr = Ehr(issuer)
        async with serving_hooks(hook_site(ehr.settings())) as client:
            for path in PATHS:
                asked = await client.options(path, headers=PREFLIGHT)
                assert (asked.status_code, asked.content) == (204, b"")
                assert asked.headers["access-control-allow-origin"] == ORIGIN
                assert asked.headers["access-control-allow-methods"] == "GET, POST"
                assert asked.headers["access-control-allow-headers"] == "Authorization, Content-Type"
            path = "/cds-services/egfr-view"
            bearer = {"Origin": ORIGIN, "Authorization": f"Bearer {ehr.token()}"}
            told = [
                await client.get("/cds-services", headers={"Origin": ORIGIN}),
                await client.post(path, json={}, headers={"Origin": ORIGIN}),
                await client.post(path, content=make_body(), headers={**bearer, "Content-Type": "application/json"}),
                await client.post("/cds-services/none", headers={"Origin": ORIGIN}),
            ]
            assert [each.status_code for each in told] == [200, 401, 200, 404]
            for answer in told:
                assert answer.headers["access-control-allow-origin"] == ORIGIN
                assert "Origin" in answer.headers["vary"]
                assert "access-control-allow-credentials" not in answer.headers
            assert "WWW-Authenticate" in told[1].headers["access-control-expose-headers"]
            other = {**PREFLIGHT, "Origin": "https://evil.example"}
            refused = await client.options(path, headers=other)
            assert is_outcome(refused, 403)
            assert "access-control-allow-origin" not in refused.headers


async def test_what_the_edge_refuses_is_an_outcome_too() -> None:
    async with serving_hooks(OPEN) as client:
        for path in PATHS:
            assert is_outcome(await client.post(path, headers={"Host": "evil.example"}), 400)
        both = {"Content-Length": "2", "Transfer-Encoding": "chunked"}
        refused = await client.post(PATHS[2], content=b"{}", headers=both)
        assert is_outcome(refused, 400)
        assert refused.headers["connection"] == "close"
        assert "cache-control" in refused.headers


async def test_the_log_has_templates_and_no_ids(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="medtwin.access")
    async with serving_hooks(OPEN) as client:
        for path in ("", "/", "/hunter2", "/hunter2/feedback", "/hunter2/hunter2", "/hunter2/feedback/hunter2"):
            await client.post(f"/cds-services{path}?hunter2", json={})
    routes = [each.getMessage().split(" ")[1] for each in caplog.records if each.name == "medtwin.access"]
    assert routes == [
        "/cds-services", "/cds-services/{id}", "/cds-services/{id}", "/cds-services/{id}/feedback", "other", "other",
    ]  # fmt: skip
    assert "hunter2" not in caplog.text

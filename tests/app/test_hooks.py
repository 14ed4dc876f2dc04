"""Who is let in at the edge: by the shared cache and the settings; and what stands in the way of a start."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from server.app import open_hook_clients
from server.app.hooks import hooks_are_offered
from server.errors import SettingsError
from server.settings import Settings
from tests.support.cache_servers import open_backend
from tests.support.hook_calls import Answers, Ehr, hook_site, make_body, serving_hooks
from tests.support.settings import make_settings
from tests.support.token_issuer import TokenIssuer

KEY = "ab" * 32
SOURCES = [{"id": "ehr", "base_url": "https://ehr.example/fhir"}]


async def called(settings: Settings, tokens: list[str]) -> list[int]:
    """The statuses of calls with these tokens, to one server process with these settings."""
    async with serving_hooks(settings, Answers()) as client:

        async def call(token: str) -> int:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
            answer = await client.post("/cds-services/egfr-view", content=make_body(), headers=headers)
            assert answer.status_code in (200, 401) or answer.json()["resourceType"] == "OperationOutcome"
            return answer.status_code

        return [await call(each) for each in tokens]


async def test_processes_that_share_a_cache_share_what_was_used() -> None:
    async with open_backend("debian") as backend, TokenIssuer.listening() as issuer:
        ehr = Ehr(issuer)
        shared = hook_site(ehr.settings(), cache={"url": backend.url, "key": KEY})
        first, second = ehr.token(), ehr.token()
        assert await called(shared, [first]) == [200]
        # Another process, which has seen nothing yet.
        assert await called(shared, [first, second, second]) == [401, 200, 401]
        both = await asyncio.gather(*(called(shared, [each] * 2) for each in [ehr.token()] * 4))
        assert sorted(status for each in both for status in each) == [200] + [401] * 7
        backend.kill()
        assert await called(shared, [ehr.token(), ehr.token()]) == [503, 503]


async def test_the_embedded_cache_and_none_remember_here() -> None:
    async with TokenIssuer.listening() as issuer:
        ehr = Ehr(issuer)
        off = {"enabled": False}
        for cache in ({"enabled": True}, off, {**off, "url": "redis://127.0.0.1:9", "key": KEY}):
            token = ehr.token()
            assert await called(hook_site(ehr.settings(), cache=cache), [token, token]) == [200, 401]


CLIENT: dict[str, Any] = {
    "id": "ehr", "issuer": "https://ehr.example", "jwks_url": "https://ehr.example/jwks", "sources": ["ehr"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("tables", "offered"),
    [
        ({}, True),
        ({"server": {"host": "::1"}}, True),
        ({"server": {"host": "0.0.0.0", "allow_anonymous": True}}, False),  # noqa: S104 - not bound
        ({"server": {"public_url": "https://cds.example"}}, False),
        ({"server": {"public_url": "http://localhost:8000"}}, False),
        ({"server": {"public_url": "https://cds.example"}, "hooks": {"clients": [CLIENT]}}, True),
        ({"server": {"public_url": "https://c.example", "host": "10.0.0.1"}, "hooks": {"clients": [CLIENT]}}, True),
    ],
)
def test_services_are_offered_to_clients_and_on_this_machine(tables: dict[str, Any], offered: bool) -> None:
    assert hooks_are_offered(make_settings(sources=SOURCES, **tables)) is offered


def test_a_key_file_that_is_none_stops_the_start(tmp_path: Path) -> None:
    file = {**CLIENT, "jwks_url": None, "jwks_file": str(tmp_path / "none.json")}
    with pytest.raises(SettingsError, match="hooks client ehr: jwks_file cannot be used: the file cannot be read"):
        open_hook_clients(hook_site({name: value for name, value in file.items() if value is not None}))
    assert open_hook_clients(make_settings(sources=SOURCES)) is None

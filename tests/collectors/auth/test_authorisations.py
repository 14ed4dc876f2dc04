"""Whose authorisation goes with a question, and what is said where there is none."""

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from collectors.auth.authorisations import NO_CALLER, Authorisations, Caller, is_token
from collectors.auth.backend import BackendAccess
from collectors.errors import AuthorisationError, CredentialError, TokenRequiredError
from collectors.fetching.access import CallerAccess, NoAccess
from collectors.fetching.connections import HttpClients
from collectors.settings import Backend, Source, Tls
from tests.support.authorisation_server import BASE, SOURCE, ec_key, pem

OPEN = Source(id="open", base_url=BASE)
CALLER = Source(id="own", base_url=BASE, auth="caller")
BACKEND = replace(SOURCE, backend=Backend("c", key_env="EHR_KEY"))
ENVIRON = {"EHR_KEY": pem(ec_key())}


def ways(*sources: Source) -> Authorisations:
    clients = HttpClients(httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(500))))
    return Authorisations(sources, clients, ENVIRON)


async def test_each_source_has_its_way() -> None:
    made = ways(OPEN, CALLER, BACKEND)
    someone = Caller("tok-a", "scope-a")
    assert made.access_for(OPEN, someone) == NoAccess()
    assert made.access_for(CALLER, someone) == CallerAccess("tok-a", "scope-a")
    assert await made.access_for(CALLER, someone).headers() == {"Authorization": "Bearer tok-a"}
    assert isinstance(made.access_for(BACKEND, someone), BackendAccess)
    # One token for all questions.
    assert made.access_for(BACKEND, someone) is made.access_for(BACKEND, NO_CALLER)


def test_without_the_callers_token_there_is_no_access() -> None:
    with pytest.raises(TokenRequiredError, match=r"source own .* Authorization: Bearer, .* EHR_TOKEN$"):
        ways(CALLER).access_for(CALLER, NO_CALLER)


async def test_nothing_shows_the_token_and_only_the_caller_can_renew_it() -> None:
    access = ways(CALLER).access_for(CALLER, Caller("tok-a", "scope-a"))
    assert "tok-a" not in repr(access) + repr(Caller("tok-a", "scope-a"))
    assert not await access.renew(await access.headers())
    assert "tok-a" not in access.advice(401) + access.advice(403)


async def test_a_token_goes_to_the_source_that_was_named_and_to_no_other() -> None:
    made = ways(OPEN, CALLER, BACKEND)
    someone = Caller("tok-a", "scope-a")
    assert made.access_for_other(OPEN, someone) == NoAccess()
    assert made.access_for_other(BACKEND, someone) is made.access_for(BACKEND, someone)
    for caller in (someone, NO_CALLER):
        access = made.access_for_other(CALLER, caller)
        with pytest.raises(AuthorisationError, match="source own: it requires its own token of the caller"):
            await access.headers()
        assert not await access.renew({})


@pytest.mark.parametrize("source", [BACKEND, replace(OPEN, tls=Tls(ca_file=Path("/nowhere/ca.pem")))])
def test_credentials_that_cannot_be_used_are_told_at_start(source: Source) -> None:
    with pytest.raises(CredentialError, match=f"source {source.id}: "):
        Authorisations([source], HttpClients(), {})


@pytest.mark.parametrize(
    ("text", "whether"),
    [
        ("abc.DEF-123_~+/==", True),
        ("", False),
        ("=", False),
        ("a b", False),
        ("a\r\nX-Evil: 1", False),
        ("a\n", False),
        ("tökén", False),
        ("x" * 16_385, False),
    ],
)
def test_what_can_be_a_token(text: str, whether: bool) -> None:
    assert is_token(text) is whether

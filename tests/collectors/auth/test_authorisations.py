"""Whose authorisation goes with a question, and what is said where there is none."""

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from collectors.auth.authorisations import NO_CALLER, Authorisations, Caller, is_of_call, is_token
from collectors.auth.backend import BackendAccess
from collectors.auth.permissions import EVERYTHING, Permissions
from collectors.errors import AuthorisationError, CredentialError, ScopeError, TokenRequiredError
from collectors.fetching.access import CallerAccess, NoAccess, WithheldAccess
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


BOUND = Caller(None, "scope-b", Permissions.from_scopes("patient/Observation.rs"), frozenset({"open", "backend"}))


async def test_a_caller_with_scopes_is_limited_to_them_at_every_source() -> None:
    made = ways(OPEN, CALLER, BACKEND)
    bound = replace(BOUND, sources=frozenset({OPEN.id, BACKEND.id, CALLER.id}))
    for source, caller in ((OPEN, bound), (BACKEND, bound), (CALLER, replace(bound, token="tok-a"))):
        access = made.access_for(source, caller)
        plain = made.access_for(source, Caller(caller.token, "scope-b"))
        access.check_search("Observation")
        plain.check_search("Condition")
        access.check_read("Observation")
        plain.check_read("Condition")
        with pytest.raises(ScopeError, match=r"scope Condition\.rs"):
            access.check_search("Condition")
        with pytest.raises(ScopeError, match=r"scope Condition\.r\)"):
            access.check_read("Condition")
        # What is kept or shared for others is neither the caller's nor theirs.
        assert access.scope not in {plain.scope, made.access_for(source, replace(caller, scope="scope-c")).scope}
        assert access.advice(401) == plain.advice(401)
    access = made.access_for(CALLER, replace(bound, token="tok-a"))
    assert await access.headers() == {"Authorization": "Bearer tok-a"} and not await access.renew({})


async def test_a_source_for_which_the_issuer_does_not_speak_is_withheld() -> None:
    made = ways(OPEN, CALLER, BACKEND)
    for source in (OPEN, BACKEND, CALLER):
        access = made.access_for_other(source, replace(BOUND, sources=frozenset({"another"})))
        with pytest.raises(AuthorisationError, match=f"source {source.id}: the caller's token is not for this source"):
            await access.headers()
        for check in (access.check_search, access.check_read):
            with pytest.raises(AuthorisationError, match="is not for this source"):
                check("Observation")
    with pytest.raises(ScopeError):
        made.access_for_other(OPEN, BOUND).check_search("Condition")


OF_CALL = Caller("tok-a", "scope-a", EVERYTHING, frozenset({"open", "own", "backend"}), call_only=True)
BARE = replace(OF_CALL, token=None)
WITH_CERTIFICATE = replace(OPEN, tls=Tls(cert_file=Path("/nowhere/ours.pem")))


@pytest.mark.parametrize("source", [OPEN, CALLER, BACKEND], ids=lambda each: each.auth)
async def test_a_call_goes_by_its_own_token_alone_whatever_way_the_source_has(source: Source) -> None:
    access = ways(OPEN, CALLER, BACKEND).access_for(source, OF_CALL)
    assert is_of_call(access) and await access.headers() == {"Authorization": "Bearer tok-a"}
    # Not even after a 401 is one of ours taken.
    assert not await access.renew(await access.headers())
    narrow = replace(OF_CALL, permissions=Permissions.from_scopes("patient/Patient.rs"))
    for check in ("check_search", "check_read"):
        with pytest.raises(ScopeError, match="the token that came with the call does not permit it"):
            getattr(ways(OPEN, CALLER, BACKEND).access_for(source, narrow), check)("Observation")


async def test_a_call_without_a_token_is_let_in_only_where_none_is_asked_for() -> None:
    made = ways(OPEN, CALLER, BACKEND)
    assert await made.access_for(OPEN, BARE).headers() == {}
    # A certificate is a right of ours, too.
    for source in (CALLER, BACKEND, WITH_CERTIFICATE):
        access = made.access_for(source, BARE)
        assert isinstance(access, WithheldAccess)
        with pytest.raises(AuthorisationError, match="no token came with the call"):
            await access.headers()


async def test_a_call_that_names_no_server_fetches_nothing() -> None:
    made = ways(OPEN, CALLER, BACKEND)
    for source in (OPEN, CALLER, BACKEND):
        with pytest.raises(AuthorisationError, match="it names none"):
            await made.access_for(source, replace(OF_CALL, withheld="it names none")).headers()


def test_whoever_calls_and_by_what_is_part_of_what_is_kept() -> None:
    made = replace(OF_CALL, identity=("hooks", "a"))
    others = (
        replace(made, identity=("hooks", "b")),
        replace(made, token="tok-b"),
        replace(made, permissions=Permissions.from_scopes("patient/*.rs")),
        replace(made, patient=("own", "q")),
    )
    texts = [each.scope_text for each in (made, *others)]
    assert len(set(texts)) == len(texts)

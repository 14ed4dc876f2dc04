"""Tokens of clients: which one call each is good for, by whose keys, and everything that is refused."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from server.errors import SettingsError
from server.hooks.client_tokens import LONGEST_JTI, PUBLISHED_KEYS, HookClients
from server.hooks.clients import HookClient
from server.hooks.errors import HookError, KeysUnavailableError, NotAuthenticatedError, ReplayStoreError
from server.hooks.replay import Replays
from tests.support.authorisation_server import ec_key, pem, rsa_key
from tests.support.hook_calls import PUBLIC_URL, Ehr, hook_site
from tests.support.token_issuer import KID, NOW, Clock, TokenIssuer, jwk_of, send_json

PATH = "/egfr-view"
EHR = HookClient("ehr-client", frozenset({"ehr"}))
STRANGER = ec.generate_private_key(ec.SECP384R1())


class Door:
    """What lets calls in: the clients of some settings, and what they used, by a clock that stands still."""

    def __init__(self, *clients: dict[str, Any]) -> None:
        self.clock = Clock()
        self.replays = Replays(None, b"k" * 32, self.clock.monotonic)
        self.clients = HookClients(hook_site(*clients), clock=self.clock.monotonic, wall=self.clock.wall)

    async def let_in(self, *headers: str, path: str = PATH) -> HookClient:
        return await self.clients.door(self.replays)(headers, path)

    async def status(self, token: str, path: str = PATH) -> int:
        try:
            await self.let_in(f"Bearer {token}", path=path)
        except HookError as error:
            assert token not in str(error)
            return error.status
        return 200


@pytest.fixture
async def ehr() -> AsyncIterator[Ehr]:
    async with TokenIssuer.listening() as issuer:
        yield Ehr(issuer)


@pytest.fixture
async def door(ehr: Ehr) -> AsyncIterator[Door]:
    made = Door(ehr.settings())
    yield made
    await made.clients.aclose()


async def test_a_token_of_a_client_lets_one_call_in(ehr: Ehr, door: Door) -> None:
    """CDS-176: who calls is known by a signed JWT.  CDS-199: without jku, its keys were told out of band."""
    token = ehr.token()
    assert await door.let_in(f"Bearer {token}") == EHR
    with pytest.raises(NotAuthenticatedError, match="used before"):
        await door.let_in(f"Bearer {token}")
    assert await door.let_in(f"bearer  {ehr.token()}") == EHR


@pytest.mark.parametrize("number", range(3))
async def test_of_eight_at_once_exactly_one_passes(ehr: Ehr, door: Door, number: int) -> None:
    if number:
        # The keys are at hand already, or not.
        assert await door.status(ehr.token()) == 200
    same = [ehr.token(jti="one")] * 4 + [ehr.token(jti="one", exp=int(NOW) + 100) for _ in range(4)]
    statuses = await asyncio.gather(*map(door.status, same))
    assert sorted(statuses) == [200] + [401] * 7


GOOD_CLAIMS: list[dict[str, Any]] = [
    {"aud": [f"{PUBLIC_URL}/cds-services{PATH}"]},
    {"tenant": "hospital-7", "sub": "x", "azp": 5, "extension": {"a": [1]}},
    {"iat": NOW - 0.5, "exp": NOW + 500.5},
    {"nbf": int(NOW) - 5},
    {"nbf": int(NOW) + 59},
    {"iat": int(NOW) + 59, "exp": int(NOW) + 100},
    {"iat": int(NOW) - 300, "exp": int(NOW) - 59},
    {"iat": int(NOW), "exp": int(NOW) + 600},
    {"jti": "j" * LONGEST_JTI},
    {"jti": "ü€"},
]


@pytest.mark.parametrize("claims", GOOD_CLAIMS, ids=repr)
async def test_what_is_let(ehr: Ehr, door: Door, claims: dict[str, Any]) -> None:
    assert await door.status(ehr.token(**claims)) == 200


BAD_CLAIMS: list[dict[str, Any]] = [
    {"aud": None},
    {"aud": []},
    {"aud": ""},
    {"aud": f"{PUBLIC_URL}/cds-services"},
    {"aud": f"{PUBLIC_URL}/cds-services{PATH}/"},
    {"aud": f"{PUBLIC_URL}/cds-services{PATH}/feedback"},
    {"aud": f"{PUBLIC_URL}/cds-services/other"},
    {"aud": f"http://cds.example/cds-services{PATH}"},
    {"aud": f"{PUBLIC_URL.upper()}/cds-services{PATH}"},
    {"aud": f"https://evil.example/cds-services{PATH}"},
    {"aud": [f"{PUBLIC_URL}/cds-services{PATH}", "https://other.example"]},
    {"aud": [f"{PUBLIC_URL}/cds-services{PATH}"] * 2},
    {"aud": [[f"{PUBLIC_URL}/cds-services{PATH}"]]},
    {"aud": {"a": f"{PUBLIC_URL}/cds-services{PATH}"}},
    {"iss": None},
    {"iss": "https://stranger.example"},
    {"iat": None},
    {"iat": "now"},
    {"iat": True},
    {"iat": [1]},
    {"iat": int(NOW) + 61, "exp": int(NOW) + 100},
    {"exp": None},
    {"exp": "later"},
    {"exp": int(NOW) - 60},
    {"exp": int(NOW) + 600},  # 601 s after iat
    {"iat": int(NOW) - 86_400, "exp": int(NOW) + 100},
    {"exp": int(NOW) + 86_400},
    {"iat": int(NOW) + 30, "exp": int(NOW) + 30},
    {"iat": int(NOW) + 30, "exp": int(NOW) + 20},
    {"nbf": int(NOW) + 61},
    {"nbf": "soon"},
    {"jti": None},
    {"jti": ""},
    {"jti": 5},
    {"jti": ["a"]},
    {"jti": "j" * (LONGEST_JTI + 1)},
]


@pytest.mark.parametrize("claims", BAD_CLAIMS, ids=repr)
async def test_other_claims_are_refused_and_nothing_is_fetched(ehr: Ehr, door: Door, claims: dict[str, Any]) -> None:
    assert await door.status(ehr.token(**claims)) == 401
    assert ehr.issuer.fetches == 0


async def test_feedback_has_an_address_of_its_own(ehr: Ehr, door: Door) -> None:
    feedback = f"{PATH}/feedback"
    assert await door.status(ehr.token(feedback), feedback) == 200
    assert await door.status(ehr.token(PATH), feedback) == 401
    assert await door.status(ehr.token("/other"), "/other") == 200


BAD_HEADERS: list[Callable[[str], Mapping[str, Any]]] = [
    lambda url: {"jku": "https://evil.example/jwks"},
    lambda url: {"jku": f"{url}/jwks#a"},
    lambda url: {"jku": f"{url}/jwks/"},
    lambda url: {"jku": f"{url}/jwks?a"},
    lambda url: {"jku": f"{url}/other/jwks"},
    lambda url: {"jku": url.replace("http", "HTTP") + "/jwks"},
    lambda url: {"jku": f" {url}/jwks"},
    lambda url: {"jku": [f"{url}/jwks"]},
    lambda url: {"jku": ""},
    lambda url: {"typ": "at+jwt"},
    lambda url: {"typ": "id_token"},
    lambda url: {"typ": 5},
    lambda url: {"crit": ["exp"], "exp": 1},
    lambda url: {"kid": None},
    lambda url: {"kid": ""},
    *(lambda url, kid=kid: {"kid": kid} for kid in PUBLISHED_KEYS),
]


@pytest.mark.parametrize("header", BAD_HEADERS)
async def test_other_headers_are_refused_and_nothing_is_fetched(
    ehr: Ehr, door: Door, header: Callable[[str], Mapping[str, Any]]
) -> None:
    assert await door.status(ehr.token(header=header(ehr.issuer.url))) == 401
    assert ehr.issuer.fetches == 0


async def test_the_one_key_set_may_be_named_and_the_type_left_out(ehr: Ehr, door: Door) -> None:
    assert await door.status(ehr.token(header={"jku": f"{ehr.issuer.url}/jwks"})) == 200
    assert await door.status(ehr.token(header={"typ": "jwt"})) == 200
    assert await door.status(ehr.token(header={"jwk": jwk_of(STRANGER), "x5u": "https://evil.example"})) == 200
    # PyJWT writes a type of its own unless it is told that there is none.
    bare = jwt.encode(ehr.claims(), ec_key(), "ES384", {"kid": KID, "typ": None})
    assert "typ" not in jwt.get_unverified_header(bare)
    assert await door.status(bare) == 200


async def test_a_client_never_calls_by_the_keys_of_another(ehr: Ehr) -> None:
    async with TokenIssuer.listening() as elsewhere:
        elsewhere.keys = [jwk_of(STRANGER)]
        other = Ehr(elsewhere, "other")
        door = Door(ehr.settings(), other.settings())
        stolen = elsewhere.token(ehr.claims(), STRANGER, typ="JWT")
        assert await door.status(stolen) == 401
        named = elsewhere.token(ehr.claims(), STRANGER, typ="JWT", jku=f"{elsewhere.url}/jwks")
        assert await door.status(named) == 401
        assert elsewhere.fetches == 0
        assert await door.status(elsewhere.token(other.claims(jti="same"), STRANGER, typ="JWT")) == 200
        # What one client used is no other client's.
        assert await door.status(ehr.token(jti="same")) == 200
        await door.clients.aclose()


@pytest.mark.parametrize("algorithm", ["ES256", "ES512", "RS256", "RS512", "PS384", "EdDSA"])
async def test_only_two_algorithms_are_accepted(ehr: Ehr, door: Door, algorithm: str) -> None:
    keys: dict[str, Any] = {"ES256": ec_key(ec.SECP256R1()), "ES512": ec_key(ec.SECP521R1())}
    if algorithm == "EdDSA":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        key: Any = Ed25519PrivateKey.generate()
    else:
        key = keys.get(algorithm, rsa_key())
    ehr.issuer.keys = [jwk_of(key)]
    assert await door.status(ehr.issuer.token(ehr.claims(), key, algorithm)) == 401
    assert ehr.issuer.fetches == 0


async def test_rs384_is_as_good_as_es384(ehr: Ehr, door: Door) -> None:
    ehr.issuer.keys = [jwk_of(rsa_key())]
    assert await door.status(ehr.issuer.token(ehr.claims(), rsa_key(), "RS384")) == 200


async def test_what_nobody_signed_or_anybody_could_is_refused(ehr: Ehr, door: Door) -> None:
    """CDS-201: no unsecured JWT.  CDS-203: none that is signed with a shared secret, nor with a public key as one."""
    public = ec_key().public_key()
    shared = [b"s" * 64, pem(ec_key()).encode(), str(jwk_of(ec_key())).encode(), public.public_numbers().x.to_bytes(48)]
    tokens = [jwt.encode(ehr.claims(), "", "none", {"kid": KID})]
    tokens += [_signed_hs(ehr.claims(), secret, name) for secret in shared for name in ("HS256", "HS384", "HS512")]
    good = ehr.token()
    head, payload, signature = good.split(".")
    tokens += [f"{head}.{payload}.", f"{head}.{payload}.{signature[:-4]}", f"{head}.{payload}.{'A' * 128}"]
    for name in ("None", "NONE", "nOnE", "hs256", "es384", ["ES384"], None, 5, {"a": 1}):
        tokens.append(f"{_encode({'alg': name, 'kid': KID, 'typ': 'JWT'})}.{payload}.{signature}")
        tokens.append(f"{_encode({'alg': name, 'kid': KID, 'typ': 'JWT'})}.{payload}.")
    for token in tokens:
        assert await door.status(token) == 401
    assert await door.status(good) == 200


@pytest.mark.parametrize(
    "headers",
    [
        (), ("",), ("Bearer",), ("Bearer ",), ("Basic dTpw",), ("Bearer x.y.z",), ("Bearer opaque",), ("Bearer a b",),
        ("Bearer a\r\nb",), ("Bearer {}",), ("Bearer ..",), ("Bearer " + "a" * 20_000,), ("Bearer e30.e30.e30",),
    ],
)  # fmt: skip
async def test_what_is_no_token_is_refused(door: Door, headers: tuple[str, ...]) -> None:
    with pytest.raises(NotAuthenticatedError) as caught:
        await door.let_in(*headers)
    is_given = bool(headers) and headers[0].startswith("Bearer")
    challenge = caught.value.headers["WWW-Authenticate"]
    assert challenge == ('Bearer error="invalid_token"' if is_given else "Bearer")


async def test_two_tokens_are_none(ehr: Ehr, door: Door) -> None:
    with pytest.raises(NotAuthenticatedError):
        await door.let_in(f"Bearer {ehr.token()}", f"Bearer {ehr.token()}")
    with pytest.raises(NotAuthenticatedError):
        await door.let_in(f"Bearer {ehr.token()}, Bearer {ehr.token()}")


async def test_a_changed_claim_is_not_what_was_signed(ehr: Ehr, door: Door) -> None:
    head, _, signature = ehr.token().split(".")
    assert await door.status(f"{head}.{_encode(ehr.claims())}.{signature}") == 401


async def test_a_token_that_was_refused_is_not_used_up(ehr: Ehr, door: Door) -> None:
    forged = ehr.issuer.token(ehr.claims(jti="mine"), STRANGER)
    assert await door.status(forged) == 401
    assert await door.status(ehr.token(jti="mine")) == 200


async def test_a_flood_of_invented_keys_is_one_fetch(ehr: Ehr, door: Door) -> None:
    async def invented(number: int) -> int:
        return await door.status(ehr.issuer.token(ehr.claims(), STRANGER, kid=f"invented-{number}"))

    assert set(await asyncio.gather(*map(invented, range(100)))) == {401}
    assert ehr.issuer.fetches == 1
    door.clock.passed = 10.1
    assert set(await asyncio.gather(*map(invented, range(100, 150)))) == {401}
    assert ehr.issuer.fetches == 2
    assert await door.status(ehr.token()) == 200
    assert ehr.issuer.fetches == 2


async def test_keys_that_cannot_be_had_refuse_nobody_for_good(ehr: Ehr, door: Door) -> None:
    async def redirect(writer: asyncio.StreamWriter) -> None:
        await send_json(writer, {}, "302 Found", Location="http://127.0.0.1:9/jwks")

    ehr.issuer.misbehave = redirect
    token = ehr.token()
    with pytest.raises(KeysUnavailableError) as caught:
        await door.let_in(f"Bearer {token}")
    assert int(caught.value.headers["Retry-After"]) > 0
    # Nobody has proven who they are yet: the names of our settings are not for them.
    assert "ehr" not in str(caught.value)
    (fault,) = await door.clients.faults()
    assert fault.startswith("hooks client ehr-client: its key set cannot be retrieved: it redirects (302)")
    ehr.issuer.misbehave = None
    door.clock.passed = 11
    assert await door.status(token) == 200
    assert await door.clients.faults() == []


async def test_a_token_is_remembered_as_long_as_it_can_live(ehr: Ehr, door: Door) -> None:
    token = ehr.token(iat=int(NOW), exp=int(NOW) + 600)
    assert await door.status(token) == 200
    for passed in (0.0, 599.0, 659.0, 661.0, 719.0, 800.0):
        door.clock.passed = passed
        assert await door.status(token) == 401


async def test_keys_may_lie_in_a_file(ehr: Ehr, tmp_path: Path) -> None:
    """CDS-199: the key set is told out of band."""
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": ehr.issuer.keys}))
    door = Door(ehr.settings(jwks_url=None, jwks_file=str(file)))
    assert await door.status(ehr.token()) == 200
    # Whatever address is named: nothing is fetched, and the file decides.
    assert await door.status(ehr.token(header={"jku": "https://ehr.example/jwks.json"})) == 200
    assert await door.status(ehr.issuer.token(ehr.claims(), STRANGER, jku=f"{ehr.issuer.url}/jwks")) == 401
    assert ehr.issuer.fetches == 0
    file.write_text(json.dumps({"keys": [jwk_of(STRANGER)]}))
    door.clock.passed = 61
    assert await door.status(ehr.issuer.token(ehr.claims(), STRANGER)) == 200
    assert await door.status(ehr.token()) == 401
    file.unlink()
    door.clock.passed = 1000
    assert await door.status(ehr.issuer.token(ehr.claims(iat=int(NOW) + 999, exp=int(NOW) + 1100), STRANGER)) == 503
    assert await door.clients.faults() == [
        "hooks client ehr-client: its key set cannot be retrieved: the file cannot be read"
    ]
    await door.clients.aclose()


@pytest.mark.parametrize("content", [None, "", "{", "[]", "{}", '{"keys": {}}', " " * 300_000 + '{"keys": []}'])
def test_a_file_without_keys_stops_the_start(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "keys.json"
    if content is not None:
        file.write_text(content)
    client = {"id": "ehr", "issuer": "https://ehr.example", "jwks_file": str(file), "sources": ["ehr"]}
    with pytest.raises(SettingsError, match="hooks client ehr: jwks_file cannot be used"):
        HookClients(hook_site(client))


async def test_the_log_says_why_and_nothing_of_the_token(
    ehr: Ehr, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="medtwin")
    token = ehr.token(aud="https://hunter2.example", jti="hunter2")
    assert await door.status(token) == 401
    assert (
        "a call was refused: the token is not accepted: it was not issued for the address that is called" in caplog.text
    )
    assert "hunter2" not in caplog.text
    assert token not in caplog.text


async def test_a_store_that_cannot_say_lets_nobody_in(ehr: Ehr, door: Door) -> None:
    door.replays = Replays(None, b"k" * 32, door.clock.monotonic, most=2)
    assert await door.status(ehr.token()) == 200
    assert await door.status(ehr.token()) == 200
    with pytest.raises(ReplayStoreError):
        await door.let_in(f"Bearer {ehr.token()}")


def _encode(part: Any) -> str:
    return jwt.utils.base64url_encode(json.dumps(part).encode()).decode()


def _signed_hs(claims: Mapping[str, Any], secret: bytes, algorithm: str) -> str:
    """Signed by hand: PyJWT refuses to take a public key for a secret."""
    import hashlib
    import hmac

    text = f"{_encode({'alg': algorithm, 'kid': KID, 'typ': 'JWT'})}.{_encode(claims)}"
    name = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}[algorithm]
    made = hmac.new(secret, text.encode(), getattr(hashlib, name)).digest()
    return f"{text}.{jwt.utils.base64url_encode(made).decode()}"

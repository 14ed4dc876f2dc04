"""Keys made for the tests, and an authorisation server that is a function."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import cache, partial
from typing import Any
from urllib.parse import parse_qs

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from collectors.auth.backend import BackendAccess
from collectors.auth.registration import Registration
from collectors.auth.signing_key import SigningKey, read_key
from collectors.settings import Source

BASE = "https://ehr.example/fhir"
TOKEN_URL = "https://auth.example/oauth2/token"
SOURCE = Source(id="ehr", base_url=BASE, auth="backend", timeout=2)

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


_rsa = cache(partial(rsa.generate_private_key, 65537))
_ec = cache(ec.generate_private_key)
CURVE = ec.SECP384R1()


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """The one RSA key of this length."""
    return _rsa(bits)


def ec_key(curve: ec.EllipticCurve = CURVE) -> ec.EllipticCurvePrivateKey:
    """The one key on this curve."""
    return _ec(curve)


def pem(key: Any, passphrase: bytes | None = None, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    sealed = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    return str(key.private_bytes(Encoding.PEM, form, sealed).decode())


def make_signing_key(kind: str = "EC", kid: str | None = "key-1") -> SigningKey:
    return read_key(pem(rsa_key() if kind == "RSA" else ec_key()), kid)


def make_registration(kind: str = "EC", token_url: str | None = TOKEN_URL, **more: Any) -> Registration:
    return Registration("medtwin-client", make_signing_key(kind), "system/*.rs", token_url, **more)


Answer = httpx.Response | Exception | Callable[[httpx.Request], Awaitable[httpx.Response]]


class AuthServer:
    """Gives a new token for each request, or the answers given; keeps the requests.  ``clock`` stands still."""

    def __init__(self, *answers: Answer, lifetime: object = 300, discovery: Answer | None = None) -> None:
        self.answers = list(answers)
        self.lifetime = lifetime
        self.discovery = discovery
        self.requests: list[httpx.Request] = []
        self.given = 0
        self.clock = 1000.0

    def access(self, registered: Registration | None = None, source: Source = SOURCE) -> BackendAccess:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
        return BackendAccess(
            http, source, registered or make_registration(), lambda: self.clock, lambda: 1_800_000_000.5
        )

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        await asyncio.sleep(0)
        if request.method == "GET":
            answer: Answer | None = self.discovery
        else:
            answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            return self.token()
        return answer if isinstance(answer, httpx.Response) else await answer(request)

    def token(self, **more: Any) -> httpx.Response:
        self.given += 1
        fields = {"access_token": f"tok-{self.given}", "token_type": "bearer", "expires_in": self.lifetime, **more}
        return httpx.Response(200, json={name: value for name, value in fields.items() if value is not None})


def form(request: httpx.Request) -> dict[str, str]:
    return {name: value for name, [value] in parse_qs(request.content.decode(), strict_parsing=True).items()}


def verified_claims(token: str, key: Private, algorithm: str, audience: str = TOKEN_URL) -> dict[str, Any]:
    """The claims, checked as the authorisation server would."""
    options: Any = {"verify_exp": False, "require": ["iss", "sub", "aud", "exp", "jti"]}
    return jwt.decode(token, key.public_key(), algorithms=[algorithm], audience=audience, options=options)

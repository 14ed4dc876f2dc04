"""Tokens: where they are in a request, what they say as far as it needs no key, and how they are refused.

A token may be a JWT, or the answer of an introspection endpoint: both carry the same claims.  Every refusal has one of
a fixed number of texts; none holds anything out of the token.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from collectors.auth.authorisations import is_token
from server.access.grant import Audiences, Grant
from server.errors import AccessRefusedError
from server.settings import IssuerSettings

LEEWAY = 60.0
"""Seconds by which the clocks of issuer and server may differ."""

# FHIR R4, 2.24.0.1
_FHIR_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+={0,2}")
_LATEST = 253402300800.0
"""The year 10000, in seconds since 1970."""

Claims = Mapping[str, Any]


def token_required() -> AccessRefusedError:
    """401: the request brings no bearer token (RFC 6750, 3.1: then without an error code in the header)."""
    text = "a question needs a token of the caller: send it as Authorization: Bearer"
    return AccessRefusedError("token-required", text, 401, {"WWW-Authenticate": "Bearer"})


def invalid_token(why: str) -> AccessRefusedError:
    """401: a token was given and is not accepted; ``why`` is a fixed text."""
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return AccessRefusedError("invalid-token", f"the token is not accepted: {why}", 401, headers)


def issuer_unreachable(issuer: str, retry_after: int) -> AccessRefusedError:
    """503: whether the token is good cannot be known now."""
    text = f"the token cannot be checked now: issuer {issuer} does not answer as it should"
    return AccessRefusedError("issuer-unreachable", text, 503, {"Retry-After": str(retry_after)})


def bearer_token(headers: Sequence[str]) -> str | None:
    """The bearer token in the Authorization headers of a request.

    None where there is none: another scheme is between the caller and a proxy before us, and is not passed on.
    Raises ValueError for several headers, and for a bearer token that can be none.
    """
    if len(headers) > 1:
        raise ValueError("there may be one Authorization header")
    scheme, _, value = (headers[0] if headers else "").strip().partition(" ")
    if scheme.lower() != "bearer":
        return None
    token = value.strip(" ")
    if not is_token(token):
        raise ValueError("what follows Bearer is no token")
    return token


@dataclass(frozen=True, slots=True)
class UncheckedJwt:
    """Header and payload of a JWT whose signature nobody has checked: good for finding its issuer and key, no more."""

    header: dict[str, Any]
    claims: dict[str, Any]


def read_jwt(token: str) -> UncheckedJwt | None:
    """The parts of a JWT; None where the token is opaque.

    Raises AccessRefusedError for a token that begins as a JWT and is none.
    """
    parts = token.split(".")
    header = _json_object(parts[0]) if len(parts) == 3 else None
    if header is None or "alg" not in header:
        return None
    claims = _json_object(parts[1])
    if claims is None:
        raise invalid_token("it cannot be read")
    return UncheckedJwt(header, claims)


def _json_object(part: str) -> dict[str, Any] | None:
    if _BASE64URL.fullmatch(part) is None:
        return None
    try:
        found = msgspec.json.decode(base64.urlsafe_b64decode(part.rstrip("=") + "=" * (-len(part.rstrip("=")) % 4)))
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def check_times(claims: Claims, now: float) -> float:
    """When it expires, in seconds since 1970.

    Raises AccessRefusedError outside the time for which it was issued, and where nothing states when it expires: SMART
    App Launch 2.2 requires that of an introspection endpoint, too.
    """
    expires = read_time(claims, "exp")
    if expires is None:
        raise invalid_token("it does not state when it expires (exp)")
    if expires <= now - LEEWAY:
        raise invalid_token("it has expired; get a new one")
    begins = read_time(claims, "nbf")
    if begins is not None and begins > now + LEEWAY:
        raise invalid_token("it is not valid yet; compare the clocks of issuer and server")
    return expires


def read_time(claims: Claims, name: str) -> float | None:
    """A claim that is a time, in seconds since 1970; None where there is none.  Raises AccessRefusedError."""
    if name not in claims:
        return None
    time = claims[name]
    if isinstance(time, bool) or not isinstance(time, int | float) or not 0 <= time < _LATEST:
        raise invalid_token(f"its {name} is not a time")
    return float(time)


def read_audience(claims: Claims) -> frozenset[str]:
    """For whom it was issued.  Raises AccessRefusedError where that is neither a text nor a list of texts."""
    given = claims.get("aud", [])
    found = [given] if isinstance(given, str) else given
    if not isinstance(found, list) or not all(isinstance(each, str) and each for each in found):
        raise invalid_token("its audience (aud) cannot be read")
    return frozenset(found)


def make_grant(claims: Claims, issuer: IssuerSettings, audiences: Audiences, token: str, expires: float) -> Grant:
    """What a token whose origin, time and audience were checked allows.

    Raises AccessRefusedError where a claim that limits it cannot be read: no limit is ever dropped.
    """
    audience = read_audience(claims)
    return Grant(
        issuer=issuer.id,
        subject=_text(claims, "sub"),
        client=_text(claims, "client_id") or _text(claims, "azp"),
        sources=frozenset(issuer.sources),
        patient=_patient(claims),
        patient_source=audiences.patient_source(audience),
        any_patient=issuer.any_patient,
        scope=_scope(claims),
        audience=audience,
        own_audience=audiences.own,
        expires=expires,
        token=token,
    )


def _patient(claims: Claims) -> str | None:
    """The patient in context (SMART App Launch 2.2): one id, or none."""
    if "patient" not in claims:
        return None
    patient = claims["patient"]
    if not isinstance(patient, str) or _FHIR_ID.fullmatch(patient) is None:
        raise invalid_token("its patient is not one FHIR id")
    return patient


def _scope(claims: Claims) -> str:
    """The scopes, separated by spaces; some servers send a list instead (RFC 9068 has the text)."""
    given = claims.get("scope", "")
    if isinstance(given, list) and all(isinstance(each, str) and " " not in each for each in given):
        return " ".join(given)
    if not isinstance(given, str):
        raise invalid_token("its scope cannot be read")
    return given


def _text(claims: Claims, name: str) -> str:
    given = claims.get(name, "")
    if not isinstance(given, str):
        raise invalid_token(f"its {name} is not a text")
    return given

"""What a token endpoint says: a token and how long it holds, or why there is none.

No text of an error has anything in it that an endpoint said, but for the error codes of OAuth 2.0.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from collectors.errors import AuthorisationError, CollectorError, SourceAnswerError, SourceUnreachableError

LONGEST = 24 * 3600.0
"""Seconds for which a token is kept at most, whatever is said of it."""

_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
# RFC 6749, 5.2: what each means to the operator of a registered client.
_REFUSED = {
    "invalid_client": "check backend.client_id, backend.key_id and the public key that is registered there",
    "unauthorized_client": "this client is not registered for the client_credentials grant",
    "unsupported_grant_type": "it does not offer the client_credentials grant",
    "invalid_scope": "it grants this client none of backend.scope",
    "invalid_grant": "it does not accept the assertion",
    "invalid_request": "it takes the request for malformed",
}
_PASSING = frozenset({"temporarily_unavailable", "server_error"})


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token, and for how many seconds it holds from when it was given."""

    value: str = field(repr=False)
    lifetime: float


def read_token(status: int, said: Mapping[str, Any] | None, where: str) -> Token:
    """The token in an answer of the endpoint (``said``: its JSON object, None where it is none).

    Raises AuthorisationError where the endpoint refuses us, SourceUnreachableError where it cannot answer now, and
    SourceAnswerError where it answers with something else; ``where`` names the source in their texts.
    """
    if status != 200:
        raise refusal(status, said, where)
    if said is None:
        raise SourceAnswerError(f"{where}: its token endpoint answers with something else than a JSON object")
    value, kind = said.get("access_token"), said.get("token_type")
    if not isinstance(value, str) or _TOKEN.fullmatch(value) is None:
        raise SourceAnswerError(f"{where}: its token endpoint gives no token that can be sent")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise SourceAnswerError(f"{where}: its token endpoint gives a token that is no bearer token")
    lifetime = _seconds(said.get("expires_in"))
    if lifetime is None:
        raise SourceAnswerError(f"{where}: its token endpoint does not say for how long the token holds (expires_in)")
    return Token(value, min(lifetime, LONGEST))


def refusal(status: int, said: Mapping[str, Any] | None, where: str) -> CollectorError:
    """What an answer other than 200 comes to."""
    given = said.get("error") if said is not None else None
    code = given if isinstance(given, str) else ""
    if code in _REFUSED:
        return AuthorisationError(f"{where}: its token endpoint refuses this client ({code}): {_REFUSED[code]}")
    if status == 429 or status >= 500 or code in _PASSING:
        return SourceUnreachableError(f"{where}: its token endpoint cannot answer now ({status})")
    if status in (401, 403):
        return AuthorisationError(f"{where}: its token endpoint refuses this client ({status})")
    return SourceAnswerError(f"{where}: its token endpoint answers {status} without a token")


def _seconds(given: object) -> float | None:
    # Some servers send the number as text.
    if isinstance(given, str) and re.fullmatch(r"[0-9]{1,12}", given):
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given < 1e12:
        return None
    return float(given)

"""The caller's token, as it stands in a request."""

from collections.abc import Sequence

from collectors.auth.ways import is_token


def bearer_token(headers: Sequence[str]) -> str | None:
    """The bearer token in the Authorization headers of a request.

    None where there is none: another scheme is between the caller and whatever stands before us, and goes nowhere.
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

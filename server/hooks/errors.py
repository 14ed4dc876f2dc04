"""Calls that are refused, and the OperationOutcome by which each is answered (CDS Hooks 2.0, HTTP status codes).

    MedtwinError
    └── ServerError
        └── HookError                     a call of a service is refused: status, code and text
            ├── MalformedCallError        400 the body, or a member of it, is not as CDS Hooks asks
            ├── ForbiddenServerError      400 its fhirServer is none of the client's
            ├── NotAuthenticatedError     401 no token of a client that is known; answered without a body
            ├── UnknownServiceError       404 there is no service of this id
            ├── WrongMethodError          405 this address has another method
            ├── SlowBodyError             408 the body did not come in time
            ├── UnobtainedError           412 searches that are needed were neither supplied nor fetched
            ├── TooLargeError             413 the body is larger than hooks.max_bytes
            ├── WrongMediaTypeError       415 the body is not declared as JSON
            ├── BusyError                 429 or 503 it is not let in now
            ├── KeysUnavailableError      503 the client's keys cannot be had now
            └── ReplayStoreError          503 whether the token was used before cannot be known now

Texts name members of the call, searches and settings; never a value that came with the call.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from server.errors import ServerError

SERVICES = "/cds-services"
MEDIA_TYPE = "application/json"
"""Of every answer: CDS Hooks exchanges JSON (2.0, use of JSON), and its clients are told of no other type.  An
OperationOutcome is here a document of CDS Hooks, not the answer of a FHIR interaction."""


def is_hook_path(path: str) -> bool:
    """Whether whatever is refused at this path is refused by an OperationOutcome."""
    return path == SERVICES or path.startswith(f"{SERVICES}/")


class HookError(ServerError):
    """A call is refused: ``status`` of HTTP, and ``code``, an issue type of FHIR (value set issue-type).

    ``headers`` are those that the answer needs besides.
    """

    status = 500
    code = "exception"

    def __init__(self, text: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.headers = dict(headers or {})

    @property
    def issues(self) -> Sequence[str]:
        """A text for each issue of its OperationOutcome."""
        return (str(self),)


class MalformedCallError(HookError):
    """The body, or a member of it, is not as CDS Hooks asks; ``code`` is ``structure``, ``required`` or ``value``."""

    status = 400

    def __init__(self, text: str, code: str = "value") -> None:
        super().__init__(text)
        self.code = code


class ForbiddenServerError(HookError):
    """The ``fhirServer`` of the call is not one that its client may name."""

    status, code = 400, "forbidden"


class NotAuthenticatedError(HookError):
    """The call brings no token that is accepted.  The text is for the log; the answer has no body."""

    status, code = 401, "login"

    def __init__(self, text: str, is_given: bool = True) -> None:
        challenge = 'Bearer error="invalid_token"' if is_given else "Bearer"
        super().__init__(text, {"WWW-Authenticate": challenge})


class UnknownServiceError(HookError):
    """There is no service of this id, or no services at all are offered here."""

    status, code = 404, "not-found"


class WrongMethodError(HookError):
    """The address is called by another method."""

    status, code = 405, "not-supported"

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__(f"this address is for {' and '.join(allowed)}", {"Allow": ", ".join(allowed)})


class SlowBodyError(HookError):
    """The body did not come in time."""

    status, code = 408, "timeout"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the body was not received within {seconds:g} s", {"Connection": "close"})


class UnobtainedError(HookError):
    """Searches that are needed were neither supplied nor could they be fetched.

    ``searches``: by prefetch key what each search is and why it was not had, in words.
    """

    status, code = 412, "incomplete"

    def __init__(self, searches: Sequence[tuple[str, str]]) -> None:
        super().__init__("data that is needed was neither prefetched nor fetched")
        self.searches = tuple(searches)

    @property
    def issues(self) -> Sequence[str]:
        """One for each search, so that it is seen at once which are missing."""
        return [f"{key}: {words}" for key, words in self.searches] or super().issues


class TooLargeError(HookError):
    """The body is larger than it may be."""

    status, code = 413, "too-long"

    def __init__(self, most: int) -> None:
        super().__init__(f"a body may have at most {most} bytes (hooks.max_bytes)", {"Connection": "close"})


class WrongMediaTypeError(HookError):
    """The body is not declared as JSON in UTF-8."""

    status, code = 415, "not-supported"


class BusyError(HookError):
    """The call is not let in now: too many a second (429), or more at once than can be answered (503)."""

    def __init__(self, text: str, status: int, retry_after: int) -> None:
        super().__init__(text, {"Retry-After": str(retry_after)})
        self.status = status
        self.code = "throttled" if status == 429 else "transient"


class KeysUnavailableError(HookError):
    """The key set of the client cannot be had now, so that its token cannot be checked."""

    status, code = 503, "transient"


class ReplayStoreError(HookError):
    """The shared cache cannot be reached: whether the token was used before is not known."""

    status, code = 503, "no-store"


def operation_outcome(code: str, texts: Sequence[str]) -> dict[str, Any]:
    """An OperationOutcome with an issue for each text."""
    issues = [{"severity": "error", "code": code, "diagnostics": text} for text in texts]
    return {"resourceType": "OperationOutcome", "issue": issues}


def outcome_response(
    status: int, code: str, texts: Sequence[str], headers: Mapping[str, str] | None = None
) -> Response:
    """An answer with an OperationOutcome."""
    return Response(msgspec.json.encode(operation_outcome(code, texts)), status, headers, media_type=MEDIA_TYPE)


def refusal(error: HookError) -> Response:
    """The answer to a call that is refused."""
    if error.status == 401:
        return Response(status_code=401, headers=error.headers)
    return outcome_response(error.status, error.code, error.issues, error.headers)

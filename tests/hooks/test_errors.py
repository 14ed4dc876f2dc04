"""Refusals: every one has a status and an issue type of FHIR, and an OperationOutcome but for 401."""

import pytest
from fhir.resources.R4B.operationoutcome import OperationOutcome

from server.hooks.errors import (
    BusyError,
    ForbiddenServerError,
    HookError,
    KeysUnavailableError,
    MalformedCallError,
    NotAuthenticatedError,
    ReplayStoreError,
    SlowBodyError,
    TooLargeError,
    UnknownServiceError,
    UnobtainedError,
    WrongMediaTypeError,
    WrongMethodError,
    is_hook_path,
    refusal,
)

ISSUE_TYPES = {
    "invalid", "structure", "required", "value", "invariant", "security", "login", "unknown", "expired", "forbidden",
    "suppressed", "processing", "not-supported", "duplicate", "multiple-matches", "not-found", "deleted", "too-long",
    "code-invalid", "extension", "too-costly", "business-rule", "conflict", "transient", "lock-error", "no-store",
    "exception", "timeout", "incomplete", "throttled", "informational",
}  # fmt: skip
"""https://hl7.org/fhir/R4/valueset-issue-type.html"""

REFUSALS: list[tuple[HookError, int]] = [
    (HookError("x"), 500),
    (MalformedCallError("x"), 400),
    (MalformedCallError("x", "structure"), 400),
    (MalformedCallError("x", "required"), 400),
    (ForbiddenServerError("x"), 400),
    (UnknownServiceError("x"), 404),
    (WrongMethodError(["POST"]), 405),
    (SlowBodyError(20), 408),
    (UnobtainedError([]), 412),
    (UnobtainedError([("a", "x"), ("b", "y")]), 412),
    (TooLargeError(10), 413),
    (WrongMediaTypeError("x"), 415),
    (BusyError("x", 429, 1), 429),
    (BusyError("x", 503, 5), 503),
    (KeysUnavailableError("x", {"Retry-After": "9"}), 503),
    (ReplayStoreError("x"), 503),
]


@pytest.mark.parametrize(("error", "status"), REFUSALS)
def test_a_refusal_is_an_operation_outcome(error: HookError, status: int) -> None:
    answer = refusal(error)
    told = OperationOutcome.model_validate_json(bytes(answer.body))
    assert answer.status_code == status
    assert answer.media_type == "application/json"
    assert {issue.code for issue in told.issue} == {error.code} <= ISSUE_TYPES
    assert [issue.diagnostics for issue in told.issue] == list(error.issues)
    assert all(answer.headers[name] == value for name, value in error.headers.items())


def test_who_is_not_known_is_told_nothing() -> None:
    for is_given, challenge in ((True, 'Bearer error="invalid_token"'), (False, "Bearer")):
        answer = refusal(NotAuthenticatedError("its key is unknown", is_given))
        assert (answer.status_code, answer.body) == (401, b"")
        assert answer.headers["www-authenticate"] == challenge
        assert "content-type" not in answer.headers


def test_every_kind_of_refusal_is_drawn_and_tested() -> None:
    from server.hooks import errors

    kinds = {each.__name__ for each in HookError.__subclasses__() if each.__module__ == errors.__name__}
    tested = {type(error).__name__ for error, _ in REFUSALS} | {"NotAuthenticatedError"}
    assert kinds == tested - {"HookError"}
    drawn = errors.__doc__ or ""
    assert [name for name in kinds if f"{name} " not in drawn] == []


def test_paths_of_services() -> None:
    assert all(map(is_hook_path, ("/cds-services", "/cds-services/", "/cds-services/x", "/cds-services/x/feedback")))
    assert not any(map(is_hook_path, ("", "/", "/cds", "/cds-servicesx", "/x/cds-services", "/CDS-services")))

"""Errors as GraphQL responses: ours keep their text and a code; any other is only an id, and logged.

Texts of exceptions that are not ours may hold anything, so they are neither sent nor logged; the log names the type
of the exception and where it was raised.
"""

import logging
import re
from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError

from ontology.errors import MedtwinError
from server.errors import log_unexpected

log = logging.getLogger("medtwin.graphql")

INVALID = "invalid-query"
INTERNAL = "internal"
# graphql-core repeats the value of an argument or variable that it refuses.
_REPEATED_VALUE = re.compile(r"(cannot represent [^:]*value): .*|, found:? .*", re.DOTALL)


def format_error(error: GraphQLError) -> dict[str, Any]:
    """One error of a response: its text, where it occurred, and ``extensions.code``."""
    cause = _root_cause(error)
    if cause is None:
        formatted = _error_object(
            _REPEATED_VALUE.sub(r"\1", error.message), (error.extensions or {}).get("code", INVALID)
        )
    elif isinstance(cause, MedtwinError):
        formatted = _error_object(str(cause), error_code(cause))
    else:
        formatted = internal_error(cause)
    if error.locations:
        formatted["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path:
        formatted["path"] = error.path
    return formatted


def internal_error(error: BaseException) -> dict[str, Any]:
    """The response to an unexpected exception, which is logged under an id without its text."""
    number = log_unexpected(error, log)
    return {"message": f"internal error {number}", "extensions": {"code": INTERNAL, "id": number}}


def error_code(error: MedtwinError) -> str:
    """The error's own code, or its name as one: PatientNotFoundError is ``patient-not-found``."""
    own = getattr(error, "code", None)
    if isinstance(own, str):
        return own
    return re.sub(r"(?<!^)(?=[A-Z])", "-", type(error).__name__.removesuffix("Error")).lower()


def errors_response(errors: Sequence[GraphQLError]) -> dict[str, Any]:
    """A response without data."""
    return {"errors": [format_error(error) for error in errors]}


def request_refused(code: str, text: str) -> dict[str, Any]:
    """The response to a malformed request."""
    return {"errors": [_error_object(text, code)]}


def _error_object(message: str, code: str) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": code}}


def _root_cause(error: GraphQLError) -> BaseException | None:
    """The exception beneath, through the layers that GraphQL wraps around it."""
    found: BaseException | None = error
    while isinstance(found, GraphQLError):
        found = found.original_error
    return found

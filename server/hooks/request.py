"""The body of a call of a service (CDS Hooks 2.0, calling a CDS Service, and the page of each hook): read and checked.

A body is JSON in the strict sense: UTF-8, no name twice in an object, no NaN, no half of a surrogate pair.  Members
that no page names pass.  Of what is required and decides nothing here (``hookInstance``, ``userId``) any text is taken,
and what is of no use here (``subject`` and ``expires_in`` of a token) is not asked for.  A text of refusal names a
member, and never repeats a value.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec

from collectors.auth.authorisations import is_token
from collectors.reading.readout import FHIR_ID
from collectors.reading.records import DuplicateNameError, decode_strict
from server.catalog.services import Hook, Service
from server.hooks.errors import MalformedCallError

Json: TypeAlias = Mapping[str, Any]

MOST_DEPTH = 100
"""Objects and arrays within each other: more than any honest record has."""
MOST_DRAFTS = 1000
"""Draft orders, and selections of them: more than anybody writes at once, and few enough to be judged in a moment."""
_LONGEST_URL = 2048
_LONGEST_TEXT = 16_384
_ADDRESS = re.compile(r"https?://[!-~]+")
_ORDER_HOOKS = (Hook.ORDER_SELECT, Hook.ORDER_SIGN)
_ENCOUNTER_HOOKS = (Hook.ENCOUNTER_START, Hook.ENCOUNTER_DISCHARGE)


@dataclass(frozen=True, slots=True)
class FhirAuthorization:
    """The EHR's own token for its FHIR server, which is never checked as a JWT: what it permits, the EHR decides.

    scope: the SMART scopes (version 1 or 2) that it has, as they were written.
    patient: the patient that it is limited to (FHIR id); None where that was not given.
    """

    access_token: str = field(repr=False)
    scope: str
    patient: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HookRequest:
    """One call of a service.

    hook: which hook fired.  instance: ``hookInstance``, which clients make a UUID.
    patient: FHIR id (``context.patientId``).  user: ``context.userId``.  encounter: ``context.encounterId``.
    fhir_server: base URL of the EHR's FHIR server, as it was written; None where nothing can be fetched.
    authorization: None where no token was given.
    prefetch: the values by key, null as None; no prefetch is an empty mapping.
    draft_orders: ``context.draftOrders``, a Bundle; None on hooks without it.
    selections: ``context.selections`` of order-select, references to draft orders; None on other hooks.
    """

    hook: str
    instance: str
    patient: str = field(repr=False)
    user: str | None = field(default=None, repr=False)
    encounter: str | None = field(default=None, repr=False)
    fhir_server: str | None = None
    authorization: FhirAuthorization | None = None
    prefetch: Mapping[str, Json | None] = field(default_factory=dict, repr=False)
    draft_orders: Json | None = field(default=None, repr=False)
    selections: tuple[str, ...] | None = field(default=None, repr=False)


def read_request(body: bytes, service: Service) -> HookRequest:
    """The call of this service that a body is.  Numbers in records are Decimal, with their digits.

    Raises MalformedCallError.
    """
    call = _members(decode_body(body), "the body")
    if _text(call, "hook") != service.hook:
        raise MalformedCallError("`hook` is not the one that this service is on; discovery names it")
    instance = _text(call, "hookInstance")
    context = _members(_required(call, "context"), "`context`")
    patient = _fhir_id(_text(context, "context.patientId"), "context.patientId")
    encounter_required = service.hook in _ENCOUNTER_HOOKS
    # Some clients say by an empty text that there is none.
    none_given = not encounter_required and context.get("encounterId") == ""
    encounter = None if none_given else _optional_text(context, "context.encounterId", encounter_required)
    is_order = service.hook in _ORDER_HOOKS
    server = _fhir_server(call)
    return HookRequest(
        hook=service.hook,
        instance=instance,
        patient=patient,
        user=_text(context, "context.userId"),
        encounter=None if encounter is None else _fhir_id(encounter, "context.encounterId"),
        fhir_server=server,
        authorization=_authorization(call, server, patient),
        prefetch=_prefetch(call),
        draft_orders=_draft_orders(context) if is_order else None,
        selections=_selections(context) if service.hook is Hook.ORDER_SELECT else None,
    )


def decode_body(body: bytes) -> object:
    """What a body is, as JSON in the strict sense.  Raises MalformedCallError."""
    try:
        found = decode_strict(body)
        if b"\\ud" in body or b"\\uD" in body:
            # Half of a surrogate pair is no character: what holds one can be neither compared nor sent on.
            msgspec.json.decode(body)
    except DuplicateNameError:
        raise MalformedCallError("a name occurs twice in one object", "structure") from None
    except RecursionError:
        raise _too_deep() from None
    except (ValueError, msgspec.DecodeError):
        raise MalformedCallError("the body must be one JSON object in UTF-8", "structure") from None
    if _is_deeper(found, MOST_DEPTH):
        raise _too_deep()
    return found


def _is_deeper(found: object, most: int) -> bool:
    """Whether objects and arrays lie within each other more than ``most`` deep.

    Without recursion, and without an iterator for each object, of which the garbage collection would take four times
    as long as the rest.
    """
    level: list[Any] = [found] if isinstance(found, (dict, list)) else []
    for _ in range(most):
        if not level:
            return False
        inner: list[Any] = []
        for each in level:
            for value in each.values() if isinstance(each, dict) else each:
                if isinstance(value, (dict, list)):
                    inner.append(value)
        level = inner
    return bool(level)


def _too_deep() -> MalformedCallError:
    return MalformedCallError(f"objects and arrays may lie within each other {MOST_DEPTH} deep", "structure")


def _members(found: object, name: str) -> Json:
    if not isinstance(found, dict):
        raise MalformedCallError(f"{name} must be a JSON object", "structure")
    return found


def _required(holder: Json, name: str) -> object:
    found = holder.get(name.rpartition(".")[2])
    if found is None:
        raise MalformedCallError(f"`{name}` is required", "required")
    return found


def _text(holder: Json, name: str) -> str:
    """A text that is required, and is not empty."""
    found = _required(holder, name)
    if not isinstance(found, str) or not found or len(found) > _LONGEST_TEXT:
        raise MalformedCallError(f"`{name}` must be a text that is not empty")
    return found


def _optional_text(holder: Json, name: str, is_required: bool = False) -> str | None:
    # Null is not allowed by CDS Hooks, and cannot be taken for anything but "not given".
    if not is_required and holder.get(name.rpartition(".")[2]) is None:
        return None
    return _text(holder, name)


def _fhir_id(text: str, name: str) -> str:
    if FHIR_ID.fullmatch(text) is None or text in (".", ".."):
        raise MalformedCallError(f"`{name}` must be a FHIR id: letters, digits, '-' and '.', at most 64; no reference")
    return text


def _fhir_server(call: Json) -> str | None:
    server = _optional_text(call, "fhirServer")
    if server is not None and (_ADDRESS.fullmatch(server) is None or len(server) > _LONGEST_URL):
        raise MalformedCallError("`fhirServer` must be an absolute URL")
    return server


def _authorization(call: Json, server: str | None, patient: str) -> FhirAuthorization | None:
    if call.get("fhirAuthorization") is None:
        return None
    given = _members(call["fhirAuthorization"], "`fhirAuthorization`")
    if server is None:
        raise MalformedCallError("`fhirServer` is required with `fhirAuthorization`", "required")
    token = _text(given, "fhirAuthorization.access_token")
    if not is_token(token):
        raise MalformedCallError("`fhirAuthorization.access_token` must be a bearer token")
    # RFC 6749, 5.1: the type is compared whatever its case.
    if _text(given, "fhirAuthorization.token_type").lower() != "bearer":
        raise MalformedCallError("`fhirAuthorization.token_type` must be Bearer")
    scope = _required(given, "fhirAuthorization.scope")
    # An empty one permits nothing: the answer then names what could not be read.
    if not isinstance(scope, str) or len(scope) > _LONGEST_TEXT:
        raise MalformedCallError("`fhirAuthorization.scope` must be a text")
    bound = _optional_text(given, "fhirAuthorization.patient")
    if bound is not None and bound != patient:
        raise MalformedCallError("`fhirAuthorization.patient` is not `context.patientId`")
    return FhirAuthorization(token, scope, bound)


def _prefetch(call: Json) -> Mapping[str, Json | None]:
    if call.get("prefetch") is None:
        return {}
    given = _members(call["prefetch"], "`prefetch`")
    if not all(value is None or isinstance(value, dict) for value in given.values()):
        raise MalformedCallError("each value of `prefetch` must be a FHIR resource, or null", "structure")
    return given


def _draft_orders(context: Json) -> Json:
    bundle = _members(_required(context, "context.draftOrders"), "`context.draftOrders`")
    if bundle.get("resourceType") != "Bundle":
        raise MalformedCallError("`context.draftOrders` must be a Bundle", "structure")
    entries = bundle.get("entry")
    if isinstance(entries, list) and len(entries) > MOST_DRAFTS:
        raise MalformedCallError(f"`context.draftOrders` may have at most {MOST_DRAFTS} entries")
    return bundle


def _selections(context: Json) -> tuple[str, ...]:
    given = _required(context, "context.selections")
    if not isinstance(given, list) or not all(isinstance(each, str) and each for each in given):
        raise MalformedCallError("`context.selections` must be a list of references to draft orders", "structure")
    if len(given) > MOST_DRAFTS:
        raise MalformedCallError(f"`context.selections` may have at most {MOST_DRAFTS} references")
    return tuple(given)

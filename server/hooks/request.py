"""The body of a call of a service (CDS Hooks 2.0, calling a CDS Service): read and checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json: TypeAlias = Mapping[str, Any]


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

    hook: which hook fired.  instance: its UUID (``hookInstance``).
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

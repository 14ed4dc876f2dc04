"""Calls of CDS Hooks services as an EHR makes them: bodies, services of one rule, and bodies that differ."""

import json
from collections.abc import Mapping
from typing import Any

from server.catalog.services import CardRule, Hook, Indicator, Service

Json = dict[str, Any]

INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
SERVER = "https://ehr.example/fhir"
AUTHORIZATION: Json = {
    "access_token": "some-opaque-fhir-access-token",
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "user/Patient.read user/Observation.read",
    "subject": "cds-service4",
}
CONTEXTS: Mapping[Hook, Json] = {
    Hook.PATIENT_VIEW: {"userId": "Practitioner/1", "patientId": "p1"},
    Hook.ENCOUNTER_START: {"userId": "Practitioner/1", "patientId": "p1", "encounterId": "e1"},
    Hook.ENCOUNTER_DISCHARGE: {"userId": "Practitioner/1", "patientId": "p1", "encounterId": "e1"},
    Hook.ORDER_SELECT: {
        "userId": "PractitionerRole/1", "patientId": "p1", "selections": ["MedicationRequest/m1"],
        "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": []},
    },
    Hook.ORDER_SIGN: {
        "userId": "Practitioner/1", "patientId": "p1",
        "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": []},
    },
}  # fmt: skip
"""The least that each hook's page asks for."""


def make_service(hook: Hook = Hook.PATIENT_VIEW, name: str = "egfr-view", **changed: Any) -> Service:
    """A service of one rule on this hook."""
    rule = CardRule("egfr", (), Indicator.WARNING)
    made: Json = {"title": "Kidney function", "description": "Says how well the kidneys work.", "rules": (rule,)}
    return Service(f"https://cds.example/{name}", name, "1.0.0", hook, **{**made, **changed})


def make_call(on: Hook = Hook.PATIENT_VIEW, /, *, context: Mapping[str, Any] | None = None, **changed: Any) -> Json:
    """A good call of this hook, or one that differs as is given; a member that is ``...`` is left out."""
    merged = {**CONTEXTS[on], **(context or {})}
    made: Json = {"hook": on.value, "hookInstance": INSTANCE, "context": _without_left_out(merged), **changed}
    return _without_left_out(made)


def make_body(on: Hook = Hook.PATIENT_VIEW, /, *, context: Mapping[str, Any] | None = None, **changed: Any) -> bytes:
    """The same as JSON."""
    return json.dumps(make_call(on, context=context, **changed)).encode()


def _without_left_out(members: Mapping[str, Any]) -> Json:
    return {name: value for name, value in members.items() if value is not ...}

"""Calls of CDS Hooks services as an EHR makes them: bodies, services of one rule, and bodies that differ."""

import itertools
import json
from collections.abc import Mapping
from typing import Any

from server.catalog.services import CardRule, Hook, Indicator, Service
from server.settings import Settings
from tests.support.settings import make_settings
from tests.support.token_issuer import NOW, ORIGIN, TokenIssuer

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


PUBLIC_URL = "https://cds.example"
_numbers = itertools.count()


class Ehr:
    """An EHR whose key set lies at this issuer: its settings as a client, and its tokens, good and bad."""

    def __init__(self, issuer: TokenIssuer, name: str = "ehr-client") -> None:
        self.issuer = issuer
        self.name = name

    def settings(self, **changed: Any) -> Json:
        """This client as settings have it."""
        made: Json = {
            "id": self.name, "issuer": f"{self.issuer.url}/{self.name}", "jwks_url": f"{self.issuer.url}/jwks",
            "sources": ["ehr"], **changed,
        }  # fmt: skip
        return {name: value for name, value in made.items() if value is not None}

    def claims(self, path: str = "/egfr-view", **changed: Any) -> Json:
        """The claims of a good token for one call; one that is given as None is left out."""
        made = {
            "iss": f"{self.issuer.url}/{self.name}", "aud": f"{PUBLIC_URL}/cds-services{path}", "iat": int(NOW) - 1,
            "exp": int(NOW) + 299, "jti": f"jti-{next(_numbers)}", **changed,
        }  # fmt: skip
        return {name: value for name, value in made.items() if value is not None}

    def token(self, path: str = "/egfr-view", *, header: Mapping[str, Any] | None = None, **changed: Any) -> str:
        """A good token for one call, or one whose claims or header differ as is given."""
        return self.issuer.token(self.claims(path, **changed), **{"typ": "JWT", **(header or {})})


def hook_site(*clients: Json, **more: Any) -> Settings:
    """Settings of a server with these clients, and one source."""
    server = {"public_url": PUBLIC_URL, "origins": [ORIGIN], **more.pop("server", {})}
    sources = more.pop("sources", [{"id": "ehr", "base_url": SERVER}])
    hooks = {"clients": list(clients), **more.pop("hooks", {})}
    return make_settings(server=server, sources=sources, hooks=hooks, **{"cache": {"enabled": False}, **more})

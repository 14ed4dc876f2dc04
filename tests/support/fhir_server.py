"""A FHIR server that is a function: it answers searches by resource type from records that it is given."""

from collections.abc import Iterable, Mapping
from typing import Any

import httpx

BASE = "https://ehr.example/fhir"


class FakeFhir:
    """Hands out the records of the type asked for; ``down`` lets it be unreachable; keeps the requests."""

    def __init__(self, records: Iterable[Mapping[str, Any]]) -> None:
        self.records = tuple(records)
        self.down = False
        self.requests: list[httpx.Request] = []

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self.answer))

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.down:
            raise httpx.ConnectError("refused", request=request)
        kind = request.url.path.rsplit("/", 1)[-1]
        if kind == "metadata":
            return httpx.Response(200, json={"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"})
        entry = [
            {"fullUrl": f"{BASE}/{kind}/{each['id']}", "resource": {"meta": {"versionId": "1"}, **each}}
            for each in self.records
            if each["resourceType"] == kind
        ]
        return httpx.Response(200, json={"resourceType": "Bundle", "type": "searchset", "entry": entry})

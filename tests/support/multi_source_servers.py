"""Several FHIR servers in one process, told apart by host, each with records and faults of its own."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from collectors.fetching.access import NoAccess, Target
from collectors.gatherer import Gatherer
from collectors.reading.supplied import encode_resource
from collectors.settings import Source
from collectors.source_facts import SourceFacts
from collectors.supplied_records import SuppliedRecords
from tests.support.collector_inputs import AT, CREATININE, FIBRILLATION, SEX, searches

MRN = "urn:mrn"
EHR = Source(id="ehr", base_url="https://ehr.test/fhir", identifiers=(MRN,), rank=0)
LAB = Source(id="lab", base_url="https://lab.test/fhir", identifiers=(MRN,), rank=1)
ALL = searches(CREATININE, FIBRILLATION, SEX)
Json = dict[str, Any]


def person(id: str = "p", mrn: str | None = "17-A", **more: Any) -> Json:  # noqa: A002
    """A Patient with a medical record number."""
    made = {"resourceType": "Patient", "id": id, "birthDate": "1950-04-05", "gender": "female", **more}
    if mrn is not None:
        made.setdefault("identifier", [{"system": MRN, "value": mrn}])
    return {name: each for name, each in made.items() if each is not None}


def record_of_patient(record: Mapping[str, Any], patient: str) -> Json:
    """The record, of another patient."""
    return {**record, "subject": {"reference": f"Patient/{patient}"}}


class Servers:
    """Searches by patient, id and identifier are answered; ``down`` hosts cannot be reached."""

    def __init__(self, **records: Iterable[Mapping[str, Any]]) -> None:
        self.records = {host: tuple(each) for host, each in records.items()}
        self.down: set[str] = set()
        self.ignored: set[str] = set()
        self.requests: list[tuple[str, str, dict[str, str]]] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        host, kind = request.url.host.split(".")[0], request.url.path.rsplit("/", 1)[-1]
        given = dict(request.url.params)
        self.requests.append((host, kind, given))
        if host in self.down:
            return httpx.Response(500, json={"resourceType": "OperationOutcome"})
        found = [
            each
            for each in self.records.get(host, ())
            if each["resourceType"] == kind and (host in self.ignored or _meets(each, given))
        ]
        links = []
        if given.get("_sort") == "-date":
            found = sorted(found, key=lambda each: str(each["effectiveDateTime"]), reverse=True)
            links = [{"relation": "next", "url": f"{request.url}&page=2"}] * (len(found) > int(given["_count"]))
            found = found[: int(given["_count"])]
        entry = [{"resource": each, "search": {"mode": "match"}} for each in found]
        content = encode_resource({"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entry})
        return httpx.Response(200, content=content, headers={"content-type": "application/fhir+json"})

    def of(self, host: str) -> list[str]:
        """The types that a host was asked for."""
        return sorted(kind for each, kind, _ in self.requests if each == host)

    @asynccontextmanager
    async def gatherer(self) -> AsyncIterator[Gatherer]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(self)) as http:
            yield Gatherer(http)

    async def facts(
        self, *others: Source, source: Source = EHR, patient: str = "p", supplied: SuppliedRecords | None = None
    ) -> SourceFacts:
        targets = [Target(each, NoAccess()) for each in others]
        async with self.gatherer() as gatherer:
            return await gatherer.gather(source, patient, ALL, AT, 5, None, targets, supplied)


def _meets(record: Mapping[str, Any], given: Mapping[str, str]) -> bool:
    if "_id" in given:
        return record["id"] in given["_id"].split(",")
    if "identifier" in given:
        # As many servers do: letters are compared without case, and blanks around a value are none.
        carried = {f"{each.get('system')}|{str(each.get('value')).strip()}" for each in record.get("identifier", ())}
        return bool({each.casefold() for each in carried} & set(given["identifier"].casefold().split(",")))
    if "patient" in given:
        return bool(record["subject"]["reference"] == f"Patient/{given['patient']}")
    return True

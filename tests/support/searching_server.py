"""A FHIR server that really searches its records, and can be told to take no notice of what it is asked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import httpx
import msgspec

from collectors.reading.fhir_types import read_time
from collectors.reading.supplied import encode_resource
from ontology.resources import Span
from tests.support.collector_inputs import BASE, PATIENT

Json = dict[str, Any]
UTC = ZoneInfo("UTC")
PAGE = 50


def capability_statement(
    types: Mapping[str, tuple[str, ...]] | None = None, *, lastn: bool = False, batch: bool = False, **more: Any
) -> Json:
    """A small CapabilityStatement: search parameters by type."""
    declared = types or {"Patient": ("_id",), "Observation": ("patient", "code", "date"), "Condition": ("patient",)}
    resources: list[Json] = [
        {
            "type": kind,
            "interaction": [{"code": "read"}, {"code": "search-type"}],
            "searchParam": [{"name": name, "type": "token"} for name in names],
        }
        for kind, names in declared.items()
    ]
    for resource in resources:
        if lastn and resource["type"] == "Observation":
            resource["operation"] = [{"name": "lastn", "definition": "OperationDefinition/Observation-lastn"}]
    rest = {"mode": "server", "resource": resources, "interaction": [{"code": "batch"}] if batch else []}
    return {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [rest], **more}


@dataclass
class SearchingServer:
    """Answers from ``records``; ``ignored`` names parameters and habits that it takes no notice of.

    ``self``: it links to the search without saying what it ignored.  ``global-order``: it sorts each page on its own.
    ``time-order``: it sorts by what is written, not by when it was.  ``needed`` are parameters without which it refuses
    a search for Observations.
    """

    records: list[Json]
    metadata: Any = field(default_factory=capability_statement)
    ignored: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()
    smart: Json | None = None
    page: int = PAGE
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def client(self) -> httpx.AsyncClient:
        """A client that reaches this server and no other."""
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def of(self, path: str) -> list[dict[str, str]]:
        """The parameters of what it was asked at a path."""
        return [parameters for requested, parameters in self.requests if requested == path]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/fhir").strip("/")
        if request.method == "POST" and not path:
            parts = msgspec.json.decode(request.content)["entry"]
            self.requests.append(("batch", {}))
            answers = [self._part(part["request"]["url"]) for part in parts]
            return _json({"resourceType": "Bundle", "type": "batch-response", "entry": answers})
        parameters = dict(parse_qsl(request.url.query.decode()))
        self.requests.append((path, parameters))
        if path in self.refused or (path == "Observation" and not self.needed <= parameters.keys()):
            return httpx.Response(400, json={"resourceType": "OperationOutcome"})
        if path == "metadata":
            body = self.metadata
            return httpx.Response(200, content=body) if isinstance(body, bytes) else _json(body)
        if path == ".well-known/smart-configuration":
            return _json(self.smart) if self.smart is not None else httpx.Response(404)
        if path == "Observation/$lastn":
            return _json(self._bundle(path, parameters, self._lastn(parameters)))
        return _json(self._search(path, parameters))

    def _part(self, url: str) -> Json:
        parts = urlsplit(url)
        return {"response": {"status": "200 OK"}, "resource": self._search(parts.path, dict(parse_qsl(parts.query)))}

    def _search(self, kind: str, parameters: dict[str, str]) -> Json:
        found = self._matching(kind, parameters)
        first = int(parameters.get("_offset", "0"))
        count = min(int(parameters.get("_count", self.page)), self.page)
        order = parameters.get("_sort")
        if order and "_sort" not in self.ignored:
            arrange = _by_text if "time-order" in self.ignored else _sorted
            if "global-order" in self.ignored:
                found[first : first + count] = arrange(found[first : first + count], order)
            else:
                found = arrange(found, order)
        shown = found[first : first + count]
        if (names := parameters.get("_elements")) and "_elements" not in self.ignored:
            shown = [self._part_of(record, names.split(",")) for record in shown]
        following = {**parameters, "_offset": str(first + count)} if first + count < len(found) else None
        return self._bundle(kind, parameters, shown, following)

    def _part_of(self, record: Json, names: list[str]) -> Json:
        kept = {
            name: value
            for name, value in record.items()
            if name in ("resourceType", "id", "meta")
            or name in names
            or ("choices" not in self.ignored and any(name.startswith(each) for each in names))
        }
        return {**kept, "meta": {}} if "version" in self.ignored else kept

    def _lastn(self, parameters: dict[str, str]) -> list[Json]:
        found = self._matching("Observation", parameters)
        if "lastn" in self.ignored:
            return found
        most = 1 if "max" in self.ignored else int(parameters.get("max", "1"))
        chosen: dict[str, Json] = {}
        pairs = [(key, record) for record in found for key in _keys(record)]
        pairs.sort(key=lambda pair: pair[0])
        for _, group in groupby(pairs, key=lambda pair: pair[0]):
            for record in _sorted([record for _, record in group], "-date")[:most]:
                chosen[record["id"]] = record
        return list(chosen.values())

    def _matching(self, kind: str, parameters: dict[str, str]) -> list[Json]:
        found = [record for record in self.records if record["resourceType"] == kind]
        who = parameters.get("patient") or parameters.get("subject", "").removeprefix("Patient/")
        if kind == "Patient":
            return [record for record in found if record["id"] == parameters.get("_id")]
        if who and "patient" not in self.ignored:
            found = [record for record in found if record["subject"]["reference"] == f"Patient/{who}"]
        if (codes := parameters.get("code")) and "code" not in self.ignored:
            wanted = set(codes.split(","))
            found = [record for record in found if wanted & {f"{system}|{code}" for system, code in _keys(record)}]
        if (since := parameters.get("date")) and "date" not in self.ignored:
            day = datetime.fromisoformat(since.removeprefix("ge")).replace(tzinfo=UTC)
            found = [record for record in found if (span := _span(record)) is not None and span.end >= day]
        return found

    def _bundle(
        self, path: str, parameters: dict[str, str], records: Iterable[Json], following: dict[str, str] | None = None
    ) -> Json:
        told = {name: value for name, value in parameters.items() if "self" in self.ignored or name not in self.ignored}
        link = [{"relation": "self", "url": str(httpx.URL(f"{BASE}/{path}", params=told))}]
        if following is not None:
            link.append({"relation": "next", "url": str(httpx.URL(f"{BASE}/{path}", params=following))})
        entry = [{"resource": record, "search": {"mode": "match"}} for record in records]
        return {"resourceType": "Bundle", "type": "searchset", "link": link, "entry": entry}


def server_with_records(*records: Mapping[str, Any], **more: Any) -> SearchingServer:
    """A server with these records beside the patient's own."""
    return SearchingServer([dict(PATIENT), *(dict(record) for record in records)], **more)


def _json(content: Any) -> httpx.Response:
    return httpx.Response(200, content=encode_resource(content), headers={"content-type": "application/fhir+json"})


def _keys(record: Json) -> list[tuple[str, str]]:
    return [(each["system"], each["code"]) for each in record["code"]["coding"]]


def _span(record: Json) -> Span | None:
    if "effectivePeriod" in record:
        period = record["effectivePeriod"]
        return Span(read_time(period["start"], UTC).start, read_time(period["end"], UTC).end)
    return read_time(record["effectiveDateTime"], UTC) if "effectiveDateTime" in record else None


def _sorted(records: list[Json], order: str) -> list[Json]:
    """By when they begin, as databases do; what is undated comes last."""
    dated = [(span.start, record) for record in records if (span := _span(record)) is not None]
    dated.sort(key=lambda pair: pair[0], reverse=order.startswith("-"))
    return [record for _, record in dated] + [record for record in records if _span(record) is None]


def _by_text(records: list[Json], order: str) -> list[Json]:
    """By what is written of the time, whatever it means: zones are not heeded, and periods come after all others."""

    def written(record: Json) -> str:
        return str(record.get("effectiveDateTime") or "") or "{" + record.get("effectivePeriod", {}).get("start", "")

    return sorted(records, key=written, reverse=order.startswith("-"))

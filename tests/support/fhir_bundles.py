"""The rules of R4 that the models of ``fhir.resources`` do not check, and the parts of a Bundle that tests look at."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from fhir.resources.R4B.bundle import Bundle

from collectors.reading.records import OUR_TAG
from server.explain.explain import explain
from server.explain.results import AnswerResult
from tests.support import traces as t

Json = dict[str, Any]
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
URN = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
CODE = re.compile(r"[^\s]+(\s[^\s]+)*")
ADDRESS = re.compile(r"https?://[^\s]+/([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(/_history/[A-Za-z0-9\-.]{1,64})?")
DERIVED_FROM = {
    "DocumentReference", "ImagingStudy", "Media", "QuestionnaireResponse", "Observation", "MolecularSequence",
}  # fmt: skip
ROLES = {"derivation", "revision", "quotation", "source", "removal"}
STATUSES = {"registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown"}


def rule_faults(bundle: Json) -> list[str]:
    """Every rule that is broken, in words; raises ValidationError where the models refuse the Bundle."""
    Bundle.model_validate(json.loads(json.dumps(bundle, allow_nan=False)))
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    here = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
    found = [f"bdl-7: {url} comes {count} times" for url, count in Counter(urls).items() if count > 1]
    found += [f"no UUID: {url}" for url in urls if not URN.fullmatch(url)]
    if not INSTANT.fullmatch(bundle["timestamp"]):
        found.append("timestamp is no instant")
    for url, resource in here.items():
        kind = resource["resourceType"]
        found += [f"{kind} {url[-8:]}: {each}" for each in (*_any(resource, here), *_OF[kind](resource, here))]
    told = [url for url, resource in here.items() if resource["resourceType"] in ("Observation", "RiskAssessment")]
    targets = Counter(
        target["reference"]
        for resource in here.values()
        if resource["resourceType"] == "Provenance"
        for target in resource["target"]
    )
    if targets != Counter(told):
        found.append("not each told thing has one Provenance")
    return found


def kind_of(reference: str, here: Mapping[str, Json]) -> str | None:
    """The resource type that a reference leads to, in the Bundle or by its address; None where it leads nowhere."""
    if reference.startswith("urn:"):
        return here[reference]["resourceType"] if reference in here else None
    match = re.fullmatch(
        r"https?://[^\s]+/([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(/_history/[A-Za-z0-9\-.]{1,64})?", reference
    )
    return match[1] if match else None


def elements(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value within, with its path."""
    yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield from elements(each, f"{path}.{name}")


def _any(resource: Json, here: Mapping[str, Json]) -> Iterator[str]:
    tags = [(tag["system"], tag["code"]) for tag in resource["meta"]["tag"]]
    if OUR_TAG not in tags:
        yield "has no tag of ours"
    for path, value in elements(resource):
        name = path.rsplit(".", 1)[-1]
        if value in ("", [], {}) or value is None:
            yield f"ele-1: {path} is empty"
        if name == "reference" and kind_of(value, here) is None:
            yield f"{path} leads nowhere: {value}"
        if name in ("code", "valueCode") and isinstance(value, str) and not CODE.fullmatch(value):
            yield f"{path} is no code"
        if not isinstance(value, dict):
            continue
        extension = "url" in value and path.rsplit(".", 2)[-2:-1] == ["extension"]
        if extension and ("extension" in value) == any(key.startswith("value") for key in value):
            yield f"ext-1: {path}"
        if "low" in value and "high" in value and value["low"]["value"] > value["high"]["value"]:
            yield f"rng-2: {path}"
        if "start" in value and "end" in value and value["start"] > value["end"]:
            yield f"per-1: {path}"
        if "value" in value and "code" in value and "system" not in value:
            yield f"qty-3: {path}"
    if "text" in resource:
        root = ElementTree.fromstring(resource["text"]["div"])  # noqa: S314 - our own
        if root.tag != "{http://www.w3.org/1999/xhtml}div" or not "".join(root.itertext()).strip():
            yield "txt-2: the narrative says nothing"


def _observation(made: Json, here: Mapping[str, Json]) -> Iterator[str]:
    yield from _result(made)
    values = [key for key in made if key.startswith("value")]
    if len(values) > 1:
        yield "more than one value"
    if values and "dataAbsentReason" in made:
        yield "obs-6: a value, and a reason for its absence"
    if not values and "dataAbsentReason" not in made and "component" not in made:
        yield "neither a value nor a reason for its absence"
    own = {(each.get("system"), each["code"]) for each in made["code"]["coding"]}
    for component in made.get("component", ()):
        if values and own & {(each.get("system"), each["code"]) for each in component["code"].get("coding", ())}:
            yield "obs-7: a component has the code of the whole"
        if sum(key.startswith("value") for key in component) != 1:
            yield "a component has not one value"
    for reference in made.get("derivedFrom", ()):
        if kind_of(reference["reference"], here) not in DERIVED_FROM:
            yield f"derivedFrom may not be {reference['reference']}"
    if kind_of(made["device"]["reference"], here) != "Device":
        yield "device is none"
    if not INSTANT.fullmatch(made["issued"]):
        yield "issued is no instant"
    if not INSTANT.fullmatch(made["effectiveDateTime"]) and not DAY.fullmatch(made["effectiveDateTime"]):
        yield "effectiveDateTime has no zone"


def _risk(made: Json, here: Mapping[str, Json]) -> Iterator[str]:
    yield from _result(made)
    for prediction in made["prediction"]:
        if not 0 <= prediction["probabilityDecimal"] <= 100:
            yield "ras-2: the probability is more than 100 %"
        if "outcome" not in prediction:
            yield "no outcome"
    if kind_of(made["performer"]["reference"], here) != "Device":
        yield "performer is no Device"
    if "method" not in made:
        yield "no method"


def _result(made: Json) -> Iterator[str]:
    if made["status"] not in STATUSES:
        yield f"no status: {made['status']}"
    if "/Patient/" not in made["subject"]["reference"]:
        yield "the subject is no Patient"
    stored = "do-not-store" not in {tag["code"] for tag in made["meta"]["tag"]}
    if not stored and made["status"] == "final":
        yield "final, and not to be stored"


def _provenance(made: Json, here: Mapping[str, Json]) -> Iterator[str]:
    if not INSTANT.fullmatch(made["recorded"]):
        yield "recorded is no instant"
    for agent in made["agent"]:
        if kind_of(agent["who"]["reference"], here) != "Device":
            yield "agent is no Device"
    for entity in made.get("entity", ()):
        if entity["role"] not in ROLES:
            yield f"no role: {entity['role']}"
        if not {"reference", "identifier"} & set(entity["what"]):
            yield "an entity names nothing"


def _device(made: Json, _: Mapping[str, Json]) -> Iterator[str]:
    if not made["deviceName"]:
        yield "no name"


_OF = {
    "Observation": _observation,
    "RiskAssessment": _risk,
    "Provenance": _provenance,
    "Device": _device,
}


NOW = datetime(2026, 6, 3, 7, 15, tzinfo=UTC)
BundleJson = dict[str, Any]


def result_of_trace(name: str) -> AnswerResult:
    return explain(t.EVERY_TRACE[name](), t.interpret)[0]


def resources_of_type(made: BundleJson, kind: str) -> list[BundleJson]:
    return [entry["resource"] for entry in made["entry"] if entry["resource"]["resourceType"] == kind]


def note_texts(resource: BundleJson) -> str:
    return " | ".join(note["text"] for note in resource["note"])

"""A result as a FHIR R4 Bundle of type collection: what was found, and where it came from.

Ours carry a Device and a tag, by which collectors know never to read them back.  What rests on an assumption
is tagged as such, preliminary, and never to be written back.
"""

from typing import Any, TypeAlias
from uuid import NAMESPACE_URL, uuid5

from ontology.resources import RecordRef
from server.explain.fhir.elements import TAGS, codeable, instant
from server.explain.fhir.observation import observation
from server.explain.fhir.risk import risk_assessment
from server.explain.results import AnswerResult

Json: TypeAlias = dict[str, Any]

_AGENT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_ACTIVITY = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"


def bundle(result: AnswerResult) -> Json:
    """The Bundle: the result, the Device that made it, and the Provenance over the records."""
    urls = {part: f"urn:uuid:{uuid5(NAMESPACE_URL, _seed(result) + part)}" for part in ("result", "device", "prov")}
    make = risk_assessment if result.risk is not None else observation
    told = {**make(result, urls["device"], records(result)), "meta": {"tag": _tags(result)}}
    entries = ((urls["result"], told), (urls["device"], _device(result)), (urls["prov"], _provenance(result, urls)))
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": instant(result.at),
        "entry": [{"fullUrl": url, "resource": resource} for url, resource in entries],
    }


def records(result: AnswerResult) -> tuple[RecordRef, ...]:
    """Every record that the result was made from, each once, in the order of the chain."""
    below = (record for step in result.chain for ground in step.grounds for record in ground.records)
    return tuple(dict.fromkeys((*below, *result.records)))


def _seed(result: AnswerResult) -> str:
    # Stable for one result about one patient at one time, so that the same answer has the same names.
    return f"{result.reference} {result.concept.iri} {result.fingerprint} {result.at.isoformat()} "


def _tags(result: AnswerResult) -> list[Json]:
    tags = [{"system": TAGS, "code": "medtwin-result"}]
    return [*tags, {"system": TAGS, "code": "assumption"}] if result.assumed else tags


def _device(result: AnswerResult) -> Json:
    step = result.step
    device: Json = {
        "resourceType": "Device",
        "status": "active",
        "deviceName": [{"name": "medtwin", "type": "manufacturer-name"}],
    }
    if step is not None:
        device["deviceName"].append({"name": step.module.title, "type": "model-name"})
        device["version"] = [{"value": step.module.version}]
    return device


def _provenance(result: AnswerResult, urls: dict[str, str]) -> Json:
    made: Json = {
        "resourceType": "Provenance",
        "target": [{"reference": urls["result"]}],
        "recorded": instant(result.at),
        "activity": codeable(_ACTIVITY, "CREATE", "create"),
        "agent": [{"type": codeable(_AGENT, "assembler", "Assembler"), "who": {"reference": urls["device"]}}],
    }
    entities = [{"role": "source", "what": {"reference": _versioned(record)}} for record in records(result)]
    if entities:
        made["entity"] = entities
    return made


def _versioned(record: RecordRef) -> str:
    return f"{record.url}/_history/{record.version}" if record.version else record.url

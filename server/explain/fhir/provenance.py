"""Device and Provenance: which version of a module made each part, and from which records."""

from datetime import datetime

from server.explain.fhir.bundle_parts import Part, canonical
from server.explain.fhir.datatypes import (
    FINGERPRINTS,
    MODULES,
    URIS,
    Json,
    codeable_concept,
    instant,
    meta_tags,
    references,
    versioned_url,
)
from server.explain.phrases import describe_maturity

_AGENT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_ACTIVITY = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"


def device(part: Part) -> Json:
    """The version of a module that made it; of a fact that was read, the program itself."""
    made: Json = {
        "resourceType": "Device",
        "meta": meta_tags(()),
        "identifier": [{"system": URIS, "value": part.device}],
        "status": "active",
        "deviceName": [{"name": "medtwin", "type": "manufacturer-name"}],
        "type": {"text": "Clinical decision support software"},
    }
    if part.step is None:
        return made
    module = part.step.module
    made["identifier"].append({"system": MODULES, "value": canonical(module)})
    made["deviceName"].append({"name": module.title, "type": "model-name"})
    made["version"] = [{"value": module.version}]
    texts = [describe_maturity(module), f"Intended use: {module.intended_use}"]
    made["note"] = [{"text": text} for text in texts if text]
    return made


def provenance(part: Part, recorded: datetime) -> Json:
    """By which version of which module, for what time, from which versions of which records; when it was made.

    Module and fingerprint are entities that are named by an identifier: those are elements of R4's own, which
    receivers keep, and by which a Provenance can be searched for.
    """
    made: Json = {
        "resourceType": "Provenance",
        "meta": meta_tags(part.tags),
        "target": references([part.url]),
        "occurredDateTime": instant(part.as_of),
        "recorded": instant(recorded),
        "activity": codeable_concept(_ACTIVITY, "CREATE", "create"),
        "agent": [{"type": codeable_concept(_AGENT, "assembler", "Assembler"), "who": {"reference": part.device}}],
    }
    entities = [_source_entity({"reference": versioned_url(record)}) for record in part.records]
    entities += [_source_entity({"reference": url}) for url in part.upstream]
    if part.step is not None:
        module = part.step.module
        name = canonical(module)
        made["policy"] = [name]
        entities.append(_identified_entity(MODULES, name, f"{module.title}, version {module.version}"))
        entities.append(
            _identified_entity(FINGERPRINTS, part.step.fingerprint, "Fingerprint of module, version and inputs")
        )
    if entities:
        made["entity"] = entities
    return made


def _identified_entity(system: str, value: str, display: str) -> Json:
    return _source_entity({"identifier": {"system": system, "value": value}, "display": display})


def _source_entity(what: Json) -> Json:
    return {"role": "source", "what": what}

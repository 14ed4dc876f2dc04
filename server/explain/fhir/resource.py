"""What an Observation and a RiskAssessment of ours have in common."""

from server.explain.fhir.elements import MODULES, URIS, Json, concept_code, tags
from server.explain.fhir.notes import narrative, notes
from server.explain.fhir.numbers import extensions
from server.explain.fhir.parts import Part


def resource(part: Part) -> Json:
    """Type, tags, name, status, code, subject, method and notes.

    The identifier is the name in the Bundle: by it a receiver can see that it has the same answer already.
    """
    made: Json = {
        "resourceType": part.kind,
        "meta": tags(part.tags),
        "text": narrative(part),
        "identifier": [{"system": URIS, "value": part.url}],
        "status": part.status,
        "code": concept_code(part.result.concept),
        "subject": {"reference": part.result.reference},
        "note": notes(part),
    }
    if found := extensions(part):
        made["extension"] = found
    if part.step is not None:
        module = part.step.module
        title = f"{module.title}, version {module.version}"
        named = {"system": MODULES, "version": module.version, "code": module.id}
        made["method"] = {"coding": [named], "text": title}
    return made

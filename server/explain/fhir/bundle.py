"""Results as one FHIR R4 Bundle of type collection: each result, each step that it rests on, Devices and Provenance.

Ours carry a Device and a tag, by which collectors recognise them and never read them back.  What rests on an
assumption, or on a model that is not for use in care, is tagged as such, is preliminary, and must not be written back.
"""

from collections.abc import Iterable
from datetime import datetime

from server.explain.fhir.bundle_parts import Part, result_parts
from server.explain.fhir.datatypes import Json, instant
from server.explain.fhir.observation import observation
from server.explain.fhir.provenance import device, provenance
from server.explain.fhir.risk_assessment import risk_assessment
from server.explain.results import AnswerResult


def bundle(results: AnswerResult | Iterable[AnswerResult], recorded: datetime | None = None) -> Json:
    """The Bundle: each result with its Device and its Provenance, then the same of the steps below, each once.

    ``recorded``: when the Bundle is made, by the caller's clock (None: the evaluation time).  Raises ValueError where
    there is no result.
    """
    wanted = (results,) if isinstance(results, AnswerResult) else tuple(results)
    if not wanted:
        raise ValueError("a Bundle needs a result")
    when = recorded or wanted[0].at
    found = [result_parts(result) for result in wanted]
    entries: dict[str, Json] = {}
    # A step that is a goal itself has more notes than as a step of another.
    for part in (*(first for first, *_ in found), *(part for _, *others in found for part in others)):
        if part.url not in entries:
            entries[part.url] = _part_resource(part, when)
            entries.setdefault(part.device, device(part))
            entries[part.provenance] = provenance(part, when)
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": instant(when),
        "entry": [{"fullUrl": url, "resource": resource} for url, resource in entries.items()],
    }


def _part_resource(part: Part, when: datetime) -> Json:
    return risk_assessment(part) if part.kind == "RiskAssessment" else observation(part, when)

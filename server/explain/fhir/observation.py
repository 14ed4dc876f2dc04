"""A part as an Observation.  A stage is an Observation, never a Condition."""

from datetime import date, datetime
from decimal import Decimal

from ontology.evaluation import Interval
from ontology.values import Absent, AbsentReason, Bound, Coding, Date, Quantity, Series, Value
from ontology.words.absence import reason_words
from server.explain.fhir.bundle_parts import Part
from server.explain.fhir.datatypes import (
    PARTS,
    POINTS,
    Json,
    codeable_concept,
    coding,
    date_time,
    instant,
    quantity,
    range_,
    references,
)
from server.explain.fhir.shared_elements import common_elements
from server.explain.results import Contributions

_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_REASONS = {
    AbsentReason.NOT_FOUND: "unknown",
    AbsentReason.STALE: "unknown",
    AbsentReason.RECORDED_UNKNOWN: "asked-unknown",
    AbsentReason.UNCONVERTIBLE: "unsupported",
    AbsentReason.IMPLAUSIBLE: "error",
    AbsentReason.CONFLICTING: "error",
    AbsentReason.NOT_PERMITTED: "masked",
    AbsentReason.UNREACHABLE: "temp-unknown",
    AbsentReason.NOT_QUERIED: "not-asked",
    AbsentReason.INPUT_ABSENT: "unknown",
    AbsentReason.NOT_APPLICABLE: "not-applicable",
    AbsentReason.FAILED: "error",
}
DERIVED_FROM_TYPES = frozenset(
    {"DocumentReference", "ImagingStudy", "Media", "QuestionnaireResponse", "Observation", "MolecularSequence"}
)
"""What an Observation may be derived from in R4; whatever else it rests on is in its Provenance."""


def observation(part: Part, issued: datetime) -> Json:
    """The Observation; where there is no value, ``dataAbsentReason`` has the reason.  ``issued``: when it was made."""
    result = part.result
    made = {
        **common_elements(part),
        "effectiveDateTime": date_time(result.effective or part.as_of),
        "issued": instant(issued),
        "device": {"reference": part.device},
        **_value_element(result.value),
    }
    value, bounds = result.value, result.bounds
    if isinstance(value, Quantity) and bounds is not None and result.presumed:
        # It never stands alone: a reader of the value gets the limits that always hold; the number is in the notes.
        del made["valueQuantity"]
        made["valueRange"] = range_(bounds.low, bounds.high, bounds.unit)
    elif isinstance(value, Quantity) and bounds is not None and bounds.high > value.value:
        # The least total, not the total: a reader of the value alone must not take it for one.
        made["valueQuantity"]["comparator"] = ">="
    if result.interpretation is not None:
        meant = result.interpretation
        made["interpretation"] = [{"coding": [coding(meant.code)], "text": meant.text}]
    derived = references(url for kind, url in part.grounds if kind in DERIVED_FROM_TYPES)
    if derived and (bounds is not None or not isinstance(value, Absent)):
        made["derivedFrom"] = derived
    components = [*made.get("component", ()), *_limits_components("interval", "Uncertainty", result.interval)]
    components += _limits_components("bounds", "Limits of the value", bounds)
    if part.step is not None:
        components += _score_components(part.step.contributions)
    if components:
        made["component"] = components
    return made


def _value_element(value: Value) -> Json:
    match value:
        case bool():
            return {"valueBoolean": value}
        case Quantity():
            return {"valueQuantity": quantity(value.value, value.unit)}
        case Bound():
            return {"valueQuantity": {**quantity(value.value, value.unit), "comparator": value.comparator}}
        case Coding():
            return {"valueCodeableConcept": {"coding": [coding(value)], "text": value.display or value.code}}
        case Date():
            if value.start == value.end:
                return {"valueDateTime": value.start.isoformat()}
            end = {} if value.end == date.max else {"end": value.end.isoformat()}
            return {"valuePeriod": {"start": value.start.isoformat(), **end}}
        case Series():
            return {"component": [_point_component(when, number, value.unit) for when, number in value.points]}
        case Absent():
            reason = {"system": _ABSENT, "code": _REASONS[value.reason]}
            return {"dataAbsentReason": {"coding": [reason], "text": reason_words(value.reason)}}


def _point_component(when: datetime, number: Decimal, unit: str) -> Json:
    code = {**codeable_concept(PARTS, "point", "Value at a time"), "text": when.isoformat()}
    return {"code": code, "valueQuantity": quantity(number, unit)}


def _limits_components(code: str, display: str, limits: Interval | None) -> list[Json]:
    if limits is None:
        return []
    named = {**codeable_concept(PARTS, code, display), "text": limits.text}
    return [{"code": named, "valueRange": range_(limits.low, limits.high, limits.unit)}]


def _score_components(contributions: Contributions | None) -> list[Json]:
    """The points of a score, under codes of ours: under that of the input they would be read as its value."""
    if contributions is None or contributions.scale != "POINTS":
        return []
    return [
        {
            "code": {
                **codeable_concept(POINTS, item.slot, f"Points for {item.slot.replace('_', ' ')}"),
                "text": item.text,
            },
            "valueQuantity": quantity(item.amount, "{score}"),
        }
        for item in contributions.items
    ]

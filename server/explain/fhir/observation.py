"""A result as an Observation.  A stage is an Observation, never a Condition."""

from decimal import Decimal

from ontology.resources import RecordRef
from ontology.values import Absent, AbsentReason, Bound, Coding, Date, Quantity, Series, Value
from server.explain.fhir.elements import Json, coding, concept_code, instant, quantity, reference
from server.explain.results import AnswerResult, Status

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
# What an Observation may be derived from, in R4.
_DERIVED_FROM = frozenset({"Observation", "DocumentReference", "ImagingStudy", "Media", "QuestionnaireResponse"})


def observation(result: AnswerResult, device: str, records: tuple[RecordRef, ...]) -> Json:
    """The Observation; where there is no value, ``dataAbsentReason`` says why."""
    made: Json = {
        "resourceType": "Observation",
        "status": _status(result),
        "code": concept_code(result.concept),
        "subject": {"reference": result.reference},
        "issued": instant(result.at),
        "device": {"reference": device},
        "note": [{"text": result.text}],
        **_value(result.value),
    }
    if isinstance(result.value, Quantity) and result.bounds is not None and result.bounds.high > result.value.value:
        # The least total, not the total: a reader of the value alone must not take it for one.
        made["valueQuantity"]["comparator"] = ">="
    if result.effective is not None:
        made["effectiveDateTime"] = instant(result.effective)
    if result.interpretation is not None:
        meant = result.interpretation
        made["interpretation"] = [{"coding": [coding(meant.code)], "text": meant.text}]
    derived = [reference(record) for record in records if record.type in _DERIVED_FROM]
    if derived:
        made["derivedFrom"] = derived
    made["note"] += [{"text": issue.text} for issue in result.issues]
    return made


def _status(result: AnswerResult) -> str:
    return "preliminary" if result.assumed or result.status is Status.PARTIAL else "final"


def _value(value: Value) -> Json:
    match value:
        case bool():
            return {"valueBoolean": value}
        case Quantity():
            return {"valueQuantity": quantity(value.value, value.unit)}
        case Bound():
            return {"valueQuantity": {**quantity(value.value, value.unit), "comparator": value.comparator}}
        case Coding():
            return {"valueCodeableConcept": {"coding": [coding(value)]}}
        case Date():
            if value.start == value.end:
                return {"valueDateTime": value.start.isoformat()}
            return {"valuePeriod": {"start": value.start.isoformat(), "end": value.end.isoformat()}}
        case Series():
            return {"component": [_point(when.isoformat(), number, value.unit) for when, number in value.points]}
        case Absent():
            return {"dataAbsentReason": {"coding": [{"system": _ABSENT, "code": _REASONS[value.reason]}]}}


def _point(when: str, number: Decimal, unit: str) -> Json:
    return {"code": {"text": when}, "valueQuantity": quantity(number, unit)}

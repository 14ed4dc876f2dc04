"""What is newer and cannot be used is reported: a status that is not understood, a panel whose value has no place."""

from typing import Any

import pytest

from ontology.concepts import Concept, Origin, ValueType
from ontology.values import Absent, AbsentReason, Coding, Quantity
from tests.support.collector_inputs import (
    AT,
    LOINC,
    SNOMED,
    SYSTOLIC,
    codeable_concept,
    facts_of,
    fill_slot,
    loinc,
    observation,
    quantity,
    slot,
)

Json = dict[str, Any]
PANEL = codeable_concept("85354-9")
OLD = observation(None, code=codeable_concept("8480-6"), valueQuantity=quantity(118, "mm[Hg]"))
NEWER = "2024-05-20T08:00:00Z"


def panel(**changes: Any) -> Json:
    return observation(None, **{"id": "o2", "code": PANEL, "effectiveDateTime": NEWER, "valueQuantity": None} | changes)


def component(code: Json | None, **value: Any) -> Json:
    return {"code": code or {"text": "Systolic"}} | (value or {"valueQuantity": quantity(192, "mm[Hg]")})


LOCAL = codeable_concept("SYS", "http://hospital.example")
# A newer panel beside an older value of 118; what is reported of it (None: nothing, since it is of something else).
PANELS: dict[str, tuple[Json, str | None]] = {
    "a text": (panel(valueString="192/118"), "192/118; the value stands at the panel, not in a component"),
    "a quantity": (panel(valueQuantity=quantity(192, "mm[Hg]")), "192 mm[Hg]; the value stands at the panel"),
    "a component in text": (
        panel(component=[component(None)]), "Systolic 192 mm[Hg]; component[0] has no code that says what it is"),
    "a component in a local code": (panel(component=[component(LOCAL)]), "SYS 192 mm[Hg]; component[0] has no code"),
    "the second of two": (
        panel(component=[component(codeable_concept("8462-4")), component(None)]), "component[1] has no code"),
    "a text beside the diastolic": (
        panel(valueString="192/118", component=[component(codeable_concept("8462-4"))]), "192/118; the value stands"),
    "the diastolic alone": (panel(component=[component(codeable_concept("8462-4"))]), None),
    "a component without a value": (panel(component=[{"code": {"text": "Systolic"}}]), None),
    "members": (panel(valueString="192/118", hasMember=[{"reference": "Observation/o1"}]), None),
    "nothing": (panel(), None),
    "another panel": (panel(code=codeable_concept("34565-2"), valueString="192/118"), None),
    "of another patient": (panel(valueString="192/118", subject={"reference": "Patient/q"}), None),
    "cancelled": (panel(valueString="192/118", status="cancelled"), None),
}  # fmt: skip


@pytest.mark.parametrize("name", PANELS)
def test_a_newer_panel_whose_value_has_no_place(name: str) -> None:
    record, reported = PANELS[name]
    found = fill_slot(OLD, record, of=slot(SYSTOLIC))
    if reported is None:
        assert isinstance(found.value, Quantity) and found.issues == ()
        return
    assert found.value == Absent(AbsentReason.UNCONVERTIBLE)
    (issue,) = found.issues
    assert issue.code == "unconvertible" and reported in issue.text and "Observation/o2" in issue.text
    back = fill_slot(OLD, record, of=slot(SYSTOLIC, step_back=True))
    assert isinstance(back.value, Quantity) and [each.code for each in back.issues] == ["stepped-back"]


FLOW = Concept(
    "mpm:Flow",
    "oxygen-flow",
    "oxygen flow",
    Origin.OBSERVATION,
    ValueType.QUANTITY,
    accepted=(loinc("3151-8"),),
    panels=(Coding(LOINC, "59408-5"),),
    valued_panels=(Coding(LOINC, "59408-5"),),
    unit="L/min",
    units=("L/min",),
)


@pytest.mark.parametrize(
    "value", [{"valueQuantity": quantity(96, "%")}, {"dataAbsentReason": {"text": "?"}}, {"valueString": "96 %"}]
)
def test_the_value_of_a_measurement_with_components_is_its_own(value: Json) -> None:
    record = panel(code=codeable_concept("59408-5"), **value)
    assert facts_of(record, concepts=(FLOW,)).gathered_facts.resources["oxygen-flow"] == ()


# A status that does not say whether the result counts; words of what is reported.
STATUSES: dict[str, tuple[str | None, str]] = {
    "none": (None, "3.1 mg/dL; its missing status does not say whether it counts"),
    "unknown": ("unknown", '3.1 mg/dL; its status "unknown" does not say whether it counts'),
    "in capitals": ("Final", '3.1 mg/dL; its status "Final" does not say whether it counts'),
    "of another list": ("completed", 'its status "completed" does not say whether it counts'),
}


@pytest.mark.parametrize("name", STATUSES)
@pytest.mark.parametrize("damaged", [False, True])
def test_a_newer_result_whose_status_is_not_understood(name: str, damaged: bool) -> None:
    status, words = STATUSES[name]
    # A record with an element of the wrong type is read by its head alone, and its value is not known then.
    more: Json = {"note": "x", "interpretation": "H"} if damaged else {}
    newer = observation("3.1", id="o2", status=status, effectiveDateTime=NEWER, **more)
    found = fill_slot(observation("0.9"), newer)
    assert found.value == Absent(AbsentReason.UNCONVERTIBLE) or damaged
    assert any("Observation/o2" in each.text and (damaged or words in each.text) for each in found.issues)
    assert "3.1 mg/dL" not in str(found.value)
    back = fill_slot(observation("0.9"), newer, of=slot(step_back=True))
    assert damaged or [each.code for each in back.issues] == ["stepped-back"]


def test_one_of_no_value_and_no_status_is_stepped_over() -> None:
    newer = observation(None, id="o2", status="unknown", effectiveDateTime=NEWER, valueQuantity=None)
    found = fill_slot(observation("0.9"), newer)
    assert isinstance(found.value, Quantity) and [each.code for each in found.issues] == ["stepped-back"]


ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


def why(code: str) -> list[Json]:
    return [{"url": ABSENT, "valueCode": code}]


# The value with the extension of the reason; the absence that it states: UNKNOWN steps back, UNREADABLE does not.
EXTENDED: dict[str, Json] = {
    "of a quantity": {"valueQuantity": {"extension": why("REASON")}},
    "of a quantity with its unit": {"valueQuantity": quantity(None) | {"extension": why("REASON")}},
    "of a quantity's number": {"valueQuantity": quantity(None) | {"_value": {"extension": why("REASON")}}},
    "of a concept": {"valueCodeableConcept": {"extension": why("REASON")}},
    "of a text": {"_valueString": {"extension": why("REASON")}},
    "of a truth value": {"_valueBoolean": {"extension": why("REASON")}},
    "of an integer": {"_valueInteger": {"extension": why("REASON")}},
    "of a time": {"_valueTime": {"extension": why("REASON")}},
    "of a date": {"_valueDateTime": {"extension": why("REASON")}},
    "of a range": {"valueRange": {"extension": why("REASON")}},
    "of a ratio": {"valueRatio": {"extension": why("REASON")}},
    "of a period": {"valuePeriod": {"extension": why("REASON")}},
    "of samples": {"valueSampledData": {"extension": why("REASON")}},
    "beside another extension": {
        "_valueString": {"extension": [{"url": "http://x", "valueCode": "y"}, *why("REASON")]}
    },
}


def with_reason(value: Any, code: str) -> Any:
    if isinstance(value, dict):
        return {name: with_reason(each, code) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [with_reason(each, code) for each in value]
    return code if value == "REASON" else value


@pytest.mark.parametrize("name", EXTENDED)
@pytest.mark.parametrize(("code", "reason"), [("unknown", "RECORDED_UNKNOWN"), ("masked", "UNCONVERTIBLE")])
@pytest.mark.parametrize("in_component", [False, True])
def test_the_extension_counts_as_the_element_does(name: str, code: str, reason: str, in_component: bool) -> None:
    value = with_reason(EXTENDED[name], code)
    part = {"code": codeable_concept("8480-6")} | value
    record = panel(component=[part]) if in_component else panel(**part)
    (fact,) = facts_of(record, concepts=(SYSTOLIC,)).facts["systolic"]
    assert fact.resource.value == Absent(AbsentReason(reason))
    assert fact.resource.recorded == code
    found = fill_slot(OLD, record, of=slot(SYSTOLIC))
    if name == "of samples":
        # FHIR requires an origin, so such a record is invalid besides.
        return
    expected = ["stepped-back"] if reason == "RECORDED_UNKNOWN" else ["unconvertible"]
    assert [each.code for each in found.issues] == expected


@pytest.mark.parametrize(
    "value",
    [
        {"valueQuantity": quantity(120, "mm[Hg]") | {"extension": why("unknown")}},
        {"valueString": "120", "_valueString": {"extension": why("unknown")}},
        {"valueCodeableConcept": codeable_concept("x", SNOMED) | {"extension": why("unknown")}},
    ],
)
def test_a_reason_beside_a_value_contradicts_it(value: Json) -> None:
    (fact,) = facts_of(panel(code=codeable_concept("8480-6"), **value), concepts=(SYSTOLIC,)).facts["systolic"]
    assert fact.resource.problem == "dataAbsentReason stands beside a value"


def test_another_extension_says_nothing() -> None:
    record = panel(
        code=codeable_concept("8480-6"), valueQuantity=quantity(120, "mm[Hg]") | {"extension": [{"url": "x"}]}
    )
    assert isinstance(facts_of(record, concepts=(SYSTOLIC,)).select(slot(SYSTOLIC), AT, AT).value, Quantity)

"""Every rule by which an Observation becomes a fact, or none."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ontology.concepts import Concept
from ontology.values import Absent, AbsentReason, Bound, Coding, Quantity, Value
from tests.support.collector_inputs import (
    CONSCIOUSNESS,
    CREATININE,
    OXYGEN,
    SCORE,
    SYSTOLIC,
    codeable_concept,
    facts_of,
    loinc,
    observation,
    quantity,
    read_one,
)

UNKNOWN = Absent(AbsentReason.RECORDED_UNKNOWN)
UNREADABLE = Absent(AbsentReason.UNCONVERTIBLE)
IMPLAUSIBLE = Absent(AbsentReason.IMPLAUSIBLE)
ALERT = Coding("http://snomed.info/sct", "248234008")
VOICE = Coding("http://snomed.info/sct", "300202002")


def mg(value: str) -> Quantity:
    return Quantity(Decimal(value), "mg/dL")


def no_value(**changes: Any) -> dict[str, Any]:
    return observation(valueQuantity=None, **changes)


VALUES: dict[str, tuple[Concept, dict[str, Any], Value]] = {
    "decimals stay as written": (CREATININE, observation("1.10"), mg("1.10")),
    "converted": (CREATININE, observation(valueQuantity=quantity("113.12", "umol/L")), mg("1.27961344")),
    "unit by its text": (CREATININE, observation(valueQuantity={"value": 1, "unit": "mg/dL"}), mg("1")),
    "no system": (CREATININE, observation(valueQuantity={"value": 1, "code": "mg/dL"}), mg("1")),
    "other system": (CREATININE, observation(valueQuantity=quantity(1, system="http://snomed.info/sct")), UNREADABLE),
    "no unit": (CREATININE, observation(valueQuantity={"value": 1}), UNREADABLE),
    "unit not read for the concept": (CREATININE, observation(valueQuantity=quantity(1, "g/L")), UNREADABLE),
    "code and text contradict": (
        CREATININE,
        observation(valueQuantity=quantity(1, unit="umol/L") | {"code": "mg/dL"}),
        UNREADABLE,
    ),
    "declared spelling": (
        SYSTOLIC,
        observation(code=codeable_concept("8480-6"), valueQuantity={"value": 120, "unit": "mmHg"}),
        Quantity(Decimal(120), "mm[Hg]"),
    ),
    "below": (
        CREATININE,
        observation(valueQuantity=quantity("0.2", comparator="<")),
        Bound("<", Decimal("0.2"), "mg/dL"),
    ),
    "unknown comparator": (CREATININE, observation(valueQuantity=quantity(1, comparator="ad")), UNREADABLE),
    "too low": (CREATININE, observation("0.01"), IMPLAUSIBLE),
    "too high": (CREATININE, observation("1000"), IMPLAUSIBLE),
    "a bound from above may be small": (
        CREATININE,
        observation(valueQuantity=quantity(90, comparator="<")),
        Bound("<", Decimal(90), "mg/dL"),
    ),
    "absurd exponent": (CREATININE, observation(Decimal("1e400")), UNREADABLE),
    "number as text": (CREATININE, observation(valueQuantity={"value": "1.1", "code": "mg/dL"}), UNREADABLE),
    "NaN": (CREATININE, observation(valueQuantity={"value": "NaN", "code": "mg/dL"}), UNREADABLE),
    "quantity without value": (CREATININE, observation(valueQuantity={"unit": "mg/dL"}), UNKNOWN),
    "no value at all": (CREATININE, no_value(), UNKNOWN),
    "data absent": (CREATININE, no_value(dataAbsentReason={"text": "refused"}), UNKNOWN),
    "data absent beside a value": (CREATININE, observation(dataAbsentReason={"text": "refused"}), UNREADABLE),
    "text is never a number": (CREATININE, no_value(valueString="1.1"), UNREADABLE),
    "integer without unit": (CREATININE, no_value(valueInteger=1), UNREADABLE),
    "range": (CREATININE, no_value(valueRange={"low": {"value": 1}}), UNREADABLE),
    "sampled data": (CREATININE, no_value(valueSampledData={"origin": {"value": 0}}), UNREADABLE),
    "coded where a number is meant": (CREATININE, no_value(valueCodeableConcept=codeable_concept("x")), UNREADABLE),
    "unitless integer": (
        SCORE,
        no_value(code=codeable_concept("9269-2"), valueInteger=14),
        Quantity(Decimal(14), "{score}"),
    ),
    "unitless quantity": (
        SCORE,
        observation(code=codeable_concept("9269-2"), valueQuantity={"value": 14}),
        Quantity(Decimal(14), "{score}"),
    ),
    "answer": (
        CONSCIOUSNESS,
        no_value(code=codeable_concept("67775-7"), valueCodeableConcept=codeable_concept("LA9340-6")),
        ALERT,
    ),
    "canonical answer": (
        CONSCIOUSNESS,
        no_value(
            code=codeable_concept("67775-7"),
            valueCodeableConcept=codeable_concept("248234008", "http://snomed.info/sct"),
        ),
        ALERT,
    ),
    "unknown answer": (
        CONSCIOUSNESS,
        no_value(code=codeable_concept("67775-7"), valueCodeableConcept=codeable_concept("x")),
        UNREADABLE,
    ),
    "declared text": (CONSCIOUSNESS, no_value(code=codeable_concept("67775-7"), valueString="V"), VOICE),
    "free text": (CONSCIOUSNESS, no_value(code=codeable_concept("67775-7"), valueString="drowsy"), UNREADABLE),
    "answer that means no": (
        OXYGEN,
        no_value(
            code=codeable_concept("57485-5"),
            valueCodeableConcept=codeable_concept("722742002", "http://snomed.info/sct"),
        ),
        False,
    ),
    "truth value": (OXYGEN, no_value(code=codeable_concept("57485-5"), valueBoolean=True), True),
    "truth value where a number is meant": (CREATININE, no_value(valueBoolean=True), UNREADABLE),
    "unknown modifier": (
        CREATININE,
        observation(modifierExtension=[{"url": "urn:x", "valueBoolean": True}]),
        UNREADABLE,
    ),
    "wrong type": (CREATININE, observation(valueQuantity={"value": 1, "unit": 5}), UNREADABLE),
    "no time": (CREATININE, observation(effectiveDateTime=None), UNREADABLE),
    "no time, though issued": (
        CREATININE,
        observation(effectiveDateTime=None, issued="2024-05-01T08:00:00Z"),
        UNREADABLE,
    ),
    "not a time": (CREATININE, observation(effectiveDateTime="yesterday"), UNREADABLE),
    "open period": (
        CREATININE,
        observation(effectiveDateTime=None, effectivePeriod={"start": "2024-05-01"}),
        UNREADABLE,
    ),
    "period the wrong way round": (
        CREATININE,
        observation(effectiveDateTime=None, effectivePeriod={"start": "2024-05-02", "end": "2024-05-01"}),
        UNREADABLE,
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_value(name: str) -> None:
    concept, record, expected = VALUES[name]
    resource = read_one(record, concept)
    if isinstance(expected, Quantity) and isinstance(resource.value, Quantity):
        assert resource.value.value == pytest.approx(expected.value)
        assert resource.value.unit == expected.unit
    else:
        assert resource.value == expected
    if expected in (UNREADABLE, IMPLAUSIBLE):
        assert resource.problem


def test_decimals_are_those_written() -> None:
    assert str(read_one(observation("1.10")).value) == str(mg("1.10"))


def test_problem_names_the_element_that_has_the_wrong_type() -> None:
    resource = read_one(observation(valueQuantity={"value": 1, "unit": 5}))
    assert resource.problem == "valueQuantity.unit is not of the type that FHIR says"


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "entered-in-error"},
        {"status": "cancelled"},
        {"status": "registered"},
        {"status": "cancelled"},
        {"focus": [{"reference": "Patient/baby"}]},
        {"meta": {"tag": [{"system": "https://medtwin.example/tags", "code": "medtwin-result"}]}},
        {"method": codeable_concept("egfr", "https://medtwin.example/modules")},
        {
            "code": {
                "coding": [
                    *codeable_concept("2160-0")["coding"],
                    *codeable_concept("egfr", "https://medtwin.example/concepts")["coding"],
                ]
            }
        },
        {"subject": {"reference": "Patient/other"}},
        {"subject": {"reference": "http://elsewhere.test/fhir/Patient/p"}},
        {"subject": None},
        {"code": codeable_concept("12190-5")},
        {"code": codeable_concept("2160-0", "urn:local")},
    ],
    ids=str,
)
def test_is_no_fact(changes: dict[str, Any]) -> None:
    facts = facts_of(observation(**changes), concepts=(CREATININE,))
    assert facts.gathered_facts.resources == {"serum-creatinine": ()}


@pytest.mark.parametrize(
    "mark",
    [
        {
            "code": {
                "coding": [
                    *codeable_concept("2160-0")["coding"],
                    *codeable_concept("c", "https://medtwin.example/concepts")["coding"],
                ]
            }
        },
        {"method": codeable_concept("egfr", "https://medtwin.example/modules")},
    ],
    ids=str,
)
def test_what_cannot_be_decoded_as_a_whole_and_is_ours_is_no_fact_either(mark: dict[str, Any]) -> None:
    assert read_one(observation(valueQuantity=[])).value == UNREADABLE
    ours = observation(valueQuantity=[], **mark)
    assert facts_of(ours, concepts=(CREATININE,)).gathered_facts.resources == {"serum-creatinine": ()}


@pytest.mark.parametrize(
    "method",
    [
        codeable_concept("1", "http://snomed.info/sct"),
        {"text": "by https://medtwin.example/modules, says a remark"},
        ["https://medtwin.example/modules"],
        "enzymatic",
    ],
    ids=str,
)
def test_whatever_the_method_of_others_is_their_value_is_read(method: Any) -> None:
    (fact,) = facts_of(observation(method=method), concepts=(CREATININE,)).gathered_facts.resources["serum-creatinine"]
    assert fact.value == mg("1.1")


@pytest.mark.parametrize("reference", ["Patient/p", "http://ehr.test/fhir/Patient/p", "Patient/p/_history/3"])
def test_subject_is_named_in_any_way(reference: str) -> None:
    assert read_one(observation(subject={"reference": reference})).value == mg("1.1")


@pytest.mark.parametrize("status", ["final", "amended", "corrected", "preliminary"])
def test_status_counts(status: str) -> None:
    assert read_one(observation(status=status)).status == status


def test_what_the_record_itself_says_is_kept() -> None:
    resource = read_one(
        observation(
            meta={"versionId": "3"},
            issued="2024-05-01T09:00:00Z",
            interpretation=[{"coding": [{"code": "H", "display": "High"}]}],
            referenceRange=[{"low": quantity("0.6"), "high": quantity("1.2")}],
        )
    )
    assert (resource.recorded, resource.interpretation) == ("1.1 mg/dL", "High")
    assert resource.reference_range == "0.6 mg/dL to 1.2 mg/dL"
    assert resource.iri == "http://ehr.test/fhir/Observation/o1/_history/3"
    assert resource.source is not None
    assert resource.source.version == "3"


def panel(component: dict[str, Any] | None, **changes: Any) -> dict[str, Any]:
    parts = [component] if component is not None else None
    return no_value(code=codeable_concept("85354-9"), component=parts, **changes)


def test_component() -> None:
    resource = read_one(panel({"code": codeable_concept("8480-6"), "valueQuantity": quantity(120, "mm[Hg]")}), SYSTOLIC)
    assert resource.value == Quantity(Decimal(120), "mm[Hg]")
    assert resource.iri == "http://ehr.test/fhir/Observation/o1#8480-6"


def test_two_readings_in_one_panel_are_two_facts() -> None:
    parts = [{"code": codeable_concept("8480-6"), "valueQuantity": quantity(number, "mm[Hg]")} for number in (120, 130)]
    record = no_value(code=codeable_concept("85354-9"), component=parts)
    resources = facts_of(record, concepts=(SYSTOLIC,)).gathered_facts.resources["systolic"]
    assert [each.iri.partition("#")[2] for each in resources] == ["8480-6", "8480-6-1"]


def test_component_without_unit_is_refused_though_the_panel_is_known() -> None:
    assert (
        read_one(panel({"code": codeable_concept("8480-6"), "valueQuantity": {"value": 120}}), SYSTOLIC).value
        == UNREADABLE
    )


def test_component_that_is_recorded_unknown() -> None:
    record = panel({"code": codeable_concept("8480-6"), "dataAbsentReason": {"text": "refused"}})
    assert read_one(record, SYSTOLIC).value == UNKNOWN


def test_panel_that_is_recorded_unknown_as_a_whole() -> None:
    assert read_one(panel(None, dataAbsentReason={"text": "refused"}), SYSTOLIC).value == UNKNOWN


def test_value_that_is_recorded_unknown_says_nothing_of_what_may_stand_beside_it() -> None:
    saturation = replace(SYSTOLIC, id="spo2", accepted=(loinc("59408-5"),), panels=(), unit="%", units=("%",))
    flow = replace(SYSTOLIC, id="flow", accepted=(loinc("3151-8"),), panels=(loinc("59408-5").coding,))
    record = no_value(code=codeable_concept("59408-5"), dataAbsentReason={"text": "refused"})
    resources = facts_of(record, concepts=(saturation, flow)).gathered_facts.resources
    assert [each.value for each in resources["spo2"]] == [UNKNOWN]
    assert resources["flow"] == ()


def test_one_record_on_two_pages_counts_once_and_its_newest_version_wins() -> None:
    old, new = (
        observation("1.1", meta={"versionId": "9"}),
        observation("1.6", meta={"versionId": "10"}, status="amended"),
    )
    for records in ((old, new), (new, old)):
        (resource,) = facts_of(*records, concepts=(CREATININE,)).gathered_facts.resources["serum-creatinine"]
        assert resource.value == mg("1.6")


def test_version_that_was_entered_in_error_takes_the_record_away() -> None:
    old = observation(meta={"versionId": "1"})
    new = observation(meta={"versionId": "2"}, status="entered-in-error")
    assert facts_of(new, old, concepts=(CREATININE,)).gathered_facts.resources == {"serum-creatinine": ()}


def test_strangers_are_told() -> None:
    facts = facts_of(observation(subject={"reference": "Patient/other"}), concepts=(CREATININE,))
    assert [issue.code for issue in facts.issues] == ["wrong-subject"]

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from strawberry import ID

from ontology.concepts import Answer, Concept, Origin, ValueType
from ontology.values import Absent, AbsentReason, Coding, Quantity, Value
from server.errors import QuestionError
from server.graphql.assumptions import Assumption, CodingInput, read_assumptions
from server.graphql.endpoint import GraphQL
from server.settings import ServerSettings
from tests.support import traces as t
from tests.support.engine_questions import shipped
from tests.support.fake_engine import FakeEngine

ALERT, VOICE = Coding("http://snomed.info/sct", "248234008"), Coding("http://loinc.org", "LA9341-3")
CONCEPTS = {
    "serum-creatinine": replace(
        t.CREATININE,
        units=("mg/dL", "umol/L"),
        molar_mass=Decimal("113.12"),
        plausible_low=Decimal("0.1"),
        plausible_high=Decimal(30),
    ),
    "dialysis": t.DIALYSIS,
    "consciousness": Concept(
        "i:c", "consciousness", "Consciousness", Origin.OBSERVATION, ValueType.CODING, answers=(Answer(VOICE, ALERT),)
    ),
    "birth-date": Concept("i:b", "birth-date", "Birth date", Origin.PATIENT, ValueType.DATE),
}
CREATININE = {"concept": "serum-creatinine"}
QUERY = 'query A($assume: [Assumption!]) { patient(id: "p") { results(of: ["egfr"], assume: $assume) { text } } }'


async def assumed(*given: dict[str, Any]) -> tuple[dict[str, Value], list[str], str]:
    engine = FakeEngine()
    engine.catalog = replace(engine.catalog, concepts=CONCEPTS)
    told, _ = await GraphQL(engine, ServerSettings()).run(QUERY, {"assume": list(given)})
    faults = told.get("errors", [])
    taken = dict(engine.questions[0].assumptions) if engine.questions else {}
    return taken, [fault["extensions"]["code"] for fault in faults], str(faults)


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (
            {"concept": "serum-creatinine", "quantity": {"value": 1.2, "unit": "mg/dL"}},
            Quantity(Decimal("1.2"), "mg/dL"),
        ),
        ({"concept": "dialysis", "boolean": False}, False),
        ({"concept": "dialysis", "boolean": True, "coding": None}, True),
        ({"concept": "consciousness", "coding": {"system": ALERT.system, "code": ALERT.code}}, ALERT),
        ({"concept": "consciousness", "coding": {"system": VOICE.system, "code": VOICE.code}}, ALERT),
        ({"concept": "birth-date", "absent": True}, Absent(AbsentReason.NOT_QUERIED)),
    ],
)
async def test_what_is_assumed_reaches_the_question(given: dict[str, Any], value: Value) -> None:
    assert await assumed(given) == ({given["concept"]: value}, [], "[]")


async def test_a_number_is_converted_to_the_unit_of_its_concept() -> None:
    taken, _, _ = await assumed({"concept": "serum-creatinine", "quantity": {"value": 106.1, "unit": "umol/L"}})
    value = taken["serum-creatinine"]
    assert isinstance(value, Quantity)
    assert value.unit == "mg/dL"
    assert float(value.value) == pytest.approx(106.1 * 113.12 / 10_000, abs=1e-9)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (CREATININE, "assumption-fields"),
        ({**CREATININE, "quantity": {"value": 1, "unit": "mg/dL"}, "absent": True}, "assumption-fields"),
        ({**CREATININE, "absent": False}, "assumption-fields"),
        ({**CREATININE, "boolean": False, "absent": False}, "assumption-fields"),
        ({**CREATININE, "boolean": True}, "assumption-type"),
        ({"concept": "dialysis", "quantity": {"value": 1, "unit": "1"}}, "assumption-type"),
        ({"concept": "birth-date", "boolean": True}, "assumption-type"),
        ({**CREATININE, "quantity": {"value": 1, "unit": "mmHg"}}, "assumption-unit"),
        ({**CREATININE, "quantity": {"value": 77777, "unit": "mg/dL"}}, "assumption-range"),
        ({**CREATININE, "quantity": {"value": -1, "unit": "umol/L"}}, "assumption-range"),
        ({**CREATININE, "quantity": {"value": -1e308, "unit": "umol/L"}}, "assumption-range"),
        ({**CREATININE, "quantity": {"value": 1e-320, "unit": "umol/L"}}, "assumption-range"),
        ({"concept": "consciousness", "coding": {"system": "s", "code": "c"}}, "assumption-code"),
        ({"concept": "nothing", "boolean": True}, "unknown-concept"),
    ],
)
async def test_what_cannot_be_assumed_is_refused_by_name(given: dict[str, Any], code: str) -> None:
    taken, codes, told = await assumed(given)
    assert (taken, codes) == ({}, [code])
    assert "77777" not in told
    if code == "assumption-code":
        assert "it takes " in told
        assert "|" in told


async def test_one_concept_is_assumed_once() -> None:
    once = {"concept": "dialysis", "boolean": True}
    assert (await assumed(once, once))[1] == ["assumption-repeated"]


GENDER, OWN = "http://hl7.org/fhir/administrative-gender", "https://medtwin.example/codes"


@pytest.mark.parametrize(
    ("concept", "system", "code", "taken"),
    [
        ("sex", GENDER, "male", True),
        ("sex", GENDER, "other", True),
        ("sex", "urn:elsewhere", "male", False),
        ("sex", GENDER, "Male", False),
        ("sex", GENDER, "unknown", False),
        ("aki-stage", OWN, "aki-stage-2", True),
        ("aki-stage", "urn:elsewhere", "aki-stage-2", False),
        ("gfr-category", "urn:elsewhere", "G3a", False),
    ],
)
def test_a_code_of_a_system_that_is_not_known_stands_for_nothing(
    concept: str, system: str, code: str, taken: bool
) -> None:
    """Modules look at a code alone: male of another system would be reckoned with as male."""
    catalog = shipped()
    given = Assumption(concept=ID(concept), coding=CodingInput(system=system, code=code))
    if taken:
        read = read_assumptions([given], catalog.concepts, tuple(catalog.modules.values()))
        assert read == {concept: Coding(system, code)}
        return
    with pytest.raises(QuestionError) as error:
        read_assumptions([given], catalog.concepts, tuple(catalog.modules.values()))
    assert error.value.code == "assumption-code"

"""Answers to questionnaires: which items are read, at which depth, and which answers are refused."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from collectors.gatherer import facts_from_resources
from collectors.search import Search
from collectors.source_facts import SourceFacts
from ontology.concepts import AcceptedCode, Answer, Concept, Origin, ValueType
from ontology.slots import Select
from ontology.values import Absent, AbsentReason, Bound, Coding, Date, Quantity, Value
from tests.support.collector_inputs import AT, LOINC, PATIENT, SNOMED, SOURCE, quantity, slot, with_changes
from tests.support.engine_questions import shipped

CATALOG = shipped()
FORM = "http://forms.test/Questionnaire/intake"
UNKNOWN = Absent(AbsentReason.RECORDED_UNKNOWN)
UNREADABLE = Absent(AbsentReason.UNCONVERTIBLE)
NOT_FOUND = Absent(AbsentReason.NOT_FOUND)


def asked(value_type: ValueType, link: str = "q1", form: str = FORM, **more: Any) -> Concept:
    accepted = (AcceptedCode(Coding(form, link)),)
    return Concept("mpm:Asked", "asked", "what was asked", Origin.QUESTIONNAIRE, value_type, accepted=accepted, **more)


TOTAL = asked(
    ValueType.QUANTITY, unit="{score}", units=("{score}",), plausible_low=Decimal(0), plausible_high=Decimal(27)
)
WEIGHT = asked(ValueType.QUANTITY, unit="kg", units=("kg", "[lb_av]"))
SMOKES = asked(ValueType.FLAG, answers=(Answer(Coding(LOINC, "LA33-6"), True), Answer(Coding("", "never"), False)))
MOOD = asked(ValueType.CODING, answers=(Answer(Coding(LOINC, "LA6568-5"), Coding(SNOMED, "1", "not at all")),))
SINCE = asked(ValueType.DATE)


def response(*answers: dict[str, Any], **changes: Any) -> dict[str, Any]:
    record = {
        "resourceType": "QuestionnaireResponse",
        "id": "r1",
        "questionnaire": f"{FORM}|1.0",
        "status": "completed",
        "subject": {"reference": "Patient/p"},
        "authored": "2024-05-01T08:00:00Z",
        "item": [{"linkId": "q1", "answer": list(answers)} if answers else {"linkId": "q1"}],
    }
    return with_changes(record, changes)


def known(*records: Mapping[str, Any], concept: Concept = TOTAL) -> SourceFacts:
    searched = Search(CATALOG.collectors["questionnaire-response"], (concept,), (), None)
    return facts_from_resources(SOURCE, "p", (searched,), [PATIENT, *records])


def read(*records: Mapping[str, Any], concept: Concept = TOTAL) -> Value:
    return known(*records, concept=concept).select(slot(concept, accepts_bound=True), AT, AT).value


def score(value: str) -> Quantity:
    return Quantity(Decimal(value), "{score}")


ANSWERS: dict[str, tuple[Concept, dict[str, Any], Value]] = {
    "integer": (TOTAL, {"valueInteger": 14}, score("14")),
    "decimal": (TOTAL, {"valueDecimal": Decimal("14.5")}, score("14.5")),
    "implausible": (TOTAL, {"valueInteger": 28}, Absent(AbsentReason.IMPLAUSIBLE)),
    "quantity": (TOTAL, {"valueQuantity": quantity(14, "{score}")}, score("14")),
    "a unit is never guessed": (WEIGHT, {"valueDecimal": 70}, UNREADABLE),
    "nor for a whole number": (WEIGHT, {"valueInteger": 70}, UNREADABLE),
    "a unit": (WEIGHT, {"valueQuantity": quantity(100, "[lb_av]")}, Quantity(Decimal("45.359237"), "kg")),
    "a bound": (WEIGHT, {"valueQuantity": quantity(70, "kg", comparator=">")}, Bound(">", Decimal(70), "kg")),
    "another unit": (WEIGHT, {"valueQuantity": quantity(70, "cm")}, UNREADABLE),
    "yes": (SMOKES, {"valueBoolean": True}, True),
    "no": (SMOKES, {"valueBoolean": False}, False),
    "coded yes": (SMOKES, {"valueCoding": {"system": LOINC, "code": "LA33-6"}}, True),
    "declared text": (SMOKES, {"valueString": "never"}, False),
    "free text": (SMOKES, {"valueString": "not really"}, UNREADABLE),
    "code": (MOOD, {"valueCoding": {"system": LOINC, "code": "LA6568-5"}}, Coding(SNOMED, "1")),
    "unknown code": (MOOD, {"valueCoding": {"system": LOINC, "code": "LA0-0"}}, UNREADABLE),
    "date": (SINCE, {"valueDate": "2024-02"}, Date(date(2024, 2, 1), date(2024, 2, 29))),
    "moment": (SINCE, {"valueDateTime": "2024-02-03T10:00:00Z"}, Date(date(2024, 2, 3), date(2024, 2, 3))),
    "time of day": (SINCE, {"valueTime": "10:00:00"}, UNREADABLE),
    "date for a number": (TOTAL, {"valueDate": "2024-02-03"}, UNREADABLE),
    "address": (TOTAL, {"valueUri": "urn:x"}, UNREADABLE),
    "reference": (TOTAL, {"valueReference": {"reference": "Observation/1"}}, UNREADABLE),
    "attachment": (TOTAL, {"valueAttachment": {"title": "14"}}, UNREADABLE),
    "of another meaning": (
        TOTAL,
        {"valueInteger": 14, "modifierExtension": [{"url": "urn:x", "valueBoolean": True}]},
        UNREADABLE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_answer(name: str) -> None:
    concept, answer, expected = ANSWERS[name]
    assert read(response(answer), concept=concept) == expected
    if expected in (UNREADABLE, Absent(AbsentReason.IMPLAUSIBLE)):
        (fact,) = known(response(answer), concept=concept).facts["asked"]
        assert fact.resource.problem
        assert fact.resource.problem.startswith("item.answer.")


GOOD = {"valueInteger": 14}
Q1 = {"linkId": "q1", "answer": [GOOD]}
WITH_VERSION = replace(TOTAL, accepted=(AcceptedCode(Coding(f"{FORM}|1.0", "q1")),))
SHELLS: dict[str, tuple[Concept, dict[str, Any], Value]] = {
    "below a group": (TOTAL, response(item=[{"linkId": "g", "item": [Q1]}]), score("14")),
    "below an answer": (
        TOTAL,
        response(item=[{"linkId": "g", "answer": [{"valueBoolean": True, "item": [{"linkId": "h", "item": [Q1]}]}]}]),
        score("14"),
    ),
    "no answer": (TOTAL, response(), UNKNOWN),
    "item not there": (TOTAL, response(item=[{"linkId": "q2", "answer": [GOOD]}]), NOT_FOUND),
    "no items": (TOTAL, response(item=None), NOT_FOUND),
    "another form": (TOTAL, response(GOOD, questionnaire="http://forms.test/Questionnaire/other|1.0"), NOT_FOUND),
    "no form": (TOTAL, response(GOOD, questionnaire=None), NOT_FOUND),
    "without a version": (TOTAL, response(GOOD, questionnaire=FORM), score("14")),
    "the version asked for": (WITH_VERSION, response(GOOD), score("14")),
    "another version": (WITH_VERSION, response(GOOD, questionnaire=f"{FORM}|2.0"), NOT_FOUND),
    "no version where one is asked for": (WITH_VERSION, response(GOOD, questionnaire=FORM), NOT_FOUND),
    "amended": (TOTAL, response(GOOD, status="amended"), score("14")),
    "in error": (TOTAL, response(GOOD, status="entered-in-error"), NOT_FOUND),
    "without a status": (TOTAL, response(GOOD, status=None), NOT_FOUND),
    "of another patient": (TOTAL, response(GOOD, subject={"reference": "Patient/q"}), NOT_FOUND),
    "of none": (TOTAL, response(GOOD, subject=None), NOT_FOUND),
    "undated": (TOTAL, response(GOOD, authored=None), NOT_FOUND),
    "misdated": (TOTAL, response(GOOD, authored="last week"), NOT_FOUND),
    "of the future": (TOTAL, response(GOOD, authored="2025-05-01T08:00:00Z"), NOT_FOUND),
    "of another meaning": (TOTAL, response(GOOD, implicitRules="urn:x"), UNREADABLE),
    "mistyped": (TOTAL, response(GOOD, item=[{"linkId": "q1", "answer": [{"valueString": 5}]}]), NOT_FOUND),
    "mistyped, another form": (TOTAL, response(item=5, questionnaire="urn:other"), NOT_FOUND),
    "two answers that say the same": (TOTAL, response(GOOD, GOOD), score("14")),
    "two answers": (TOTAL, response(GOOD, {"valueInteger": 3}), Absent(AbsentReason.CONFLICTING)),
}  # fmt: skip


@pytest.mark.parametrize("name", SHELLS)
def test_response(name: str) -> None:
    concept, record, expected = SHELLS[name]
    assert read(record, concept=concept) == expected


@pytest.mark.parametrize(("status", "word"), [("in-progress", "to its end"), ("stopped", "stopped")])
def test_what_is_not_finished_is_told(status: str, word: str) -> None:
    found = known(response(GOOD, status=status)).select(slot(TOTAL), AT, AT)
    assert found.value == score("14")
    assert [issue.code for issue in found.issues] == ["preliminary"]
    assert word in found.issues[0].text


def test_a_finished_one_is_preferred_to_one_that_is_not() -> None:
    early = response({"valueInteger": 3}, status="in-progress") | {"id": "r2"}
    assert read(early, response(GOOD)) == score("14")


def test_each_answer_has_a_name_of_its_own_and_leads_to_the_response() -> None:
    facts = known(response(GOOD, {"valueInteger": 3})).facts["asked"]
    base = "http://ehr.test/fhir/QuestionnaireResponse/r1"
    assert [fact.resource.iri for fact in facts] == [f"{base}#q1", f"{base}#q1-1"]


def test_one_that_breaks_fhirs_rules_is_told() -> None:
    record = response(item=[{"linkId": "q1", "answer": [{"valueString": 5}]}])
    facts = known(record, response(GOOD, authored="2024-04-01T08:00:00Z") | {"id": "r2"})
    assert [fact.resource.value for fact in facts.facts["asked"]] == [UNREADABLE, score("14")]
    found = facts.select(slot(TOTAL), AT, AT)
    assert found.value == score("14")
    assert [issue.code for issue in found.issues] == ["invalid-record"]


def test_answers_over_time_are_a_series() -> None:
    later = response({"valueInteger": 9}, authored="2024-05-08T08:00:00Z") | {"id": "r2"}
    series = known(later, response(GOOD)).select(slot(TOTAL, select=Select.SERIES), AT, AT).value
    first, second = datetime(2024, 5, 1, 8, tzinfo=UTC), datetime(2024, 5, 8, 8, tzinfo=UTC)
    assert getattr(series, "points", None) == ((first, Decimal(14)), (second, Decimal(9)))


def test_the_shipped_total_of_phq_9_is_read() -> None:
    concept = CATALOG.concepts["phq9-total-answered"]
    item = [{"linkId": "/44261-6", "answer": [{"valueQuantity": {"value": 12, "code": "{score}"}}]}]
    record = response(questionnaire="http://loinc.org/q/44249-1", item=item)
    assert read(record, concept=concept) == score("12")

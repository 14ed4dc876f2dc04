"""What answers about the synthetic patients, and small charts, say besides their values: each fact once, as grave as
it is, and short enough."""

import json
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from fixtures.make_patients import INDEX, PATIENTS
from ontology.evaluation import Severity
from ontology.words.lists import is_short
from server.explain.explain import explain
from server.explain.results import AnswerResult, Status
from tests.support.charts import Record, condition, creatinine, patient
from tests.support.engine_questions import open_asker, shipped

CHARTS = json.loads((PATIENTS / INDEX).read_text(encoding="utf-8"))
COMPUTED = tuple(sorted({module.produces.id for module in shipped().modules.values()}))
PREGNANCY, UNKNOWN = "77386006", "applicability-unknown"


async def answers(chart: dict[str, Any]) -> tuple[AnswerResult, ...]:
    records = [entry["resource"] for entry in json.loads((PATIENTS / chart["file"]).read_text())["entry"]]
    async with open_asker(cache={"enabled": False}) as ask:
        return explain(await ask(records, *COMPUTED, at=datetime.fromisoformat(chart["at"]), patient=chart["id"]))


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: str(chart["id"]))
async def test_issues_of_every_answer(chart: dict[str, Any]) -> None:
    for result in await answers(chart):
        name = result.concept.id
        if result.status in (Status.COMPLETE, Status.PARTIAL):
            errors = [issue.code for issue in result.issues if issue.severity is Severity.ERROR]
            assert errors == [], f"{name} has a value"
        texts = Counter((issue.code, issue.text) for issue in result.issues)
        assert max(texts.values(), default=1) == 1, f"{name}: {texts.most_common(1)}"
        unknown = [issue.text.partition("): ")[2].split("; ") for issue in result.issues if issue.code == UNKNOWN]
        grounds = Counter(ground for text in unknown for ground in text)
        assert max(grounds.values(), default=1) == 1, f"{name}: {grounds.most_common(1)}"
        for issue in result.issues:
            assert issue.short and is_short(issue.short), f"{name}: {issue.short}"
            assert issue.step is None or 0 <= issue.step < len(result.chain)


def with_clinical_sex(code: str) -> dict[str, Any]:
    system = "http://terminology.hl7.org/CodeSystem/sex-parameter-for-clinical-use"
    value = {"coding": [{"system": system, "code": code}]}
    url = "http://hl7.org/fhir/StructureDefinition/patient-sexParameterForClinicalUse"
    return {"extension": [{"url": url, "extension": [{"url": "value", "valueCodeableConcept": value}]}]}


def person(gender: str, clinical: str | None = None) -> Record:
    return patient("1990-01-01", gender, **({} if clinical is None else with_clinical_sex(clinical)))


@pytest.mark.parametrize(
    ("who", "further", "told"),
    [
        (person("female"), [], True),
        (person("male"), [], False),
        # Male by gender, and not by the sex for clinical use; and the other way round.
        (person("male", "female-typical"), [], True),
        (person("female", "male-typical"), [], True),
        (person("male", "male-typical"), [], False),
        (person("other"), [], True),
        # A pregnancy that is recorded counts whoever it is of.
        (person("male"), [condition(PREGNANCY, "2026-03-01")], True),
    ],
)
@pytest.mark.parametrize("of", ["egfr", "gfr-category"])
async def test_pregnancy_is_spoken_of_where_it_is_possible_or_recorded(
    who: Record, further: list[Record], told: bool, of: str
) -> None:
    async with open_asker(cache={"enabled": False}) as ask:
        (result,) = explain(await ask([who, creatinine(1.0, "2026-06-20T08:00:00Z"), *further], of))
    said = [issue.text for issue in result.issues if "pregnan" in issue.text.casefold()]
    # Of another sex than female or male there is no eGFR, so there is nothing to caution.
    assert bool(said) is told or result.status is Status.INSUFFICIENT, said

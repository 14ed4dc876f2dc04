"""What answers about the synthetic patients, and small charts, say besides their values: each fact once, as grave as
it is, and short enough."""

import json
import re
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from fixtures.make_patients import INDEX, PATIENTS
from ontology.evaluation import Severity
from ontology.words.lists import is_short
from server.executor.question import Question
from server.explain.cautions import describe_cautions
from server.explain.explain import explain
from server.explain.results import AnswerResult, Status
from tests.support.charts import Record, condition, creatinine, patient
from tests.support.engine_questions import AT, PATIENT, open_asker, shipped
from tests.support.fake_fhir_servers import FaultyFhir, engine_over, refusing

CHARTS = json.loads((PATIENTS / INDEX).read_text(encoding="utf-8"))
COMPUTED = tuple(sorted({module.produces.id for module in shipped().modules.values()}))
PREGNANCY, UNKNOWN = "77386006", "applicability-unknown"


async def answers(chart: dict[str, Any]) -> tuple[AnswerResult, ...]:
    records = [entry["resource"] for entry in json.loads((PATIENTS / chart["file"]).read_text())["entry"]]
    async with open_asker(cache={"enabled": False}) as ask:
        return explain(await ask(records, *COMPUTED, at=datetime.fromisoformat(chart["at"]), patient=chart["id"]))


OPEN = re.compile(
    r"((?P<names>.+?): (not documented|unknown)\. (The answer holds only|Caution if present).*?)??"
    r" ?(Not excluded: (?P<negative>.+?)\. (The answer holds only if it is excluded|Caution if so)\.)?"
)
OF_ONE = (". The answer holds only without it", ". Caution if present: ")


def grounds_of(text: str) -> list[str]:
    """The grounds that an issue names: ``A, b: unknown. What follows.`` and ``Not excluded: no c; without d.``"""
    told = OPEN.fullmatch(text)
    assert told is not None and (told["names"] or told["negative"]), text
    names, negative = told["names"] or "", told["negative"] or ""
    one = any(each in text for each in OF_ONE)
    found = [names] if one else names.split("; " if "; " in names else ", ")
    return [each.casefold() for each in (*found, *negative.split("; ")) if each]


def test_grounds_are_read_from_the_text() -> None:
    read = {
        "Dialysis: not documented. The answer holds only without it.": ["dialysis"],
        "Injury, now or of late: unknown. The answer holds only without it: why.": ["injury, now or of late"],
        "Pregnancy, amputation: not documented. Caution if present. Amputation: why.": ["pregnancy", "amputation"],
        "Valve; stenosis, severe: unknown. The answer holds only if there is none.": ["valve", "stenosis, severe"],
        "Not excluded: no fever; without pain. Caution if so.": ["no fever", "without pain"],
        "Dialysis: unknown. Caution if present. Not excluded: no fever. Caution if so.": ["dialysis", "no fever"],
    }
    assert {text: grounds_of(text) for text in read} == read


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: str(chart["id"]))
async def test_issues_of_every_answer(chart: dict[str, Any]) -> None:
    for result in await answers(chart):
        name = result.concept.id
        if result.status in (Status.COMPLETE, Status.PARTIAL):
            errors = [issue.code for issue in result.issues if issue.severity is Severity.ERROR]
            assert errors == [], f"{name} has a value"
        texts = Counter((issue.code, issue.text) for issue in result.issues)
        assert max(texts.values(), default=1) == 1, f"{name}: {texts.most_common(1)}"
        grounds = Counter(name for issue in result.issues if issue.code == UNKNOWN for name in grounds_of(issue.text))
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


UNDECIDED = [
    # How dialysis and amputation are recorded: what is said of them, and how grave it is.
    ("provisional", {"dialysis": Severity.WARNING, "amputation": Severity.WARNING}, True),
    ("differential", {"dialysis": Severity.WARNING, "amputation": Severity.WARNING}, True),
    ("refuted", {"dialysis": Severity.WARNING, "amputation": Severity.INFORMATION}, False),
]


@pytest.mark.parametrize(("status", "unknown", "warned"), UNDECIDED)
async def test_what_is_on_record_and_undecided_is_never_called_not_recorded(
    status: str, unknown: dict[str, Severity], warned: bool
) -> None:
    """A suspected dialysis or amputation does not count (CLINICAL.md: provisional, differential), and is no silence."""
    state: dict[str, Any] = {"verificationStatus": {"coding": [{"code": status}]}}
    records = [condition(code, "2026-03-01", **state) for code in ("105502003", "161622006")]
    async with open_asker(cache={"enabled": False}) as ask:
        chart = [person("male"), creatinine(1.0, "2026-06-20T08:00:00Z"), *records]
        (result,) = explain(await ask(chart, "egfr"))
    for words, severity in unknown.items():
        (issue,) = (
            each
            for each in result.issues
            if each.code == UNKNOWN and each.step == len(result.chain) - 1 and words in each.text.casefold()
        )
        assert (issue.severity, ": unknown." in issue.text) == (severity, True)
    suspected = [each.severity for each in result.issues if each.code == "doubted"]
    assert suspected == ([Severity.WARNING] * 2 if warned else [])
    assert describe_cautions(result).count("recorded, not confirmed") == (2 if warned else 0)


async def test_a_search_that_failed_is_shown_with_all_that_it_leaves_open() -> None:
    """Whether to refuse and whether to caution are two questions: neither stands for the other."""
    chart = [person("male"), creatinine(1.0, "2026-06-20T08:00:00Z")]
    async with engine_over(FaultyFhir(chart, Condition=refusing(403)), cache={"enabled": False}) as engine:
        (result,) = explain(await engine.ask(Question(PATIENT, ("egfr",), AT, "ehr")))
    shown = describe_cautions(result)
    assert "dialysis unknown: holds only without it" in shown and "acute kidney injury and amputation unknown" in shown
    # It concerns every input that needs it, and not only the one that is first.
    assert "condition could not be retrieved" in shown and "does not permit" not in shown

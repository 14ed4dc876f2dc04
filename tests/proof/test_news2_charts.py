"""NEWS2 from charts in FHIR: the set of observations, the coma scale instead of ACVPU, and oxygen."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from ontology.values import Absent, AbsentReason, Quantity, Value
from server.explain.explain import explain
from server.explain.results import AnswerResult, Status
from tests.support.charts import SCT, answer, condition, lab, patient
from tests.support.engine_questions import AT, Asker, Record, open_asker

NOW = AT - timedelta(minutes=5)
LOCAL = "https://medtwin.example/codes"
BY_GCS: Mapping[str, Value] = {"consciousness-by-gcs": True}


@pytest.fixture
async def ask() -> AsyncIterator[Asker]:
    async with open_asker(cache={"enabled": False}) as asker:
        yield asker


async def news2(ask: Asker, *records: Record, assume: Mapping[str, Value] | None = None) -> AnswerResult:
    (result,) = explain(await ask([patient(), *records], "news2", assume=assume))
    return result


def at(ago: timedelta) -> str:
    return (NOW - ago).isoformat()


def signs(ago: timedelta = timedelta(0), *, leave_out: tuple[str, ...] = ()) -> list[Record]:
    """A set of observations that scores 0, without consciousness."""
    rows = (
        ("9279-1", 16, "/min"),
        ("59408-5", 97, "%"),
        ("8480-6", 120, "mm[Hg]"),
        ("8867-4", 70, "/min"),
        ("8310-5", 37, "Cel"),
        ("3151-8", 0, "L/min"),
    )
    return [lab(code, value, unit, at(ago)) for code, value, unit in rows if code not in leave_out]


def acvpu(code: str, ago: timedelta = timedelta(0)) -> Record:
    return answer("67775-7", (SCT, code), at(ago))


def gcs(value: int | None, ago: timedelta = timedelta(0), code: str = "9269-2", **more: Any) -> Record:
    return lab(code, value, "{score}", at(ago), **more)


ALERT, CHRONIC = "248234008", "130988005"
UNTESTABLE: dict[str, Any] = {"dataAbsentReason": {"coding": [{"code": "not-performed"}], "text": "intubated"}}


def total(result: AnswerResult) -> int | None:
    return int(result.value.value) if isinstance(result.value, Quantity) else None


def limits(result: AnswerResult) -> tuple[int, int] | None:
    return None if result.bounds is None else (int(result.bounds.low), int(result.bounds.high))


def said(result: AnswerResult) -> str:
    return " | ".join(issue.text for issue in result.issues)


@pytest.mark.parametrize(
    ("apart", "complete"),
    [
        (timedelta(minutes=29, seconds=59), True),
        (timedelta(minutes=30), True),
        (timedelta(minutes=30, seconds=1), False),
    ],
)
async def test_thirty_minutes_to_the_second(ask: Asker, apart: timedelta, complete: bool) -> None:
    result = await news2(ask, *signs(), acvpu(ALERT, apart))
    assert (result.status is Status.COMPLETE) is complete
    assert (total(result) == 0) is complete


@pytest.mark.parametrize("assume", [None, BY_GCS])
async def test_ways_that_were_not_taken_leave_nothing_incomplete(
    ask: Asker, assume: Mapping[str, Value] | None
) -> None:
    result = await news2(ask, *signs(), acvpu(ALERT), assume=assume)
    assert result.status is Status.COMPLETE
    assert not any(word in said(result) for word in ("oma", "Sedat", "onfusion", "oxygen fraction", "has no effect"))


async def test_oxygen_and_consciousness_are_not_documented_rather_than_each_way_to_them(ask: Asker) -> None:
    without = await news2(ask, *signs(leave_out=("3151-8",)), acvpu(ALERT))
    assert "oxygen therapy not documented in the last 24 hours" in without.text
    assert "level of consciousness" in (await news2(ask, *signs())).text


async def test_chronic_confusion_is_read_as_an_answer_and_scores_0(ask: Asker) -> None:
    assert total(await news2(ask, *signs(), acvpu(CHRONIC))) == 0


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([gcs(15)], 0),
        ([gcs(14)], 3),
        ([gcs(3)], 3),
        ([gcs(14), acvpu(ALERT)], 0),
        ([gcs(15), acvpu("300202002")], 3),
        ([gcs(15, timedelta(minutes=30))], 0),
        ([gcs(15, timedelta(minutes=31))], None),
        # Charted four hours ago: not with this set.
        ([gcs(14), acvpu(ALERT, timedelta(hours=4))], 3),
        ([gcs(14), acvpu(CHRONIC, timedelta(hours=4))], None),
        ([gcs(14), condition(CHRONIC)], None),
        ([gcs(13), condition(CHRONIC)], 3),
        ([gcs(11), gcs(None, code="9270-0", **UNTESTABLE)], None),
        ([gcs(10), answer("sedation", (LOCAL, "sedated"), at(timedelta(0)), system=LOCAL)], None),
        ([gcs(15), answer("sedation", (LOCAL, "not-sedated"), at(timedelta(0)), system=LOCAL)], 0),
    ],
)
async def test_the_coma_scale_where_the_site_uses_it(ask: Asker, records: list[Record], expected: int | None) -> None:
    assert total(await news2(ask, *signs(), *records, assume=BY_GCS)) == expected


@pytest.mark.parametrize("value", [3, 14, 15])
@pytest.mark.parametrize("assume", [None, {"consciousness-by-gcs": False}])
async def test_the_coma_scale_alone_is_never_used_unasked(
    ask: Asker, value: int, assume: Mapping[str, Value] | None
) -> None:
    result = await news2(ask, *signs(), gcs(value), assume=assume)
    assert total(result) is None
    assert limits(result) == (0, 3)


async def test_a_later_coma_scale_does_not_make_the_charted_set_too_old_where_it_is_not_used(ask: Asker) -> None:
    hour = timedelta(hours=1)
    assert total(await news2(ask, *signs(hour), acvpu(ALERT, hour), gcs(15))) == 0


async def test_the_setting_of_the_site_counts_as_an_assumption_does() -> None:
    async with open_asker(cache={"enabled": False}, site={"consciousness-by-gcs": True}) as asker:
        assert total(await news2(asker, *signs(), gcs(15))) == 0
        assert total(await news2(asker, *signs(), gcs(15), assume={"consciousness-by-gcs": False})) is None


@pytest.mark.parametrize(
    ("oxygen", "expected"),
    [
        ([lab("3150-0", 21, "%", at(timedelta(0)))], 0),
        ([lab("3150-0", 28, "%", at(timedelta(0)))], 2),
        ([lab("3151-8", 0, "L/min", at(timedelta(0)))], 0),
        ([lab("3151-8", 2, "L/min", at(timedelta(0)))], 2),
        ([lab("722742002", None, None, at(timedelta(0)), system=SCT)], 0),
        ([], None),
    ],
)
async def test_any_one_statement_about_oxygen_is_enough(ask: Asker, oxygen: list[Record], expected: int | None) -> None:
    result = await news2(ask, *signs(leave_out=("3151-8",)), acvpu(ALERT), *oxygen)
    assert total(result) == expected
    assert ("oxygen therapy not documented" in said(result)) is (expected is None)


async def test_copd_without_a_decision_is_told(ask: Asker) -> None:
    copd = condition("13645005")
    decided = answer("spo2-scale", (LOCAL, "scale-1"), at(timedelta(days=3)), system=LOCAL)
    warning = "no SpO2 scale decision"
    assert warning in said(await news2(ask, *signs(), acvpu(ALERT), copd))
    assert warning not in said(await news2(ask, *signs(), acvpu(ALERT), copd, decided))
    assert warning not in said(await news2(ask, *signs(), acvpu(ALERT)))


ICD_10, ICD_10_CM = "http://hl7.org/fhir/sid/icd-10", "http://hl7.org/fhir/sid/icd-10-cm"


@pytest.mark.parametrize(
    ("system", "code", "retains"),
    [
        (SCT, "29596007", True),
        # WHO and Germany: type II; ICD-10-CM: with hypoxia, with hypercapnia.
        (ICD_10, "J96.11", True),
        ("http://fhir.de/CodeSystem/bfarm/icd-10-gm", "J96.01", True),
        (ICD_10, "J96.00", False),
        (ICD_10_CM, "J96.11", False),
        (ICD_10_CM, "J96.12", True),
        (SCT, "409622000", False),
        # Chronic kidney disease, as a ward's list has it: understood, and nothing that concerns the score.
        (SCT, "431857002", False),
        (ICD_10, "N18.4", False),
    ],
)
async def test_which_entries_of_a_list_concern_the_scale(ask: Asker, system: str, code: str, retains: bool) -> None:
    result = await news2(ask, *signs(), acvpu(ALERT), condition(code, system=system))
    assert ("no SpO2 scale decision" in said(result)) is retains
    assert "could be relevant" not in said(result)


async def test_an_unreadable_level_is_not_replaced_by_the_coma_scale(ask: Asker) -> None:
    confused = answer("67775-7", ("http://loinc.org", "LA6560-2"), at(timedelta(0)))
    result = await news2(ask, *signs(), confused, gcs(15), assume=BY_GCS)
    assert result.value == Absent(AbsentReason.INPUT_ABSENT)

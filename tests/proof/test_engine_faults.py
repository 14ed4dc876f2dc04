"""Whatever breaks, a question is answered in time, typed, and without a trace of how: nothing is lost elsewhere."""

import asyncio
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from collectors.errors import PatientNotFoundError
from collectors.fetching import transport
from fixtures.ports import HOST, listen, port_of
from ontology.concepts import Origin
from ontology.values import Absent, AbsentReason, Quantity
from server.executor.engine import Engine
from server.executor.question import Question
from server.executor.trace import Trace
from server.explain.results import Status
from tests.support.charts import condition, creatinine, lab, patient, uacr
from tests.support.engine_questions import evaluated_modules, shipped
from tests.support.fake_fhir_servers import (
    Fault,
    FaultyFhir,
    engine_over,
    html,
    html_as_json,
    never_answering,
    page_loop,
    raising_egfr,
    refusing,
    unreachable,
)
from tests.support.proof_questions import every_concept, execution, results_by_concept

AT = datetime(2026, 6, 30, 12, tzinfo=UTC)
RECENT = "2026-06-29T08:00:00+00:00"
CHART = [
    patient(),
    creatinine(1.6, RECENT, id="cr1"),
    uacr(120, RECENT, id="ur1"),
    lab("29463-7", 70, "kg", RECENT),
    lab("8302-2", 170, "cm", RECENT),
    condition("49436004", onset="2020-01-01"),
]
SOURCE_FAULTS: dict[str, tuple[Fault, AbsentReason, str]] = {
    "down": (unreachable, AbsentReason.UNREACHABLE, "source-unreachable"),
    "slow past the deadline": (never_answering, AbsentReason.UNREACHABLE, "source-unreachable"),
    "HTML": (html, AbsentReason.UNREACHABLE, "source-unreachable"),
    "HTML that says it is FHIR": (html_as_json, AbsentReason.UNREACHABLE, "source-unreachable"),
    "page loop": (page_loop, AbsentReason.UNREACHABLE, "source-unreachable"),
    "error of the server": (refusing(500), AbsentReason.UNREACHABLE, "source-unreachable"),
    "401": (refusing(401), AbsentReason.NOT_PERMITTED, "source-refused"),
    "403": (refusing(403), AbsentReason.NOT_PERMITTED, "source-refused"),
}
DEADLINE = 0.5


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_FIRST_BACKOFF", 0.001)


async def ask(engine: Engine, *of: str, of_patient: str = "p1") -> Trace:
    # Far more than any deadline here: only so that a question that hangs fails the test.
    async with asyncio.timeout(20):
        return await engine.ask(Question(of_patient, of or every_concept(), AT))


def says_absent(text: str) -> bool:
    """Whether a text says of something that nobody recorded it."""
    return any(words in text for words in ("not recorded", "not documented", "No record of"))


def statuses(trace: Trace) -> dict[str, Status]:
    return {concept: result.status for concept, result in results_by_concept(trace).items()}


@pytest.mark.parametrize("name", SOURCE_FAULTS)
async def test_a_fault_of_the_observations_costs_only_them(name: str) -> None:
    fault, reason, code = SOURCE_FAULTS[name]
    async with engine_over(FaultyFhir(CHART, Observation=fault), server={"deadline": DEADLINE}) as engine:
        trace = await ask(engine)
    assert [issue.code for issue in trace.issues] == [code]
    assert execution(trace, "egfr").inputs["creatinine"].value == Absent(reason)
    assert execution(trace, "bmi").inputs["weight"].value == Absent(reason)
    answered = statuses(trace)
    assert answered["egfr"] is answered["bmi"] is answered["albuminuria-category"] is Status.INSUFFICIENT
    # The Patient and the Conditions were had: 66 years 1, female 1, and atrial fibrillation.
    assert answered["age"] is Status.COMPLETE
    score = results_by_concept(trace)["cha2ds2-vasc"]
    assert (score.status, score.value) == (Status.PARTIAL, Quantity(Decimal(2), "{score}"))
    assert Status.FAILED not in answered.values()


@pytest.mark.parametrize("name", SOURCE_FAULTS)
async def test_a_fault_of_the_conditions_is_unknown_and_never_no(name: str) -> None:
    fault, reason, _ = SOURCE_FAULTS[name]
    async with engine_over(FaultyFhir(CHART, Condition=fault), server={"deadline": DEADLINE}) as engine:
        trace = await ask(engine)
    assert execution(trace, "egfr").inputs["dialysis"].value == Absent(reason)
    result = results_by_concept(trace)["egfr"]
    assert result.status is Status.COMPLETE
    unknown = [issue.text for issue in result.issues if issue.code == "applicability-unknown"]
    assert any("ialysis" in text for text in unknown), "a search that failed must be told as unknown"
    # Nobody knows what is recorded: no "at least 2 (recorded)", only between which totals it lies.
    score = results_by_concept(trace)["cha2ds2-vasc"]
    assert score.status is Status.INSUFFICIENT
    assert score.bounds is not None
    assert (score.bounds.low, score.bounds.high) == (2, 8)


@pytest.mark.parametrize("name", SOURCE_FAULTS)
async def test_a_source_that_fails_altogether_is_typed(name: str) -> None:
    fault, reason, code = SOURCE_FAULTS[name]
    types = {collector.resource_type for collector in shipped().collectors.values()}
    fhir = FaultyFhir(CHART, **dict.fromkeys(types, fault))
    async with engine_over(fhir, server={"deadline": DEADLINE}) as engine:
        trace = await ask(engine)
    assert {issue.code for issue in trace.issues} == {code}
    # Slots that a site setting switches on take nothing unless it does.
    leaves = [i for e in trace.executions for i in e.inputs.values() if not i.steps and i.slot.enabled_by is None]
    assert {leaf.value for leaf in leaves if leaf.slot.concept.origin is not Origin.SITE} == {Absent(reason)}
    assert set(statuses(trace).values()) == {Status.INSUFFICIENT}
    for result in results_by_concept(trace).values():
        assert result.issues
        # Nobody knows what is recorded.
        assert [issue.text for issue in result.issues if says_absent(issue.text)] == [], result.concept.id
        assert not says_absent(result.text)


async def test_the_deadline_is_kept() -> None:
    fhir = FaultyFhir(CHART, Observation=never_answering, Condition=never_answering)
    async with engine_over(fhir, server={"deadline": 0.3}) as engine:
        began = time.monotonic()
        trace = await ask(engine)
        took = time.monotonic() - began
    # The answer that would come takes 60 s: this tells "ended" from "hung", not fast from slow.
    assert took < 15
    assert any("deadline" in issue.text for issue in trace.issues)


async def test_a_port_where_nobody_listens() -> None:
    listener = listen(None, "")
    port = port_of(listener)
    listener.close()
    async with engine_over(base_url=f"http://{HOST}:{port}/fhir") as engine:
        trace = await ask(engine, "egfr")
        assert [status.reachable for status in await engine.source_status()] == [False]
    assert statuses(trace) == {"egfr": Status.INSUFFICIENT}
    assert str(port) not in " ".join(issue.text for issue in results_by_concept(trace)["egfr"].issues)


async def test_a_patient_that_does_not_exist() -> None:
    async with engine_over(FaultyFhir(CHART)) as engine:
        with pytest.raises(PatientNotFoundError) as caught:
            await ask(engine, of_patient="somebody-else")
    assert "somebody-else" not in str(caught.value)


async def test_a_module_that_raises_fails_alone(tmp_path: Path) -> None:
    async with engine_over(FaultyFhir(CHART), raising_egfr(tmp_path / "egfr")) as engine:
        first, second = await ask(engine), await ask(engine)
    for trace in (first, second):
        answered = statuses(trace)
        assert answered["egfr"] is answered["gfr-category"] is answered["kidney-failure-risk-5y"] is Status.FAILED
        assert answered["age"] is answered["bmi"] is answered["albuminuria-category"] is Status.COMPLETE
        assert "1.6" not in " ".join(
            issue.text for issue in results_by_concept(trace)["egfr"].issues if issue.code == "failed"
        )
        assert execution(trace, "egfr").evaluation.value == Absent(AbsentReason.FAILED)
    assert "egfr" in evaluated_modules(second), "a failure is not kept"

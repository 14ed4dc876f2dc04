"""Invariant 6: every value in an answer leads to records (server, id, version), to an assumption, or to an absence."""

from collections.abc import Iterable
from decimal import Decimal

import pytest

from fixtures.ehr import Ehr
from fixtures.make_patients import PATIENTS
from fixtures.transactions import bundles_in, resources_of
from ontology.resources import Resource
from ontology.values import Absent, Quantity, Value
from server.executor.trace import BoundInput, Execution, Trace
from server.explain.results import CLOSED_WORLD
from tests.support.charts import patient, uacr
from tests.support.engine_questions import open_asker
from tests.support.proof_questions import every_concept, results_by_concept
from tests.support.real_answers import WHY_ABSENT, Answers

READ = {"Patient", "Observation", "Condition", "Encounter", "MedicationRequest", "MedicationStatement", "Procedure"}


def grounded(given: BoundInput) -> bool:
    return bool(given.resources or given.steps or given.assumed or isinstance(given.value, Absent) or searched(given))


def searched(given: BoundInput) -> bool:
    """A declared "no" for want of records, of which it is told that it is one."""
    told = any(issue.code == CLOSED_WORLD for issue in given.issues)
    return told and given.value is False and given.slot.closed_world


def check(trace: Trace, server: str) -> None:
    for position, execution in enumerate(trace.executions):
        assert set(execution.inputs) == {slot.name for slot in execution.description.slots}
        for given in execution.inputs.values():
            assert grounded(given), (execution.description.id, given.slot.name)
            # Inputs come before what rests on them, so that following them ends.
            assert all(step < position for step in given.steps)
            for resource in given.resources:
                check_record(resource, trace, server)
        check_value(execution)


def check_record(resource: Resource, trace: Trace, server: str) -> None:
    record = resource.source
    assert record is not None
    assert (record.server, record.source) == (server, "ehr")
    assert record.type in READ
    assert record.id and record.version
    assert record.url == f"{server}/{record.type}/{record.id}"
    assert resource.subject.endswith(f"Patient/{trace.patient}")


def check_value(execution: Execution) -> None:
    """A result rests on at least one input that has a value, or bounds, of its own."""
    if not isinstance(execution.evaluation.value, Absent):
        assert any(not isinstance(given.value, Absent) or given.bounds for given in execution.inputs.values())
    assert execution.evaluation.working.warrant
    assert execution.fingerprint and execution.reason


def check_told(trace: Trace) -> None:
    """The same of what a reader is told: every ground of every step of every answer."""
    for result in results_by_concept(trace).values():
        for position, step in enumerate(result.chain):
            for ground in step.grounds:
                shown = ground.records or ground.steps or ground.assumed or ground.by_closed_world
                assert shown or isinstance(ground.value, Absent)
                assert all(below < position for below in ground.steps)


def records_in(traces: Iterable[Trace]) -> set[tuple[str, str, str | None]]:
    return {
        (resource.source.type, resource.source.id, resource.source.version)
        for trace in traces
        for execution in trace.executions
        for given in execution.inputs.values()
        for resource in given.resources
        if resource.source is not None
    }


@pytest.mark.ehr
def test_of_every_synthetic_patient(synthetic: dict[str, Trace], shared_ehr: Ehr) -> None:
    assert len(synthetic) == 17
    for trace in synthetic.values():
        assert {answered.goal.concept.id for answered in trace.answers} == set(every_concept())
        check(trace, shared_ehr.base_url)
        check_told(trace)


@pytest.mark.ehr
def test_the_records_named_are_records_of_the_server(synthetic: dict[str, Trace], shared_ehr: Ehr) -> None:
    written = {(r["resourceType"], r["id"]) for bundle in bundles_in(PATIENTS) for r in resources_of(bundle)}
    named = records_in(synthetic.values())
    assert len(named) > 100
    assert {(kind, name) for kind, name, _ in named} <= written
    for kind, name, version in sorted(named, key=str)[::10]:
        assert shared_ehr.get(f"{kind}/{name}")["meta"]["versionId"] == version
    assert ("Observation", "amended-results-creatinine-1", "2") in named


@pytest.mark.ehr
@pytest.mark.real_data
@pytest.mark.skipif(WHY_ABSENT is not None, reason=WHY_ABSENT or "")
def test_of_every_real_patient(answers: Answers, shared_ehr: Ehr) -> None:
    for found in answers.values():
        for answer in found:
            check(answer.trace, shared_ehr.base_url)
            check_told(answer.trace)


async def test_an_assumption_is_shown_as_one() -> None:
    egfr: dict[str, Value] = {"egfr": Quantity(Decimal(28), "mL/min/{1.73_m2}"), "north-america": True}
    chart = [patient(), uacr(800, "2026-06-01T08:00:00+00:00")]
    async with open_asker(cache={"enabled": False}) as ask:
        trace = await ask(chart, "kidney-failure-risk-5y", assume=egfr)
    inputs = trace.executions[-1].inputs
    assert all(grounded(given) for given in inputs.values())
    assert {name for name, given in inputs.items() if given.assumed} == {"egfr", "north_america"}
    result = results_by_concept(trace)["kidney-failure-risk-5y"]
    assert result.assumed
    assert {ground.slot for ground in result.chain[-1].grounds if ground.assumed} == {"egfr", "north_america"}

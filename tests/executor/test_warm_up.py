"""What is prepared after the start, and that preparing meets questions that come meanwhile without harm."""

import asyncio
import subprocess
import sys
from dataclasses import replace

import pytest

from collectors.reading import r4_validation
from collectors.reading.r4_validation import preload_model
from fixtures.child import ROOT
from server import kinds
from server.catalog.descriptions import Description, Kind
from server.executor import warm_up
from server.executor.warm_up import warm_up_catalog
from tests.support.engine_questions import shipped


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], list[str]]:
    types: list[str] = []
    units: list[str] = []
    monkeypatch.setattr(warm_up, "preload_model", types.append)
    monkeypatch.setattr(warm_up, "is_convertible", units.append)
    monkeypatch.setattr(kinds, "model_faults", lambda _: [])
    return types, units


async def test_every_type_that_is_read_and_every_unit(prepared: tuple[list[str], list[str]]) -> None:
    await warm_up_catalog(shipped(), 0)
    types, units = prepared
    assert {"Patient", "Observation", "Condition"} <= set(types)
    assert {"mg/dL", "umol/L", "mm[Hg]"} <= set(units)
    assert len(set(types)) == len(types) and len(set(units)) == len(units)


async def test_what_is_read_on_request_only_is_left(prepared: tuple[list[str], list[str]]) -> None:
    catalog = shipped()
    some = next(each for each in catalog.collectors.values() if each.resource_type == "Observation")
    readers = {"a": replace(some, resource_type="Procedure"), "b": replace(some, on_request=True)}
    await warm_up_catalog(replace(catalog, collectors=readers), 0)
    assert prepared[0] == ["Procedure"]


async def test_a_server_that_ends_at_once_prepares_nothing(prepared: tuple[list[str], list[str]]) -> None:
    task = asyncio.create_task(warm_up_catalog(shipped(), 10))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert prepared == ([], [])


async def test_models_are_loaded_last_and_a_fault_is_logged(
    prepared: tuple[list[str], list[str]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    egfr, bmi = (shipped().modules[each] for each in ("egfr", "bmi"))
    asked: list[str] = []

    def faults(module: Description) -> list[str]:
        assert prepared[0] and prepared[1]
        asked.append(module.id)
        return [f"{module.id}: model.skops: not found"]

    monkeypatch.setattr(kinds, "model_faults", faults)
    modules = {"a": replace(egfr, kind=Kind.MODEL), "b": bmi}
    await warm_up_catalog(replace(shipped(), modules=modules), 0)
    assert asked == ["egfr"]
    assert [record.getMessage() for record in caplog.records] == ["model egfr: model.skops: not found"]


def test_a_type_without_a_model_is_passed_over() -> None:
    preload_model("Nonsense")


def test_what_is_prepared_is_there() -> None:
    preload_model("Condition")
    held = r4_validation._model.cache_info().currsize
    preload_model("Condition")
    assert r4_validation._model.cache_info().currsize == held > 0


TWO_THREADS = """
import threading
from collectors.reading.readout import parse_record
from collectors.reading.r4_validation import invalid_element, preload_model
from collectors.settings import Source

TYPES = ("Observation", "Patient", "Condition", "Encounter", "Procedure", "MedicationRequest")
PATIENT = b'{"resourceType": "Patient", "id": "p", "gender": "male", "contact": [{"gender": "female"}]}'
record = parse_record(PATIENT, Source(id="ehr", base_url="https://ehr.example/fhir"))
told = []
threads = [threading.Thread(target=preload_model, args=(each,)) for each in TYPES]
threads += [threading.Thread(target=lambda: told.append(invalid_element(record))) for _ in range(3)]
for each in threads:
    each.start()
for each in threads:
    each.join()
assert told == [None] * 3, told
"""


def test_a_question_meanwhile_finds_whole_models() -> None:
    """In a process of its own, where none is imported yet."""
    done = subprocess.run([sys.executable, "-c", TWO_THREADS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

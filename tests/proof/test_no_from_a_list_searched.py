"""The searches behind a "no" from a list, over HTTP: a failed one is never taken as an empty list."""

import httpx
import pytest

from ontology.values import Quantity
from server.executor.engine import Engine
from server.executor.question import Question
from server.explain.results import AnswerResult
from server.settings import Settings
from tests.support.charts import Record
from tests.support.engine_questions import AT, shipped
from tests.support.fake_fhir_servers import BASE, FaultyFhir
from tests.support.kept_lists import LISTS, chart, diagnosis, kept_list, prescription, provenance
from tests.support.proof_questions import results_by_concept

CVD = "prevent-10y-total-cvd"
DATED = (diagnosis(encounter=None, recordedDate="2019-01-07"), prescription(authoredOn="2025-11-03"))


async def answer(records: list[Record], **status: int) -> tuple[AnswerResult, list[httpx.Request]]:
    """The answer where the source answers searches for some types with an HTTP status."""
    faults = {kind: (lambda _, code=code: httpx.Response(code)) for kind, code in status.items()}
    fake = FaultyFhir(records, **faults)
    settings = Settings.model_validate({"sources": [{"id": "ehr", "base_url": BASE}], "cache": {"enabled": False}})
    async with await Engine.open(settings, shipped(), fake.client()) as engine:
        trace = await engine.ask(Question("p1", (CVD,), AT))
    return results_by_concept(trace)[CVD], fake.requests


@pytest.mark.parametrize(
    ("lists", "status", "number"),
    [
        (LISTS, {}, True),
        # The visit shows that the lists are kept: no list is needed.
        (LISTS, {"List": 403}, True),
        (LISTS, {"List": 404}, True),
        (LISTS, {"Encounter": 403}, False),
        (LISTS, {"Condition": 403}, False),
        (LISTS, {"MedicationRequest": 403}, False),
        (LISTS, {"MedicationStatement": 403}, False),
        ((*DATED, kept_list("11450-4"), kept_list("10160-0")), {"Encounter": 403}, True),
        ((*DATED, kept_list("11450-4"), kept_list("10160-0")), {"List": 403}, False),
    ],
    ids=str,
)
async def test_a_failed_search(lists: tuple[Record, ...], status: dict[str, int], number: bool) -> None:
    result, _ = await answer(chart(lists=lists), **status)
    assert isinstance(result.value, Quantity) is number and result.bounds is not None
    # That no list can be retrieved is reported by its guard, where it matters, and is no fault of the question.
    assert not any("List" in issue.text for issue in result.issues if issue.slot is None)


async def test_provenance_is_asked_for_by_what_it_is_of() -> None:
    undated = (*DATED, kept_list("11450-4", None), kept_list("10160-0"))
    of_list = provenance("List/l11450-4", "2026-01-12T10:00:00Z")
    result, requests = await answer(chart(of_list, lists=undated))
    assert isinstance(result.value, Quantity)
    (asked,) = [each.url for each in requests if each.url.path.endswith("/Provenance")]
    assert asked.params["target"] == "List/l10160-0,List/l11450-4"
    failed, _ = await answer(chart(of_list, lists=undated), Provenance=500)
    assert not isinstance(failed.value, Quantity)

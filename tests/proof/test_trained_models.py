"""Trained models, asked through the engine: units, locks, fingerprints, failures, and what the ways out tell."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ontology.evaluation import Evaluation
from ontology.values import Absent, AbsentReason, Quantity
from server import kinds
from server.catalog.catalog import Catalog
from server.catalog.descriptions import Description
from server.catalog.trained_model import ModelFile
from server.cli.check import module_faults
from server.executor.engine import Engine
from server.executor.memory import Memory
from server.executor.trace import Trace
from server.explain.explain import explain
from server.explain.fhir import bundle
from server.explain.prov import serialize_result
from server.explain.results import AnswerResult, Status
from server.explain.text import render_argument
from server.graphql.endpoint import GraphQL
from server.graphql.full_query import FULL_QUERY
from server.settings import Settings
from tests.support.charts import creatinine, lab, patient
from tests.support.engine_questions import AT, Asker, evaluated_modules, open_asker, with_module
from tests.support.fake_fhir_servers import BASE, FakeFhir
from tests.support.trained_models import DTYPE, TREE, boosted, catalog_with_models, logistic, write_model

WHEN = "2026-06-29T08:00:00+00:00"
HALF = 'mpm:uncertainty [ mpm:method "half-width" ; mpm:halfWidth 0.5 ; mpm:level 0.9 ; rdfs:label "90 % of us" ] ;'
MODELS = ("test-linear", "test-tree")


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder = tmp_path_factory.mktemp("models")
    write_model(folder, logistic(), "linear", (DTYPE,), HALF, id="linear")
    write_model(folder, boosted(), "tree-path-dependent", (TREE,), HALF, id="tree")
    return catalog_with_models(folder)


@pytest.fixture
async def ask(catalog: Catalog) -> AsyncIterator[Asker]:
    async with open_asker(catalog) as asker:
        yield asker


def chart(cr: tuple[float, str] = (1.4, "mg/dL"), temp: tuple[float, str] = (38.1, "Cel"), **more: Any) -> list[Any]:
    return [
        patient(gender="male"),
        creatinine(cr[0], WHEN, cr[1], id="cr"),
        lab("8310-5", temp[0], temp[1], WHEN, id="temp"),
        lab("8867-4", more.get("pulse", 101), "/min", WHEN, id="pulse"),
    ]


def value(trace: Trace, module: str) -> Decimal:
    found = next(e.evaluation.value for e in trace.executions if e.description.id == module)
    assert isinstance(found, Quantity)
    return found.value


def evaluation(trace: Trace, module: str) -> Evaluation:
    return next(e.evaluation for e in trace.executions if e.description.id == module)


async def test_units_of_records_do_not_move_the_prediction(ask: Asker) -> None:
    plain = await ask(chart(), *MODELS)
    mass = ask.engine.catalog.concepts["serum-creatinine"].molar_mass
    assert mass is not None
    others = [
        chart(cr=(float(Decimal("1.4") * 10_000 / mass), "umol/L")),
        chart(temp=(100.58, "[degF]")),
        chart(cr=(14, "mg/L"), temp=(100.58, "[degF]")),
    ]
    for records in others:
        trace = await ask(records, *MODELS)
        for module in MODELS:
            assert abs(value(trace, module) - value(plain, module)) <= Decimal("1e-9")


async def test_asked_again_it_is_reused_with_its_explanation(ask: Asker) -> None:
    first = await ask(chart(), *MODELS)
    again = await ask(chart(), *MODELS)
    assert set(evaluated_modules(first)) >= set(MODELS) and evaluated_modules(again) == []
    for module in MODELS:
        assert evaluation(again, module) == evaluation(first, module)
        assert evaluation(again, module).working.contributions
    changed = await ask(chart(pulse=55), *MODELS)
    assert evaluated_modules(changed) == list(MODELS)
    assert "slot `heart_rate` changed" in next(e.reason for e in changed.executions if e.description.id == MODELS[0])


async def test_nothing_on_record_is_insufficient_and_no_base_rate(ask: Asker) -> None:
    trace = await ask([patient(gender="male")], *MODELS)
    for result in explain(trace):
        assert (result.status, result.value) == (Status.INSUFFICIENT, Absent(AbsentReason.INPUT_ABSENT))
        assert result.risk is None and "%" not in result.text


async def test_a_model_that_does_not_match_fails_alone_and_is_asked_anew(
    catalog: Catalog, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    linear = catalog.modules["test-linear"]
    assert linear.model is not None
    wrong = replace(linear, digest="wrong", model=replace(linear.model, artefact=ModelFile("model.skops", "0" * 64)))
    async with open_asker(with_module(catalog, wrong)) as ask:
        first, again = await ask(chart(), *MODELS, "bmi"), await ask(chart(), *MODELS, "bmi")
    for trace in (first, again):
        results = {result.concept.id: result for result in explain(trace)}
        assert results["test-linear"].status is Status.FAILED
        assert any("model.skops: does not match its description" in i.text for i in results["test-linear"].issues)
        assert results["test-tree"].status is Status.PARTIAL
        assert results["bmi"].status is Status.INSUFFICIENT
    assert "test-linear" in evaluated_modules(again), "what failed is never kept"
    assert "test-tree" not in evaluated_modules(again)


def test_check_names_a_model_that_cannot_be_used(catalog: Catalog) -> None:
    linear = catalog.modules["test-linear"]
    assert linear.model is not None
    wrong = replace(linear, digest="checked", model=replace(linear.model, artefact=ModelFile("gone.skops", "0" * 64)))
    told = module_faults(replace(catalog, modules={"test-linear": wrong, "test-tree": catalog.modules["test-tree"]}))
    assert [fault for fault in told if "skops" in fault] == [
        "test-linear: gone.skops: not found, or not to be read, beside module.ttl"
    ]


async def test_the_fingerprint_holds_the_digests_of_model_and_background(catalog: Catalog, tmp_path: Path) -> None:
    async with open_asker(catalog) as ask:
        trace = await ask(chart(), "test-linear")
    (linear,) = [e for e in trace.executions if e.description.id == "test-linear"]
    home = linear.description.folder
    names = {linear.description.digest}
    for old in ("mpm:artefact", "mpm:background"):
        text = (home / "module.ttl").read_text(encoding="utf-8")
        begin = text.index(old)
        place = text.index('mpm:sha256 "', begin) + len('mpm:sha256 "')
        other = tmp_path / old.removeprefix("mpm:") / "test_linear"
        other.mkdir(parents=True)
        flipped = text[:place] + ("0" if text[place] != "0" else "1") + text[place + 1 :]
        (other / "module.ttl").write_text(flipped, encoding="utf-8")
        (other / "card.ttl").write_bytes((home / "card.ttl").read_bytes())
        names.add(catalog_with_models(other.parent).modules["test-linear"].digest)
    assert len(names) == 3, "the digest of the description, which fingerprints hold, has both in it"


async def test_two_processes_at_once_explain_once(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two engines over one cache stand for two processes: a lock in the cache is all that they share."""
    calls: list[str] = []
    evaluate = kinds.evaluate
    entered = threading.Event()

    def counted(description: Description, *rest: Any) -> Evaluation:
        if description.id in MODELS:
            calls.append(description.id)
            assert threading.current_thread() is not threading.main_thread()
            entered.set()
        return evaluate(description, *rest)

    monkeypatch.setattr(kinds, "evaluate", counted)
    async with open_asker(catalog) as first:
        other = Asker(twin(first.engine))
        asked = await asyncio.gather(first(chart(), "test-linear"), other(chart(), "test-linear"))
    assert entered.is_set() and calls == ["test-linear"]
    assert value(asked[0], "test-linear") == value(asked[1], "test-linear")
    assert sorted("test-linear" in evaluated_modules(trace) for trace in asked) == [False, True]


def twin(engine: Engine) -> Engine:
    """Another engine with the same store and keys, and nothing else in common."""
    memory = engine.memory
    own = Memory(memory.store, memory.keys, memory.environment, memory.zone, memory.ttl)
    return Engine(engine.settings, engine.catalog, engine._clients, own, tuple(engine.sources.values()))


async def test_what_every_way_out_tells(ask: Asker) -> None:
    result = explain(await ask(chart(cr=(9.1, "mg/dL")), "test-linear"))[0]
    assert result.status is Status.PARTIAL and result.risk is not None
    assert "a demonstration, not for clinical use" in result.text and "similar people over 30 days" in result.text
    step = result.chain[-1]
    assert step.contributions is not None and step.contributions.scale == "LOG_ODDS"
    assert abs(step.contributions.residual) < Decimal("1e-6")
    assert step.standing is not None and step.standing.out_of_distribution
    assert step.standing.share_measured == Decimal("0.8")
    assert any("creatinine 9.1 mg/dL is above 99.9 % of the training data" in text for text in step.rebuttals)
    told = render_argument(result)
    assert "moved the estimate, compared with 40 made-up people, most first: up: serum creatinine 9.1 mg/dL" in told
    assert "dialysis not measured" not in told
    assert result.interval is not None and result.interval.text == "90 % of us"
    assert_fhir(result)
    assert "fingerprint" in serialize_result(result, "turtle")


def assert_fhir(result: AnswerResult) -> None:
    (assessment,) = [
        each["resource"] for each in bundle(result)["entry"] if each["resource"]["resourceType"] == "RiskAssessment"
    ]
    (prediction,) = assessment["prediction"]
    assert isinstance(result.value, Quantity)
    assert float(prediction["probabilityDecimal"]) == pytest.approx(float(result.value.value))


async def test_graphql_tells_contributions_standing_and_card(catalog: Catalog) -> None:
    settings = Settings.model_validate({"sources": [{"id": "ehr", "base_url": BASE}], "cache": {"enabled": False}})
    variables = {"patient": "p1", "of": ["test-linear"], "at": AT.isoformat()}
    async with await Engine.open(settings, catalog, FakeFhir(chart()).client()) as engine:
        answer, status = await GraphQL(engine, settings.server).run(FULL_QUERY, variables)
        cards, _ = await GraphQL(engine, settings.server).run(CARDS, {})
    assert (status, answer.get("errors"), cards.get("errors")) == (200, None, None)
    step = answer["data"]["patient"]["results"][0]["chain"][-1]
    moved = step["contributions"]
    total = moved["base"] + sum(item["amount"] for item in moved["items"]) + moved["residual"]
    assert total == pytest.approx(moved["output"], abs=1e-9)
    assert {item["slot"]: item["value"]["__typename"] for item in moved["items"]}["dialysis"] == "Absent"
    assert moved["groups"][0]["slots"] == ["temperature", "heart_rate"]
    assert step["standing"] == {
        "measured": 4, "of": 5, "shareMeasured": 0.8, "outOfDistribution": False, "outside": [],
        "calibration": "not calibrated", "maturity": "demonstration",
    }  # fmt: skip
    (module,) = [each for each in cards["data"]["modules"] if each["id"] == "test-linear"]
    assert module["maturity"] == "demonstration"
    assert [len(group["attributes"]) for group in module["card"]["groups"]] == [4, 4, 2, 4, 2, 4, 5, 4, 2]
    assert module["card"]["metrics"] == [{"measure": "auroc", "value": 0.7, "low": 0.6, "high": 0.8, "number": 400}]
    egfr = next(each for each in cards["data"]["modules"] if each["id"] == "egfr")
    assert egfr["card"] is None and egfr["maturity"] is None


CARDS = """{ modules { id maturity card {
  groups { title attributes { id paragraph label text } } metrics { measure value low high number } markdown } } }"""

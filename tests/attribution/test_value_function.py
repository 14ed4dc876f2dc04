"""Attribution through a trained model: the definition, from predictions made together and not explained one by one."""

from datetime import UTC, datetime
from itertools import permutations
from math import log
from pathlib import Path
from typing import Any

import pytest

from ontology.evaluation import SlotInput
from ontology.values import Quantity
from server import kinds
from server.attribution import value_function
from server.attribution.attribute import attribute
from server.attribution.game import Snapshot, snapshot_of
from server.attribution.result import Attribution
from server.catalog.catalog import Catalog
from server.executor.plan_run import evaluate_safely
from server.executor.trace import BoundInput, Trace
from tests.support.charts import condition, creatinine, lab, patient
from tests.support.engine_questions import open_asker
from tests.support.trained_models import DTYPE, TREE, boosted, catalog_with_models, logistic, write_model

BEFORE, AFTER = "2026-06-27T08:00:00+00:00", "2026-06-29T08:00:00+00:00"
THEN = datetime(2026, 6, 28, 12, tzinfo=UTC)
CHART = [patient(gender="male"), condition("22298006", "2026-06-28T06:00:00Z"), lab("8302-2", 178, "cm", BEFORE)] + [
    record
    for when, cr, temp, pulse, systolic, weight in ((BEFORE, 1.1, 36.9, 72, 151, 80), (AFTER, 1.9, 38.6, 118, 102, 78))
    for record in (
        creatinine(cr, when),
        lab("8310-5", temp, "Cel", when),
        lab("8867-4", pulse, "/min", when),
        lab("8480-6", systolic, "mm[Hg]", when),
        lab("29463-7", weight, "kg", when),
    )
]
SLOTS = {"body-weight": "body_mass_index"}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder: Path = tmp_path_factory.mktemp("models")
    write_model(folder, logistic(), "linear", (DTYPE,), id="linear")
    write_model(folder, boosted(), "tree-path-dependent", (TREE,), id="tree")
    return catalog_with_models(folder)


async def ends(catalog: Catalog, concept: str) -> tuple[Trace, Snapshot, Snapshot]:
    async with open_asker(catalog, cache={"enabled": False}) as ask:
        then, now = await ask(CHART, concept, at=THEN), await ask(CHART, concept)
    before, after = snapshot_of(then, concept), snapshot_of(now, concept)
    assert before is not None
    assert after is not None
    return now, before, after


def log_odds(given: dict[str, BoundInput], catalog: Catalog, module: str) -> float:
    inputs = {name: SlotInput(each.value, each.bounds) for name, each in given.items()}
    value = kinds.evaluate(catalog.modules[module], inputs).value
    assert isinstance(value, Quantity)
    return log(float(value.value) / (100 - float(value.value)))


@pytest.mark.parametrize("module", ["test-linear", "test-tree", "mortality-after-mi-1y"])
async def test_it_is_the_definition_and_explains_the_ends_alone(
    catalog: Catalog, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    description = catalog.modules[module]
    trace, before, after = await ends(catalog, description.produces.id)
    explained: list[str] = []

    def counted(*arguments: Any) -> Any:
        explained.append(arguments[0].id)
        return evaluate_safely(*arguments)

    monkeypatch.setattr(value_function, "evaluate_safely", counted)
    told = attribute(trace.plan, trace.plan.goals[0], before, after, UTC)
    assert isinstance(told, Attribution)
    assert explained.count(module) == 2
    own = {name: each for (iri, name), each in after.inputs.items() if iri == description.iri}
    old = {name: before.inputs[description.iri, name] for name in own}
    # One player behind each: what is computed has one leaf that differs, and age has the time.
    moved = [name for name in own if own[name].value != old[name].value]
    assert len(moved) >= 3
    totals, count = dict.fromkeys(moved, 0.0), 0
    for order in permutations(moved):
        count += 1
        mixed = {name: old[name] if name in moved else own[name] for name in own}
        for name in order:
            start = log_odds(mixed, catalog, module)
            mixed[name] = own[name]
            totals[name] += log_odds(mixed, catalog, module) - start
    amounts = {"age" if item.time else SLOTS.get(item.concept.id, item.slot): item.amount for item in told.items}
    assert set(totals) == {name for name, amount in amounts.items() if amount}
    for name, total in totals.items():
        assert amounts[name] == pytest.approx(total / count, abs=1e-9)
    assert told.scale == "LOG_ODDS"
    assert abs(told.residual) < 1e-9

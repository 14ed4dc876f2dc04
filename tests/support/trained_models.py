"""Small trained models over made-up people, in folders as the server reads them."""

import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import combinations
from math import factorial
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from ontology.artefact import content_digest, file_digest
from ontology.evaluation import SlotInput
from ontology.values import Absent, AbsentReason, Coding, Quantity, Value
from server.catalog.catalog import ROOT, Catalog, load_catalog
from server.catalog.descriptions import Description
from server.catalog.trained_model import PROBABILITIES

GENDER = "http://hl7.org/fhir/administrative-gender"
MALE, FEMALE, OTHER = (Coding(GENDER, code) for code in ("male", "female", "other"))
NAMES = ("creatinine", "temperature", "heart_rate", "male", "dialysis", "dialysis_unknown")
TREE = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"
DTYPE = "numpy.dtype"
NOT_FOUND = Absent(AbsentReason.NOT_FOUND)


def training_rows(count: int = 400, seed: int = 7) -> tuple[Any, Any]:
    """Rows of the columns ``NAMES``, some values missing, and whether something happened."""
    rng = np.random.default_rng(seed)
    rows = np.column_stack(
        [
            rng.lognormal(0.1, 0.5, count).round(2),
            rng.normal(37.2, 0.8, count).round(1),
            rng.normal(85, 18, count).round(0),
            rng.integers(0, 2, count),
            rng.integers(0, 2, count),
            np.zeros(count),
        ]
    ).astype(float)
    rows[:, :5][rng.random((count, 5)) < 0.15] = np.nan
    rows[:, 5] = np.isnan(rows[:, 4])
    known = np.nan_to_num(rows, nan=1.0)
    margin = 1.5 * np.log(known[:, 0]) + 0.04 * (known[:, 2] - 85) * (known[:, 3] - 0.3) + 0.5 * known[:, 4] - 0.4
    return rows, (rng.random(count) < 1 / (1 + np.exp(-margin))).astype(int)


def logistic() -> Pipeline:
    steps = [("impute", SimpleImputer(add_indicator=True)), ("scale", StandardScaler()), ("fit", LogisticRegression())]
    return Pipeline(steps).fit(*training_rows())


def boosted() -> Pipeline:
    model = HistGradientBoostingClassifier(max_iter=15, max_leaf_nodes=6, random_state=0)
    return Pipeline([("fit", model)]).fit(*training_rows())


def ensemble() -> list[Pipeline]:
    return [Pipeline(logistic().steps).fit(*training_rows(200, seed)) for seed in (1, 2, 3)]


def write_model(
    folder: Path,
    pipeline: Any,
    explainer: str,
    trusted: Iterable[str],
    uncertainty: str = "",
    id: str = "test",  # noqa: A002
) -> Path:
    """A folder ``test_<id>`` under ``folder``, with the description of this pipeline."""
    home = folder / f"test_{id}"
    home.mkdir()
    skops.io.dump(pipeline, home / "model.skops")
    rows, _ = training_rows(40, seed=11)
    written = [[None if np.isnan(number) else number for number in row] for row in rows.tolist()]
    background = {"columns": list(NAMES), "rows": written, "origin": "made up"}
    (home / "background.json").write_text(json.dumps(background), encoding="utf-8")
    values = {
        "ID": id,
        "ARTEFACT": content_digest(home / "model.skops"),
        "BACKGROUND": file_digest(home / "background.json"),
        "EXPLAINER": explainer,
        "TRUSTED": "".join(f'mpm:trustedType "{name}" ; ' for name in trusted),
        "UNCERTAINTY": uncertainty,
    }
    for place in range(3):
        column = rows[:, place]
        quantiles = np.nanquantile(column, [float(p) for p in PROBABILITIES]).round(3)
        values[f"QUANTILES{place}"] = " ".join(f"{Decimal(repr(float(q))):f}" for q in quantiles)
    turtle = (Path(__file__).with_name("trained.ttl")).read_text(encoding="utf-8")
    for name, value in values.items():
        turtle = turtle.replace(f"@{name}@", value)
    (home / "module.ttl").write_text(turtle, encoding="utf-8")
    (home / "card.ttl").write_text(card(), encoding="utf-8")
    (home / "__init__.py").touch()
    return home


def card() -> str:
    """A card that knows nothing."""
    terms = ROOT.joinpath("ontology/mpm.ttl").read_text(encoding="utf-8").splitlines()
    names = [line.split(" ", 1)[0] for line in terms if "Source attribute of a card" in line]
    known = "".join(f'  {name} "not known" ;\n' for name in names)
    return (
        "@prefix mpm: <https://medtwin.example/mpm#> .\n<#card> a mpm:Card ;\n" + known + "  mpm:of <#module> ;\n"
        '  mpm:metric [ mpm:measure "auroc" ; mpm:value 0.7 ; mpm:low 0.6 ; mpm:high 0.8 ; mpm:level 0.95 ;\n'
        '    mpm:number 400 ; mpm:events 180 ; mpm:method "made up" ] .\n'
    )


def catalog_with_models(folder: Path) -> Catalog:
    """The shipped catalog and the models under ``folder``."""
    return load_catalog(extra_modules=[folder])


def inputs(description: Description, **given: Value) -> dict[str, SlotInput]:
    """What fills the slots: the values named, the rest not found."""
    return {slot.name: SlotInput(given.get(slot.name, NOT_FOUND)) for slot in description.slots}


def usual_values(**changes: Value) -> dict[str, Value]:
    """A patient of whom all is known, with changes."""
    known: dict[str, Value] = {
        "creatinine": Quantity(Decimal("1.4"), "mg/dL"),
        "temperature": Quantity(Decimal("38.1"), "Cel"),
        "heart_rate": Quantity(Decimal(101), "/min"),
        "sex": MALE,
        "dialysis": False,
    }
    return {**known, **changes}


def brute_force(margin: Callable[[Any], Any], row: Any, background: Any, players: list[list[int]]) -> list[float]:
    """Interventional Shapley values by their definition: each player's columns come from ``row`` or the background."""
    count = len(players)
    worth: dict[frozenset[int], float] = {}
    for size in range(count + 1):
        for chosen in combinations(range(count), size):
            rows = background.copy()
            for player in chosen:
                rows[:, players[player]] = row[players[player]]
            worth[frozenset(chosen)] = float(np.mean(margin(rows)))
    found = []
    for player in range(count):
        total = 0.0
        for coalition, value in worth.items():
            if player not in coalition:
                weight = factorial(len(coalition)) * factorial(count - len(coalition) - 1) / factorial(count)
                total += weight * (worth[coalition | {player}] - value)
        found.append(total)
    return found

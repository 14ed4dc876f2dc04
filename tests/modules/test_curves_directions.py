"""Curves of the shipped models: they go the way that their columns declare, everywhere and beyond the data."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import modules
from modules.hba1c_defined_diabetes import train as diabetes
from modules.mortality_after_mi_1y import train as infarction
from tests.support.fitted_models import DIABETES, INFARCTION, USUAL
from tests.support.module_inputs import evaluate_module, number_of

HOME = Path(modules.__file__).parent
FITTED = {INFARCTION: infarction.COLUMNS, DIABETES: diabetes.COLUMNS}
NUMBERS = [(m, c.name, c.rises) for m, columns in FITTED.items() for c in columns if c.kind == "number"]


def curves(module_id: str) -> Any:
    return json.loads((HOME / module_id.replace("-", "_") / "curves.json").read_text())


@pytest.mark.parametrize(("module_id", "name", "rises"), NUMBERS)
def test_a_declared_direction_is_kept_between_all_knots(module_id: str, name: str, rises: int) -> None:
    points = curves(module_id)["curves"][name]["log_odds"]
    if rises:
        assert all((after - before) * rises >= 0 for before, after in pairwise(points))
    assert len(set(points)) > 2


@pytest.mark.parametrize("module_id", FITTED)
def test_a_flag_has_the_sign_that_is_declared(module_id: str) -> None:
    weights = curves(module_id)["weights"]
    for column in FITTED[module_id]:
        if column.kind != "number" and column.rises:
            assert weights[column.name] * column.rises > 0


# Survivable values far outside of what training held.
FAR = {
    "age": (20, 110), "heart_rate": (20, 250), "systolic": (50, 280), "body_mass_index": (12, 80),
    "total_cholesterol": (60, 500), "hdl_cholesterol": (10, 160),
}  # fmt: skip


@pytest.mark.parametrize(("module_id", "name", "rises"), NUMBERS)
def test_beyond_the_outermost_percent_nothing_moves_further(module_id: str, name: str, rises: int) -> None:
    at = curves(module_id)["curves"][name]["at"]
    for far, end in zip(FAR[name], (at[0], at[-1]), strict=True):
        risks = [number_of(evaluate_module(module_id, {**USUAL[module_id], name: value})) for value in (far, end)]
        assert abs(risks[0] - risks[1]) < 1e-9

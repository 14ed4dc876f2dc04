"""Trains a model: compares the candidates on the same folds, chooses by a fixed rule, fits, and writes its folder."""

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from training.candidates import FAMILIES, SEED, Column, held_out, tuned
from training.data import HOME, DataError
from training.measure import MEASURES, difference, measured, net_benefit, recalibrated, shares
from training.write import write_metrics, write_model

Floats = NDArray[np.float64]
SIMPLE, COMPLEX = "logistic", "gradient boosting"
CLEARLY = 0.01
"""Least difference of AUROC for which the more complex candidate is chosen (its interval must be above 0, too)."""


@dataclass
class Task:
    """The data of a model, and how it is fitted and described.

    ``rows`` are people × ``columns``, ``happened`` their outcomes (0 or 1).  ``thresholds``: probabilities for the net
    benefit; ``bins``: groups of the uncertainty table; ``least``: how many of which inputs must be measured;
    ``people``: what they are called (patients).  ``groups``: masks of subgroups, for the audit only.
    """

    columns: Sequence[Column]
    rows: Floats
    happened: Any
    repeats: int
    folds: int
    thresholds: Sequence[float]
    bins: int
    least: tuple[int, Sequence[str]]
    people: str
    correlated: Mapping[str, Sequence[str]] = field(default_factory=dict)
    groups: Mapping[str, Any] = field(default_factory=dict)


def train(task: Task, folder: Path) -> None:
    """Fits the model, writes its folder, and prints the figures for its card."""
    warnings.simplefilter("error", ConvergenceWarning)
    # The last digits of sums depend on the number of threads.
    threadpool_limits(1)
    margins = held_out(task.columns, task.rows, task.happened, task.repeats, task.folds)
    gains = {name: difference(task.happened, margins[SIMPLE], margins[COMPLEX], name) for name in ("auroc", "brier")}
    better = gains["auroc"][0] >= CLEARLY and gains["auroc"][1] > 0 and gains["brier"][2] < 0
    family = COMPLEX if better else SIMPLE
    # Scaled only where the log-odds are significantly too mild or too extreme.
    found, scaling, unscaled = [], None, margins[family]
    _, low, high = measured(task.happened, unscaled, {"slope": MEASURES["calibration-slope"]})["slope"]
    if not low <= 1 <= high:
        margins[family], scaling = recalibrated(task.happened, unscaled)
    for name in FAMILIES:
        for measure, value in measured(task.happened, margins[name], MEASURES).items():
            found.append(_metric(measure, value, task.happened, candidate="" if name == family else name))
    for name, inside in task.groups.items():
        part = measured(task.happened[inside], margins[family][:, inside], MEASURES)
        found += [_metric(measure, value, task.happened[inside], group=name) for measure, value in part.items()]
    for threshold in task.thresholds:
        curves = {"net-benefit": margins[family], "net-benefit-treat-all": np.full_like(margins[family], 99.0)}
        for measure, margin in curves.items():
            value = measured(task.happened, margin, {measure: net_benefit(threshold)})[measure]
            found.append(_metric(measure, value, task.happened, threshold=threshold))
    setting, model = tuned(family, task.columns, task.rows, task.happened, SEED)
    method = (
        f"{task.repeats} times {task.folds}-fold cross-validation, tuned within the training folds; "
        "percentile bootstrap over people"
    )
    write_metrics(folder, found, method)
    headline = {m["measure"]: m for m in found if not m.get("candidate") and not m.get("group")}
    slope, shift = headline["calibration-slope"], headline["calibration-intercept"]
    scaled = "log-odds scaled as fitted to held-out predictions; " if scaling else ""
    words = {
        "background": "40 made-up people with the quantiles of the training data"
        if family == SIMPLE
        else "the mean over the training data, by the weights in the leaves of the trees",
        "calibration": (
            f"{scaled}slope {_format_interval(slope['value'])}, intercept {_format_interval(shift['value'])}; {method}"
        ),
        "uncertainty": f"in the training data: the share of {task.people} with a similar prediction who had the event, "
        "90 % interval",
    }
    table = shares(task.happened, margins[family], task.bins)
    digest = write_model(folder, task.columns, task.rows, model, table, words, task.correlated, task.least, scaling)
    shown = {
        "family": family, "setting": setting, "digest": digest, "people": len(task.rows),
        "events": int(task.happened.sum()), "gain": {name: _format_interval(value) for name, value in gains.items()},
        "metrics": [{**m, "value": _format_interval(m["value"])} for m in found],
    }  # fmt: skip
    sys.stdout.write(json.dumps(shown, indent=1) + "\n")


def run(task: Callable[[Path], Task], folder: Path, arguments: Sequence[str] | None = None) -> None:
    """The command of a ``train.py``: reads the data, fits, writes ``folder``; exits with a message without data."""
    parser = argparse.ArgumentParser(description="Fit a model and write its folder.")
    parser.add_argument("--data", type=Path, default=HOME, help="the folder of the downloaded wheels")
    try:
        ready = task(parser.parse_args(arguments).data)
    except DataError as fault:
        sys.exit(str(fault))
    train(ready, folder)


def _metric(measure: str, value: tuple[float, float, float], happened: Any, **more: Any) -> dict[str, Any]:
    return {"measure": measure, "value": value, "number": len(happened), "events": int(happened.sum()), **more}


def _format_interval(value: tuple[float, float, float]) -> str:
    return f"{value[0]:.3f} ({value[1]:.3f} to {value[2]:.3f})"

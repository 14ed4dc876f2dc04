"""Measures against scikit-learn's; that nobody is judged by a model that saw them; what an interval's table covers."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from ontology.artefact import file_digest
from training import candidates
from training.candidates import Column, held_out
from training.measure import MEASURES, intercept, line, monotone, net_benefit, recalibrated, shares
from training.write import pool_interval_table

RNG = np.random.default_rng(11)
MARGIN = RNG.normal(-1, 1.5, 3000).round(2)
CHANCE = 1 / (1 + np.exp(-MARGIN))
HAPPENED = (RNG.random(3000) < CHANCE).astype(int)


def test_discrimination_and_error_are_scikit_learns() -> None:
    ties_apart = MARGIN + np.arange(3000) * 1e-9
    assert MEASURES["auroc"](HAPPENED, MARGIN) == pytest.approx(roc_auc_score(HAPPENED, MARGIN))
    assert MEASURES["auprc"](HAPPENED, ties_apart) == pytest.approx(average_precision_score(HAPPENED, ties_apart))
    assert MEASURES["brier"](HAPPENED, MARGIN) == pytest.approx(brier_score_loss(HAPPENED, CHANCE))


def test_the_calibration_line_is_a_free_logistic_fit() -> None:
    free = LogisticRegression(C=np.inf, tol=1e-10).fit(MARGIN[:, None], HAPPENED)
    assert line(HAPPENED, MARGIN) == pytest.approx((free.intercept_[0], free.coef_[0, 0]), abs=1e-4)
    assert intercept(HAPPENED, MARGIN + 0.4) == pytest.approx(intercept(HAPPENED, MARGIN) - 0.4)


def test_what_is_too_extreme_is_drawn_back() -> None:
    margins, (begin, rise) = recalibrated(HAPPENED, np.stack([2 * MARGIN + 1, 2 * MARGIN + 1]))
    assert line(HAPPENED, begin + rise * (2 * MARGIN + 1)) == pytest.approx((0, 1), abs=1e-6)
    assert abs(margins[0] - MARGIN).max() < 0.8 and line(HAPPENED, margins[1])[1] == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5])
def test_net_benefit_by_counting(threshold: float) -> None:
    hits = sum(h for h, c in zip(HAPPENED, CHANCE, strict=True) if c >= threshold)
    wrong = sum(1 - h for h, c in zip(HAPPENED, CHANCE, strict=True) if c >= threshold)
    expected = (hits - wrong * threshold / (1 - threshold)) / 3000
    assert net_benefit(threshold)(HAPPENED, MARGIN) == pytest.approx(expected)


def test_the_table_covers_the_chance_of_like_people_as_often_as_it_says() -> None:
    """Of right predictions, repeated twice: the mean chance of a group lies in nine intervals of ten."""
    held = []
    for _ in range(150):
        margin = np.sort(RNG.normal(-1, 1.5, 400))
        chance = 1 / (1 + np.exp(-margin))
        table = shares((RNG.random(400) < chance).astype(int), np.stack([margin, margin]), 4)
        groups = zip(table["low"], table["high"], chance.reshape(4, 100).mean(axis=1), strict=True)
        held += [low <= mean <= high for low, high, mean in groups]
    assert 0.86 <= np.mean(held) <= 0.97


def test_nobody_is_judged_by_a_model_that_saw_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row is its own number: what a fit was given is told by it, and no held-out row is among that."""
    rows, seen = np.arange(60.0)[:, None], []

    class Model:
        def __init__(self, given: np.ndarray) -> None:
            self._given = set(given[:, 0].tolist())

        def predict_proba(self, asked: np.ndarray) -> np.ndarray:
            assert self._given.isdisjoint(asked[:, 0].tolist())
            return np.full((len(asked), 2), 0.5)

        def decision_function(self, asked: np.ndarray) -> np.ndarray:
            assert self._given.isdisjoint(asked[:, 0].tolist())
            seen.extend(asked[:, 0].tolist())
            return np.zeros(len(asked))

    families = {name: (lambda _, given, *__: Model(given), (1, 2)) for name in candidates.FAMILIES}
    monkeypatch.setattr(candidates, "FAMILIES", families)
    held_out([Column("number")], rows, np.arange(60) % 2, 2, 3)
    assert sorted(seen) == sorted(4 * list(range(60)))


@pytest.mark.parametrize(
    ("ends", "pooled"),
    [
        ([], []),
        ([0.1, 0.1, 0.4], [0.1, 0.1, 0.4]),
        ([0.0361, 0.0302, 0.0494], [0.0331, 0.0331, 0.0494]),
        # Pooling two makes a third fall: its mean joins them.
        ([0.2, 0.5, 0.3, 0.1], [0.2, 0.3, 0.3, 0.3]),
        ([0.3, 0.2, 0.1, 0.6], [0.2, 0.2, 0.2, 0.6]),
    ],
)
def test_ends_that_fall_are_pooled(ends: list[float], pooled: list[float]) -> None:
    assert monotone(ends) == pytest.approx(pooled, abs=1e-4)
    assert monotone(monotone(ends)) == monotone(ends)


def test_pooling_is_isotonic_regression() -> None:
    ends = RNG.random(40).cumsum().tolist()
    falling = [end + step for end, step in zip(ends, RNG.normal(0, 2, 40), strict=True)]
    expected = IsotonicRegression().fit_transform(np.arange(40), falling)
    assert monotone(falling) == pytest.approx(expected.tolist(), abs=1e-4)


@pytest.mark.parametrize(
    "model", ["support_hospital_mortality_day3", "mortality_after_mi_1y", "hba1c_defined_diabetes"]
)
def test_a_shipped_interval_is_pooled_and_under_its_digest(model: str, tmp_path: Path) -> None:
    folder = Path(__file__).parents[2] / "modules" / model
    for name in ("interval.json", "module.ttl"):
        shutil.copy(folder / name, tmp_path / name)
    pool_interval_table(tmp_path)
    for name in ("interval.json", "module.ttl"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    assert file_digest(tmp_path / "interval.json") in (tmp_path / "module.ttl").read_text(encoding="utf-8")

"""Amounts that are sampled: the stated error is honest, what adds up stays so, and nothing is drawn anew."""

from collections.abc import Callable
from itertools import combinations
from math import fsum
from random import Random

import pytest

from server.attribution.shapley import (
    MAX_EXACT_PLAYERS,
    Shares,
    coalitions,
    error_of_sum,
    exact_shapley,
    sampled_shapley,
    shapley,
)

PLAYERS = 7


def game(seed: int, players: int = PLAYERS) -> Callable[[int], float]:
    """Terms of single players, of pairs and of threes: nothing that is the same however the players enter."""
    random = Random(seed)  # noqa: S311 - a game, no secret
    terms = [
        (sum(1 << player for player in chosen), random.uniform(-1, 1))
        for size in (1, 2, 3)
        for chosen in combinations(range(players), size)
    ]
    return lambda mask: fsum(weight for own, weight in terms if own & mask == own)


def test_the_truth_lies_within_the_stated_error_as_often_as_it_should() -> None:
    errors, within, squares, count = [], 0, 0.0, 0
    for seed in range(60):
        value = game(seed)
        truth, drawn = exact_shapley(PLAYERS, value), sampled_shapley(PLAYERS, value, seed=seed + 1000)
        assert drawn.errors is not None
        for wanted, found, error in zip(truth.amounts, drawn.amounts, drawn.errors, strict=True):
            assert error > 0
            deviation = (found - wanted) / error
            within += abs(deviation) <= 3
            squares += deviation**2
            count += 1
            errors.append(error)
    assert count == 60 * PLAYERS
    # Of a normal distribution 99.7 % lie within three; the square of what is honest is 1 on average.
    assert within / count >= 0.985
    assert 0.8 <= squares / count <= 1.25
    assert min(errors) > 1e-4


def test_the_error_of_a_group_is_that_of_its_sum() -> None:
    """Not of independent amounts: what one of a pair gets, the other does not."""
    squares, count = 0.0, 0
    for seed in range(60):
        value = game(seed)
        truth, drawn = exact_shapley(PLAYERS, value), sampled_shapley(PLAYERS, value, seed=seed + 1000)
        group = (0, 2, 5)
        error = error_of_sum(drawn, group)
        assert error is not None
        off = fsum(drawn.amounts[player] - truth.amounts[player] for player in group)
        squares += (off / error) ** 2
        count += 1
    assert 0.6 <= squares / count <= 1.5
    everyone = error_of_sum(drawn, range(PLAYERS))
    assert everyone == pytest.approx(0, abs=1e-12)
    assert error_of_sum(exact_shapley(3, game(1, 3)), (0, 1)) is None


def test_the_standard_error_by_hand() -> None:
    """1, 3, 8: mean 4, squares 9 + 1 + 16 = 26; over n − 1 = 2 it is 13, over n = 3 the mean's: √(13/3)."""
    shares = Shares((4.0, 1.0), (0.0, 0.0), ((1.0, 3.0, 8.0), (1.0, 1.0, 1.0)))
    assert error_of_sum(shares, [0]) == pytest.approx((13 / 3) ** 0.5)
    # One that never varies adds nothing.
    assert error_of_sum(shares, [0, 1]) == pytest.approx((13 / 3) ** 0.5)


@pytest.mark.parametrize("players", [13, 25])
def test_what_adds_up_is_exact_and_the_whole_is_kept(players: int) -> None:
    random = Random(players)  # noqa: S311 - a game, no secret
    weights = [random.uniform(-3, 3) for _ in range(players)]
    found = shapley(players, lambda mask: fsum(w for p, w in enumerate(weights) if mask >> p & 1))
    assert found.errors is not None
    assert found.amounts == pytest.approx(weights, abs=1e-12)
    assert max(found.errors) < 1e-12
    value = game(players, players)
    drawn = shapley(players, value)
    assert fsum(drawn.amounts) == pytest.approx(value((1 << players) - 1) - value(0), abs=1e-9)


def test_a_dummy_and_equal_players_in_a_sample() -> None:
    def value(mask: int) -> float:
        pair = float(mask & 1 and mask >> 1 & 1)
        return 2.0 * pair + (mask >> 2).bit_count() ** 2 - float(mask >> 13 & 1) * 2 * (mask >> 2 & 0x7FF).bit_count()

    drawn = sampled_shapley(14, value)
    assert drawn.errors is not None
    # An order and its reverse: of a pair each is the second once, whatever the order.
    assert drawn.amounts[:2] == pytest.approx((1.0, 1.0), abs=1e-12)
    assert sampled_shapley(14, lambda mask: float(mask & 1)).amounts[1:] == (0.0,) * 13


def test_exact_up_to_twelve_and_few_coalitions_beyond() -> None:
    assert MAX_EXACT_PLAYERS == 12
    assert len(coalitions(12)) == 4096
    assert len(coalitions(25)) <= 200 * 25
    assert coalitions(25) == coalitions(25)

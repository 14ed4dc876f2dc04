"""Shapley values of a game whose coalitions are bit masks: bit ``i`` set means that player ``i`` takes part.

Up to ``MAX_EXACT_PLAYERS`` players by the definition, over all coalitions; beyond by permutations drawn with a fixed
seed, with a standard error for each value.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import factorial, fsum, sqrt
from random import Random

MAX_EXACT_PLAYERS = 12
"""Players up to which all coalitions are evaluated: 4,096 of them."""
PERMUTATIONS = 200
SEED = 20_240_601


@dataclass(frozen=True, slots=True)
class Shares:
    """One amount a player; they add up to the difference between all players and none.

    ``errors`` are standard errors, where the amounts were sampled; ``samples`` are those of each player.
    """

    amounts: tuple[float, ...]
    errors: tuple[float, ...] | None = None
    samples: tuple[tuple[float, ...], ...] = ()


def shapley(players: int, value: Callable[[int], float]) -> Shares:
    """The Shapley value of each player.  What ``value`` raises is raised."""
    return exact_shapley(players, value) if players <= MAX_EXACT_PLAYERS else sampled_shapley(players, value)


def coalitions(players: int) -> frozenset[int]:
    """The coalitions that ``shapley`` evaluates."""
    if players <= MAX_EXACT_PLAYERS:
        return frozenset(range(1 << players))
    found: set[int] = set()

    def record(mask: int) -> float:
        found.add(mask)
        return 0.0

    shapley(players, record)
    return frozenset(found)


def exact_shapley(players: int, value: Callable[[int], float]) -> Shares:
    """The weighted mean of what a player adds, over all coalitions of the others."""
    values = [value(mask) for mask in range(1 << players)]
    orders = factorial(players)
    weights = [factorial(size) * factorial(players - size - 1) / orders for size in range(players)]
    sizes = [mask.bit_count() for mask in range(1 << players)]
    amounts = []
    for player in range(players):
        bit = 1 << player
        amounts.append(
            fsum(
                weights[sizes[mask]] * (values[mask | bit] - values[mask])
                for mask in range(len(values))
                if not mask & bit
            )
        )
    return Shares(tuple(amounts))


def sampled_shapley(
    players: int, value: Callable[[int], float], permutations: int = PERMUTATIONS, seed: int = SEED
) -> Shares:
    """The mean of what a player adds when all enter in a random order; each order is walked forwards and backwards.

    The error is that of the mean of these pairs.
    """
    random = Random(seed)  # noqa: S311 - a sample, no secret
    order = list(range(players))
    added: list[list[float]] = [[] for _ in order]
    for _ in range(permutations // 2):
        random.shuffle(order)
        forwards, backwards = _marginal_contributions(order, value), _marginal_contributions(order[::-1], value)
        for player in range(players):
            added[player].append((forwards[player] + backwards[player]) / 2)
    means = tuple(fsum(each) / len(each) for each in added)
    return Shares(means, tuple(_standard_error(each) for each in added), tuple(tuple(each) for each in added))


def error_of_sum(shares: Shares, players: Iterable[int]) -> float | None:
    """The standard error of what some players moved together; None where nothing was sampled."""
    if not shares.samples:
        return None
    return _standard_error([fsum(drawn) for drawn in zip(*(shares.samples[player] for player in players), strict=True)])


def _standard_error(drawn: Sequence[float]) -> float:
    """Of the mean of the drawn numbers."""
    count = len(drawn)
    mean = fsum(drawn) / count
    return sqrt(fsum((number - mean) ** 2 for number in drawn) / (count - 1) / count)


def _marginal_contributions(order: list[int], value: Callable[[int], float]) -> dict[int, float]:
    mask, before = 0, value(0)
    found = {}
    for player in order:
        mask |= 1 << player
        after = value(mask)
        found[player] = after - before
        before = after
    return found

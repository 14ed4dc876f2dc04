"""The soak runs in small, and what it reports as wrong is wrong."""

from collections import Counter

import pytest

from benchmarks.soak import Soak, soak

FLAT = [(float(second), 300.0) for second in range(20)]


def test_a_few_clients_for_a_moment() -> None:
    seen = soak(clients=3, seconds=2.0)
    assert seen.answers > 0
    assert (dict(seen.faults), seen.late, seen.lost) == ({}, 0, 0)
    assert seen.unanswered == 3
    assert seen.memory


@pytest.mark.parametrize(
    ("seen", "held"),
    [
        (Soak(10, memory=FLAT), True),
        (Soak(0, memory=FLAT), False),
        (Soak(10, Counter({"HTTP 503": 1}), FLAT), False),
        (Soak(10, memory=FLAT, lost=1), False),
        (Soak(10, memory=FLAT, late=1), False),
        (Soak(10, memory=[(at, 300.0 + 2 * at) for at, _ in FLAT]), True),
        (Soak(10, memory=[(at, 300.0 + 6 * at) for at, _ in FLAT]), False),
    ],
)
def test_what_holds(seen: Soak, held: bool) -> None:
    assert seen.held is held

"""The drawing of a decision curve, for every sign that a net benefit may have."""

import re
from decimal import Decimal

import pytest

from server.catalog.cards import Metric
from server.pages.cards import CURVE_HEIGHT, CURVE_LEFT, CURVE_TOP, CURVE_WIDTH, render_curve


def curve(*benefits: str) -> str:
    tenths = (Decimal(place) / 10 for place in range(1, len(benefits) + 1))
    return render_curve(
        [Metric("net-benefit", Decimal(b), "made up", threshold=t) for t, b in zip(tenths, benefits, strict=True)]
    )


@pytest.mark.parametrize(
    "benefits", [("0.2", "0.1"), ("0.2", "-0.9"), ("0", "0"), ("0", "-0.1"), ("-0.2", "-0.1"), ("0.0", "-0.0")]
)
def test_a_curve_is_drawn_within_its_frame(benefits: tuple[str, ...]) -> None:
    """A model that is of no use anywhere has a page too."""
    tracks = re.findall(r'points="([^"]+)"', curve(*benefits))
    assert len(tracks) == 2
    for track in tracks:
        for x, y in (map(float, point.split(",")) for point in track.split()):
            assert CURVE_LEFT <= x <= CURVE_LEFT + CURVE_WIDTH
            assert CURVE_TOP <= y <= CURVE_TOP + CURVE_HEIGHT


def test_what_does_harm_lies_below_nothing() -> None:
    model, nothing = re.findall(r'points="([^"]+)"', curve("-0.2", "-0.1"))
    heights = [[float(point.split(",")[1]) for point in track.split()] for track in (model, nothing)]
    assert heights[0][0] > heights[0][1] > heights[1][0] == heights[1][1]


def test_one_point_makes_no_curve() -> None:
    assert curve("0.1") == ""

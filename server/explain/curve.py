"""The decision curve as a small drawing; the same numbers stand in a table beside it."""

from collections.abc import Sequence
from decimal import Decimal
from html import escape

from ontology.words import number_words
from server.catalog.cards import Metric
from server.explain.metrics import SHIPPED, curve_points

WIDTH, HEIGHT, LEFT, TOP = 420, 220, 60, 10
_DASHES = {SHIPPED: "none", "all": "6 4", "none": "2 3"}
Points = Sequence[tuple[Decimal, Decimal]]


def drawing(metrics: Sequence[Metric]) -> str:
    """SVG without styles and scripts; lines are told apart by dashes and names.  Empty without a curve."""
    lines = list(curve_points(metrics))
    if not lines:
        return ""
    places = [place for _, points in lines for place, _ in points]
    left, right = min(places), max(places)
    values = [value for _, points in lines for _, value in points]
    top = max(*values, Decimal(0))
    lowest = min(*values, Decimal(0))
    # What lies far below nothing is cut off: that it is worse than doing nothing is all that matters there.
    bottom = max(lowest, -top / 4) if top else lowest
    height = (top - bottom) or Decimal(1)
    lines.append(("none", [(left, Decimal(0)), (right, Decimal(0))]))

    def at(place: Decimal, value: Decimal) -> str:
        x = LEFT + (place - left) / (right - left) * WIDTH
        y = TOP + (top - max(value, bottom)) / height * HEIGHT
        return f"{x:.1f},{y:.1f}"

    drawn = []
    for name, points in lines:
        track = " ".join(at(*point) for point in points)
        drawn.append(
            f'<polyline points="{track}" fill="none" stroke="currentColor" stroke-width="2" '
            f'stroke-dasharray="{_DASHES[name]}"/>'
        )
        x, y = at(*points[-1]).split(",")
        drawn.append(f'<text x="{float(x) + 6:.1f}" y="{float(y) + 4:.1f}" fill="currentColor">{escape(name)}</text>')
    foot = TOP + HEIGHT + 24
    marks = (
        f'<text x="0" y="{TOP + 10}" fill="currentColor">{number_words(round(top, 2))}</text>'
        f'<text x="{LEFT}" y="{foot}" fill="currentColor">{number_words(100 * left)} %</text>'
        f'<text x="{LEFT + WIDTH - 40}" y="{foot}" fill="currentColor">{number_words(100 * right)} %</text>'
    )
    return (
        f'<svg role="img" aria-labelledby="curve-title curve-about" width="600" height="260" viewBox="0 0 600 260">'
        '<title id="curve-title">Decision curve</title><desc id="curve-about">Net benefit by the risk from which one '
        "acts, for acting by the model, on all and on none; what lies far below 0 is drawn at the edge. The numbers "
        "are in the table above.</desc>"
        f"{''.join(drawn)}{marks}</svg>"
    )

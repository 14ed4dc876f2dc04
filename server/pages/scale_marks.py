"""The marks of the scale below the bars of what moved a result, in percent of the width."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import exp, floor, log, log10

from ontology.words.quantities import amount, minus, number_words, unit_words
from server.attribution.result import LOG_ODDS, POINTS, Attribution

_EDGE = 12
_RISKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
_FEWEST, _MOST_TICKS = 2, 5


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the scale, in percent of the width; at an end of it the text stands inside (``anchor``)."""

    place: float
    text: str

    @property
    def anchor(self) -> str:
        """Which end of the text stands at the place."""
        return "start" if self.place < _EDGE else "end" if self.place > 100 - _EDGE else "middle"


def scale_words(made: Attribution) -> str:
    """What the marks of the scale are."""
    if made.scale == LOG_ODDS:
        return "Log-odds scale, marked in risks."
    return f"Scale in {unit_words(made.scale)}." if made.scale not in (POINTS, "%", "1", "") else ""


def ticks_of(made: Attribution, least: float, most: float, place: Callable[[float], float]) -> Iterator[Tick]:
    """The marks between ``least`` and ``most`` of the scale; ``place`` gives where a number is."""
    if made.scale == LOG_ODDS:
        low, high = (1 / (1 + exp(-each)) for each in (least, most))
        inside = [each for each in _RISKS if low < each < high]
        if len(inside) < _FEWEST:
            inside = [low + (high - low) * part for part in (0.25, 0.75)]
        every = max(1, -(-len(inside) // _MOST_TICKS))
        for risk in inside[::every]:
            yield Tick(place(log(risk / (1 - risk))), f"{number_words(Decimal(f'{100 * risk:.2g}'))} %")
        return
    step: float = 10.0 ** floor(log10((most - least) / _FEWEST)) if most > least else 1.0
    while (most - least) / step > _MOST_TICKS:
        step *= 2 if (most - least) / (step * 2) > _FEWEST else 2.5
    number: float = floor(least / step + 1) * step
    # The unit of others is said above: three of "mL/min/1.73 m² a year" do not fit beside each other.
    unit = "{score}" if made.scale == POINTS else made.scale if made.scale == "%" else ""
    while number < most:
        text = amount(Decimal(f"{number:.6g}"), unit)
        yield Tick(place(number), minus(text) if number < 0 else text)
        number += step

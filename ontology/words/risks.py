"""A risk in words: as a percentage, and as people among many alike."""

from decimal import Decimal

from ontology.words import PLAIN, Style
from ontology.words.quantities import round_half_up, rounded_words
from ontology.words.time import horizon_words

AT_ONCE = "P0D"
"""The horizon of what is so already, and only not known."""

_PERCENT = Decimal(100)
_GROUPS = (Decimal(100), Decimal(1000), Decimal(10_000))
"""Of how many people, the fewest first."""
# In percent.  Below the one nobody of a thousand is left without rounding up; the other is rounded to all of a hundred.
_LEAST, _MOST = Decimal("0.1"), Decimal("99.5")
_HALF = Decimal("0.5")


def percent_words(probability: Decimal, decimals: int = 1, style: Style = PLAIN) -> str:
    """A probability (0 to 1) in percent: ``9.1 %``; never 0 or 100 where it is neither, but ``under 0.1 %``."""
    return f"{rounded_words(probability * _PERCENT, '%', decimals, style)} %"


def people_words(probability: Decimal, decimals: int | None = 1, style: Style = PLAIN) -> str:
    """A probability (0 to 1) as how many of similar people: never none, never all.

    One percentage, as it is shown with ``decimals``, always has the same people: of a hundred, or of a thousand where
    it is below 1 % (``0.6 %, about 6 in 1,000``) or lies half way between two (``1.5 %, about 15 in 1,000``: the exact
    probability may be nearer to 1 or to 2 in 100).
    """
    percent = probability * _PERCENT
    shown = percent if decimals is None else round_half_up(percent, decimals)
    if decimals is not None and percent < Decimal(1).scaleb(-decimals):
        # The percentage beside it is "under 1 %", or "under 0.1 %".
        shown = percent if decimals or percent < _LEAST else round_half_up(percent, 1)
    if shown >= _MOST:
        return "more than 99 in 100 similar people"
    if shown < _LEAST:
        return "fewer than 1 in 1,000 similar people"
    groups = _GROUPS if shown >= 1 else _GROUPS[1:]
    of = next((each for each in groups if shown * each / _PERCENT % 1 != _HALF), groups[-1])
    return f"about {round_half_up(shown * of / _PERCENT, 0)} in {of:,} similar people"


def risk_words(probability: Decimal, horizon: str, decimals: int | None = 1, style: Style = PLAIN) -> str:
    """``about 9 in 100 similar people over 5 years``; ``horizon`` in ISO 8601, ``P0D`` for what is so already.

    ``decimals`` as those of the percentage beside it.  A module that puts its risk into its claim uses these words, so
    that the claim of an answer says them once.
    """
    over = "now" if horizon == AT_ONCE else f"over {horizon_words(horizon, style)}"
    return f"{people_words(probability, decimals, style)} {over}"

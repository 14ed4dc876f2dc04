"""A risk in words: as a percentage, and as people among many alike."""

from decimal import Decimal

from ontology.words import PLAIN, Style
from ontology.words.quantities import round_half_up, rounded_words
from ontology.words.time import horizon_words

AT_ONCE = "P0D"
"""The horizon of what is so already, and only not known."""

_PERCENT, _THOUSAND = Decimal(100), Decimal(1000)
# What is rounded to one in a thousand, and to all of a hundred.
_LEAST, _MOST = Decimal("0.0005"), Decimal("0.995")


def percent_words(probability: Decimal, decimals: int = 1, style: Style = PLAIN) -> str:
    """A probability (0 to 1) in percent: ``9.1 %``; never 0 or 100 where it is neither, but ``under 0.1 %``."""
    return f"{rounded_words(probability * _PERCENT, '%', decimals, style)} %"


def people_words(probability: Decimal, decimals: int | None = 1, style: Style = PLAIN) -> str:
    """A probability (0 to 1) as how many of similar people: never none, never all.

    Of a thousand where the percentage that stands beside it, rounded to ``decimals``, is below 1 % (``0.6 %, about 6 in
    1,000``), else of a hundred, rounded once, from the exact probability (``2.5 %, about 2 in 100`` of 2.46 %).
    """
    percent = probability * _PERCENT
    shown = percent if decimals is None else round_half_up(percent, decimals)
    if probability >= _MOST:
        return "more than 99 in 100 similar people"
    if shown >= 1:
        return f"about {round_half_up(percent, 0)} in 100 similar people"
    if probability >= _LEAST:
        return f"about {round_half_up(probability * _THOUSAND, 0)} in 1,000 similar people"
    return "fewer than 1 in 1,000 similar people"


def risk_words(probability: Decimal, horizon: str, decimals: int | None = 1, style: Style = PLAIN) -> str:
    """``about 9 in 100 similar people over 5 years``; ``horizon`` in ISO 8601, ``P0D`` for what is so already.

    ``decimals`` as those of the percentage beside it.  A module that puts its risk into its claim uses these words, so
    that the claim of an answer says them once.
    """
    over = "now" if horizon == AT_ONCE else f"over {horizon_words(horizon, style)}"
    return f"{people_words(probability, decimals, style)} {over}"

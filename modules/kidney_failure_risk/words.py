"""A risk in words: as a percentage, and as a number of similar people."""

from decimal import ROUND_HALF_UP, Decimal

_ONE, _TENTH = Decimal(1), Decimal("0.1")
# In percent: the least that rounds to 0.1 % or one in a thousand.
_LEAST = Decimal("0.05")


def percent(risk: Decimal) -> str:
    """``9.1 %``; never 0 or 100 where it is neither."""
    if 0 < risk < _LEAST:
        return "under 0.1 %"
    if Decimal("99.95") <= risk < 100:
        return "over 99.9 %"
    return f"{risk.quantize(_TENTH, ROUND_HALF_UP):f} %"


def people(risk: Decimal) -> str:
    """``about 9 in 100 similar people``; risks below 1 % are given per thousand."""
    if risk >= Decimal("99.5"):
        return "more than 99 in 100 similar people"
    if risk >= 1:
        return f"about {risk.quantize(_ONE, ROUND_HALF_UP):f} in 100 similar people"
    if risk >= _LEAST:
        return f"about {(risk * 10).quantize(_ONE, ROUND_HALF_UP):f} in 1,000 similar people"
    return "fewer than 1 in 1,000 similar people"

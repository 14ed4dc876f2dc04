"""Numbers from one unit to another, exactly."""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from functools import lru_cache

from ontology.errors import UnitError
from ontology.units.ucum import MASS, SUBSTANCE, Unit, read_unit

SIGNIFICANT_DIGITS = 16
"""A converted number is the exact one, rounded half even to this many significant digits; trailing zeros go.

The count is fixed and does not follow the digits as written, so that equal numbers stay equal (1.0 and 1.00) and
order is kept; a number of up to 12 digits comes back from there and back again.
"""

_CONTEXT = Context(prec=SIGNIFICANT_DIGITS, rounding=ROUND_HALF_EVEN)
_LARGEST_EXPONENT = 100


def convert(value: Decimal, from_unit: str, to_unit: str, molar_mass: Decimal | None = None) -> Decimal:
    """``value`` in another UCUM unit; temperatures are absolute, not differences.

    ``molar_mass`` in g/mol lets a molar unit meet one of mass; it is that of the one substance whose amount is
    written (creatinine in µmol/L, and in the mg/mmol of an albumin-creatinine ratio).  Annotations must be the
    same: mL/min and mL/min/{1.73_m2} never meet.  One unit to itself leaves the number as it is.

    Raises UnitError where the units cannot meet, or the number is not finite or beyond reason.
    """
    if from_unit == to_unit:
        return value
    factor, shift, divisor = _linear_factors(from_unit, to_unit, molar_mass)
    if not value.is_finite() or (value and abs(value.adjusted()) > _LARGEST_EXPONENT):
        raise UnitError(f"a number that is not finite or too large cannot be converted to {to_unit}")
    numerator, denominator = value.as_integer_ratio() if value else (0, 1)
    exact = Decimal(numerator * factor + shift * denominator), Decimal(denominator * divisor)
    result = _CONTEXT.divide(*exact).normalize(_CONTEXT)
    exponent = result.as_tuple().exponent
    # Decimal writes 100 as 1E+2 once its zeros are gone.
    return Decimal(int(result)) if isinstance(exponent, int) and exponent > 0 else result


@lru_cache(maxsize=1024)
def _linear_factors(from_unit: str, to_unit: str, molar_mass: Decimal | None) -> tuple[int, int, int]:
    """Integers (f, s, d) such that the converted number is (f * value + s) / d."""
    source, target = read_unit(from_unit), read_unit(to_unit)
    if source.annotations != target.annotations:
        raise UnitError(f"{from_unit} and {to_unit} differ in what they say in braces")
    scale = source.scale / target.scale
    if source.molar_atoms != target.molar_atoms:
        scale *= _molar_factor(source, target, molar_mass)
    elif source.dimension != target.dimension:
        raise UnitError(f"{from_unit} and {to_unit} measure different things")
    offset = (source.offset - target.offset) / target.scale
    divisor = scale.denominator * offset.denominator
    return scale.numerator * offset.denominator, offset.numerator * scale.denominator, divisor


def _molar_factor(source: Unit, target: Unit, molar_mass: Decimal | None) -> Fraction:
    """The factor between a unit with one amount of substance and one with a mass in its place."""
    refusal = UnitError(f"{source.code} and {target.code} do not meet by one molar mass")
    if molar_mass is None or not molar_mass.is_finite() or molar_mass <= 0:
        raise refusal
    atoms = source.molar_atoms + target.molar_atoms
    if len(atoms) != 1 or abs(atoms[0]) != 1:
        raise refusal
    molar, massive = (source, target) if source.molar_atoms else (target, source)
    power = atoms[0]
    weighed = dict(molar.dimension)
    del weighed[SUBSTANCE]
    weighed[MASS] = weighed.get(MASS, Fraction(0)) + power
    if {name: p for name, p in weighed.items() if p} != dict(massive.dimension):
        raise refusal
    # g/mol in the library's base units.
    per_mole = Fraction(molar_mass) * read_unit("g/mol").scale
    upward = per_mole if power > 0 else 1 / per_mole
    return upward if molar is source else 1 / upward

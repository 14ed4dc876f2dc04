"""UCUM codes, read by a library (``ucumvert`` on ``pint``) and made exact and strict; and other spellings of them.

The library alone drops annotations, divides in floating point, and cancels ``mmol/mol`` to a bare number.  Here
annotations and amounts of substance are kept apart, numbers are rationals, and whatever is not linear is refused.
``spellings.toml`` declares the spellings that records use, each with the UCUM code that is meant.
"""

import threading
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ontology.errors import UnitError

if TYPE_CHECKING:
    from collections.abc import Callable

MASS = "[mass]"
SUBSTANCE = "[substance]"
_TEMPERATURE = (("[temperature]", Fraction(1)),)
_MAX_CODE_LENGTH = 80
_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True)
class Unit:
    """A UCUM unit as a linear function: ``base = scale * value + offset``, in base units of its dimension.

    ``annotations`` are those in curly braces with +1 (above the line) or -1 (below it); ``molar_atoms`` are the
    powers of amount of substance as they are written, before they cancel (mmol/mol has 1 and -1).
    """

    code: str
    scale: Fraction
    offset: Fraction
    dimension: tuple[tuple[str, Fraction], ...]
    annotations: tuple[tuple[str, int], ...]
    molar_atoms: tuple[Fraction, ...]


def is_convertible(code: str) -> bool:
    """Whether this is a UCUM unit that can be converted at all."""
    try:
        read_unit(code)
    except UnitError:
        return False
    return True


@lru_cache(maxsize=1024)
def read_unit(code: str) -> Unit:
    """Read a UCUM code, once.  Raises UnitError for what is not UCUM, not exact, or not linear (pH, decibel)."""
    if not code or len(code) > _MAX_CODE_LENGTH:
        raise UnitError("a unit is empty or too long to be one")
    with _LOCK:
        read, refusals = _load_reader()
        try:
            return read(code)
        except refusals:
            raise UnitError(f"{code} is not a UCUM unit that can be converted") from None


@lru_cache(maxsize=1)
def _load_reader() -> "tuple[Callable[[str], Unit], tuple[type[Exception], ...]]":
    """The library, loaded when the first unit is read: it takes about half a second."""
    import pint
    import ucumvert
    from lark import Token, Tree
    from lark.exceptions import LarkError
    from ucumvert.ucum_pint import UcumToPintTransformer

    registry: Any = pint.UnitRegistry(non_int_type=Fraction)
    registry.load_definitions(Path(ucumvert.__file__).parent / "pint_ucum_defs.txt")
    parser = ucumvert.get_ucum_parser()

    class Exact(UcumToPintTransformer):  # type: ignore[misc]  # the library is untyped
        """Keeps every magnitude a rational, and notes the atoms that it passes."""

        def __init__(self) -> None:
            super().__init__(ureg=registry)
            self.molar: list[Fraction] = []

        def simple_unit(self, args: Any) -> Any:
            quantity = super().simple_unit(args)
            return registry.Quantity(Fraction(quantity.magnitude), quantity.units)

    def signed(node: Any, sign: int) -> Iterator[tuple[Any, int]]:
        """The annotations and atoms below a node, with the side of the line on which they stand."""
        if isinstance(node, Token):
            if node.type == "ANNOTATION":
                yield str(node), sign
            return
        raised = node.data == "annotatable" and getattr(node.children[-1], "type", "") == "EXPONENT"
        if raised or node.data == "simple_unit":
            yield node, sign
            return
        over = False
        for child in node.children:
            if isinstance(child, Token) and child.type in ("DIVIDE", "OPERATOR"):
                over = str(child) == "/"
            else:
                yield from signed(child, -sign if over else sign)

    def quantity_of(node: Any) -> Any:
        found = Exact().transform(node) if isinstance(node, Tree) else None
        return registry.Quantity(Fraction(1)) if found is None or isinstance(found, Token) else found

    def read(code: str) -> Unit:
        tree = parser.parse(code)
        parts = list(signed(tree, 1))
        quantity = quantity_of(tree)
        dimension = tuple(sorted((str(name), Fraction(power)) for name, power in quantity.dimensionality.items()))
        offset = Fraction(0)
        if quantity._is_multiplicative:
            scale = quantity.to_base_units().magnitude
        elif dimension == _TEMPERATURE and quantity.magnitude == 1:
            offset = registry.Quantity(Fraction(0), quantity.units).to("kelvin").magnitude
            scale = quantity.to("kelvin").magnitude - offset
        else:
            raise UnitError(f"{code} is not a linear unit")
        if not all(isinstance(number, int | Fraction) for number in (scale, offset)):
            raise UnitError(f"{code} has no exact factor")
        atoms = [(quantity_of(part).dimensionality.get(SUBSTANCE, 0), s) for part, s in parts if isinstance(part, Tree)]
        return Unit(
            code,
            Fraction(scale),
            Fraction(offset),
            dimension,
            tuple(sorted((text, s) for text, s in parts if not isinstance(text, Tree))),
            tuple(sorted(Fraction(power) * s for power, s in atoms if power)),
        )

    return read, (UnitError, LarkError, pint.errors.PintError, ValueError, TypeError, ZeroDivisionError, OverflowError)


_TABLE = Path(__file__).with_name("spellings.toml")
# Two signs of Unicode look the same: the Greek letter, and the micro sign, in which the table is written.
_GREEK_MU, _MICRO = "\u03bc", "\u00b5"


@lru_cache(maxsize=1)
def spelling_table() -> dict[str, str]:
    """Every declared spelling, and every code that is used already, with the UCUM code that is meant."""
    declared = tomllib.loads(_TABLE.read_text(encoding="utf-8"))["spellings"]
    found: dict[str, str] = {}
    for code, written in declared.items():
        for text in (code, *written):
            if found.setdefault(text, code) != code:
                raise ValueError(f"{_TABLE.name}: {text} stands for two units")
    return found


def ucum_code(text: str) -> str | None:
    """The UCUM code for a declared spelling (or for a code in use); None for what is not declared.

    Outer spaces do not count; capitals do.
    """
    return spelling_table().get(text.strip().replace(_GREEK_MU, _MICRO))

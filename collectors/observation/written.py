"""Values as they are written, in one line for readers."""

from decimal import Decimal

import msgspec

from collectors.observation.shape import Range
from collectors.reading.quantities import Reading, number, unreadable
from collectors.reading.wire import Quantity, plain


def amount_text(quantity: Quantity | None) -> str | None:
    """A Quantity as it is written, in one line."""
    if quantity is None or not quantity.value:
        return None
    unit = quantity.unit or quantity.code
    written = bytes(quantity.value).decode("utf-8", "replace")
    return plain(f"{quantity.comparator or ''}{written}{f' {unit}' if unit else ''}")


def range_text(written: Range) -> str | None:
    """A Range as it is written, in one line."""
    low, high = amount_text(written.low), amount_text(written.high)
    if low and high:
        return f"{low} to {high}"
    return f"from {low}" if low else f"to {high}" if high else None


def mistyped(element: str) -> Reading:
    """Refused, since it cannot even be decoded."""
    return unreadable(f"{element} is not of the type that FHIR says")


def as_decimal(raw: msgspec.Raw) -> Decimal | None:
    """A JSON number kept raw, if it is one that can be used."""
    return number(bytes(raw)) if raw else None

"""The canonical form of values: what fingerprints are made of.

Every item is one tag byte, the length of its payload in eight bytes, and the payload, so that no two different
values have one form and no neighbour can be mistaken for a part.  Numbers are distinguished by type (``1``,
``Decimal(1)``, ``True`` and ``"1"`` are four values) and within ``Decimal`` by number alone: 1.0 is 1.00.
Times are instants: 12:00+01:00 is 11:00Z.  A coding's display is for readers and is left out.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Any, TypeAlias

from ontology.errors import EncodingError
from ontology.values import Absent, Bound, Coding, Date, Quantity, Series, Value

Encodable: TypeAlias = "Value | str | int | Decimal | datetime | tuple[Encodable, ...] | Mapping[str, Encodable] | None"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
DIGEST_SIZE = 32


def encode(value: Encodable) -> bytes:
    """The canonical bytes of a value.

    Raises EncodingError for a type that has no canonical form (subclasses of known types too), for a number that
    is not finite, for a time without a zone, and for text that is not Unicode.
    """
    encoder = _ENCODERS.get(type(value))
    if encoder is not None:
        return encoder(value)
    if isinstance(value, Mapping):
        return _mapping(value)
    raise EncodingError(f"a value of type {type(value).__name__} has no canonical form")


def digest(value: Encodable, key: bytes = b"", person: bytes = b"") -> str:
    """BLAKE2b (32 bytes, in hex) of the canonical form; ``key`` (at most 64 bytes) makes it a keyed hash.

    ``person`` (at most 16 bytes) keeps hashes for one purpose apart from those for another.
    """
    return digest_encoded(encode(value), key, person)


def digest_encoded(encoded: bytes, key: bytes = b"", person: bytes = b"") -> str:
    """``digest`` of what is in canonical form already."""
    return blake2b(encoded, digest_size=DIGEST_SIZE, key=key, person=person).hexdigest()


def framed_list(*encoded: bytes) -> bytes:
    """The canonical form of a tuple, out of the forms of its items, of which neighbours may be joined."""
    return _frame(b"L", b"".join(encoded))


def _frame(tag: bytes, payload: bytes) -> bytes:
    return tag + len(payload).to_bytes(8, "big") + payload


# Most of what is encoded are short texts: names, units, digests.
_SHORT_TEXTS = tuple(b"S" + length.to_bytes(8, "big") for length in range(256))


def _text(value: str) -> bytes:
    try:
        payload = value.encode("utf-8")
        return _SHORT_TEXTS[len(payload)] + payload if len(payload) < 256 else _frame(b"S", payload)
    except UnicodeEncodeError:
        # The error names the text; it may be a patient's.
        raise EncodingError("a text is not valid Unicode") from None


def _decimal(value: Decimal) -> bytes:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise EncodingError("a number that is not finite has no canonical form")
    # Decimal.normalize would round to the context's precision, and two numbers would become one.
    written = "".join(map(str, digits))
    kept = written.rstrip("0")
    if not kept:
        return _frame(b"D", b"0")
    exponent += len(written) - len(kept)
    return _frame(b"D", f"{'-' if sign else ''}{kept.lstrip('0')}e{exponent}".encode("ascii"))


def _instant(value: datetime) -> bytes:
    if value.utcoffset() is None:
        raise EncodingError("a time without a zone has no canonical form")
    return _frame(b"T", str((value - _EPOCH) // _MICROSECOND).encode("ascii"))


def _day(value: date) -> bytes:
    if type(value) is not date:
        raise EncodingError("a date's ends must be days")
    return value.isoformat().encode("ascii")


def _integer(value: int) -> bytes:
    return _frame(b"I", format(value, "x").encode("ascii"))


def _mapping(value: Mapping[Any, Any]) -> bytes:
    for name in value:
        if type(name) is not str:
            raise EncodingError("the keys of a mapping must be texts")
    return _frame(b"M", b"".join([part for name in sorted(value) for part in (_text(name), encode(value[name]))]))


def _quantity(value: Quantity) -> bytes:
    return _frame(b"Q", encode(value.value) + encode(value.unit))


def _bound(value: Bound) -> bytes:
    return _frame(b"C", encode(value.comparator) + encode(value.value) + encode(value.unit))


def _series(value: Series) -> bytes:
    points = b"".join([_instant(time) + encode(number) for time, number in value.points])
    return _frame(b"R", encode(value.unit) + points)


_ENCODERS: Mapping[type, Callable[[Any], bytes]] = {
    type(None): lambda _: _frame(b"N", b""),
    bool: lambda value: _frame(b"B", b"\x01" if value else b"\x00"),
    int: _integer,
    str: _text,
    Decimal: _decimal,
    datetime: _instant,
    tuple: lambda value: _frame(b"L", b"".join([encode(item) for item in value])),
    dict: _mapping,
    Quantity: _quantity,
    Bound: _bound,
    Coding: lambda value: _frame(b"K", encode(value.system) + encode(value.code)),
    Date: lambda value: _frame(b"A", _day(value.start) + b"/" + _day(value.end)),
    Series: _series,
    Absent: lambda value: _frame(b"X", value.reason.value.encode("ascii")),
}

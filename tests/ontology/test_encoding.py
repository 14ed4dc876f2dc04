"""Different values have different forms, equal ones the same, and nothing can be taken for its neighbour."""

from collections import OrderedDict
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, localcontext
from enum import StrEnum
from random import Random
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ontology.encoding import Encodable, digest, encode
from ontology.errors import EncodingError
from ontology.values import Absent, AbsentReason, Bound, Coding, Date, Quantity, Series
from tests.support.any_value import any_value

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
NUMBER = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9)
INSTANT = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]))
VALUE = any_value(NUMBER, TEXT, INSTANT)
ANY = st.recursive(
    VALUE | TEXT | st.integers() | NUMBER | INSTANT | st.none(),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def same(a: object, b: object) -> bool:
    """Equality that tells 1, 1.0 and True apart, at any depth."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


@given(ANY, ANY)
def test_one_form_for_one_value(a: Encodable, b: Encodable) -> None:
    assert (encode(a) == encode(b)) == same(a, b)


# Generated at random, two values are seldom close: here they differ by one step.
NEAR = [
    1,
    -1,
    0,
    Decimal(1),
    Decimal("-1"),
    Decimal("1e1"),
    Decimal("1e-1"),
    True,
    False,
    "1",
    "",
    None,
    "True",
    (),
    ((),),
    (None,),
    {},
    {"": None},
    ("a", "b"),
    ("ab",),
    ("a", ("b",)),
    (("a",), "b"),
    {"a": "b"},
    {"b": "a"},
    {"a": "b", "c": "d"},
    {"a": "d", "c": "b"},
    Quantity(Decimal(1), "mg/dL"),
    Quantity(Decimal(1), "mg/L"),
    Quantity(Decimal(10), "mg/dL"),
    Bound("<", Decimal(1), "mg/dL"),
    Bound("<=", Decimal(1), "mg/dL"),
    Bound(">", Decimal(1), "mg/dL"),
    Coding("a", "bc"),
    Coding("ab", "c"),
    Date(date(1950, 1, 1), date(1950, 1, 1)),
    Date(date(1950, 1, 1), date(1950, 12, 31)),
    datetime(1950, 1, 1, tzinfo=UTC),
    datetime(1950, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
    Series((), "mg/dL"),
    Series(((datetime(1950, 1, 1, tzinfo=UTC), Decimal(1)),), "mg/dL"),
    Series(((datetime(1950, 1, 2, tzinfo=UTC), Decimal(1)),), "mg/dL"),
    *map(Absent, AbsentReason),
]


def test_near_values_are_told_apart() -> None:
    assert len({encode(value) for value in NEAR}) == len(NEAR)
    assert len({digest(value) for value in NEAR}) == len(NEAR)


@given(st.lists(TEXT, max_size=4), st.lists(TEXT, max_size=4))
def test_framing_cannot_be_confused(a: list[str], b: list[str]) -> None:
    assert (encode(tuple(a)) == encode(tuple(b))) == (a == b)


@given(st.dictionaries(TEXT, VALUE, min_size=2, max_size=5), st.randoms())
def test_the_order_of_a_mapping_does_not_matter(mapping: dict[str, Encodable], random: Random) -> None:
    items = list(mapping.items())
    random.shuffle(items)
    assert encode(dict(items)) == encode(mapping) == encode(OrderedDict(items)) == encode(MappingProxyType(mapping))


@given(NUMBER, st.integers(0, 40))
def test_a_number_is_itself_whatever_zeros_are_written(number: Decimal, zeros: int) -> None:
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    written = Decimal((sign, digits + (0,) * zeros, exponent - zeros))
    assert encode(written) == encode(number)
    assert encode(Quantity(written, "mg/dL")) == encode(Quantity(number, "mg/dL"))


def test_numbers_longer_than_the_contexts_precision_stay_apart() -> None:
    with localcontext() as context:
        context.prec = 3
        assert encode(Decimal("1.00000000000000000000000000000000001")) != encode(Decimal(1))


def test_minus_zero_is_zero() -> None:
    assert encode(Decimal("-0.0")) == encode(Decimal(0))


def test_a_time_is_an_instant() -> None:
    there = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=1)))
    assert encode(there) == encode(datetime(2026, 1, 1, 11, tzinfo=UTC))
    assert encode(datetime.min.replace(tzinfo=timezone(timedelta(hours=14))))


def test_a_display_is_not_part_of_a_code() -> None:
    assert encode(Coding("s", "c", "Male")) == encode(Coding("s", "c", "männlich")) == encode(Coding("s", "c"))


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        b"bytes",
        ["list"],
        {"set"},
        object(),
        date(2026, 1, 1),
        Colour.RED,
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Quantity(Decimal("NaN"), "mg/dL"),
        Quantity(1.5, "mg/dL"),  # type: ignore[arg-type]  # a float that slipped in
        datetime(2026, 1, 1),
        Series(((datetime(2026, 1, 1), Decimal(1)),), "mg/dL"),
        Date(datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 1)),
        {1: "number as a name"},
        (1, 2.5),
        {"a": {"b": 2.5}},
        "\ud800",
    ],
    ids=lambda value: type(value).__name__ if type(value) is object else repr(value),
)
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(EncodingError):
        encode(value)


def test_a_refusal_does_not_repeat_the_value() -> None:
    with pytest.raises(EncodingError) as caught:
        encode("Jansson\ud800")
    assert "Jansson" not in str(caught.value)
    assert caught.value.__cause__ is None


@given(VALUE)
def test_a_digest_depends_on_key_and_purpose(value: Encodable) -> None:
    digests = {digest(value), digest(value, b"k"), digest(value, b"l"), digest(value, b"k", b"other")}
    assert len(digests) == 4
    assert all(len(each) == 64 for each in digests)

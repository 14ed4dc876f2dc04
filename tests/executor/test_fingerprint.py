"""One name for one computation: it changes with all that the result depends on, and with nothing else."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ontology.errors import EncodingError
from ontology.evaluation import Interval, SlotInput
from ontology.values import Absent, AbsentReason, Bound, Coding, Quantity, Value
from server.catalog.descriptions import Description, Kind
from server.executor.fingerprint import Environment, consumed_digest, fingerprint, truncate_time
from tests.support.any_value import any_value
from tests.support.descriptions import make_description

KEY = b"k" * 32
ENVIRONMENT = Environment(dict.fromkeys(Kind, "interpreter"), "ontology", "libraries")
DESCRIPTION = make_description(Kind.EQUATION, unit="mg/dL", code_digest="code", parameters={"horizon": Decimal(2)})
DAILY = replace(DESCRIPTION, evaluation_time=timedelta(days=1))
AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
INPUTS = {
    "creatinine": SlotInput(Quantity(Decimal("1.1"), "mg/dL")),
    "sex": SlotInput(Coding("urn:sex", "male", "Male")),
    "dialysis": SlotInput(Absent(AbsentReason.NOT_FOUND)),
}

NAME = st.sampled_from(["a", "b", "ab", "creatinine", "age"])
NUMBER = st.decimals(allow_nan=False, allow_infinity=False, min_value=0, max_value=9, places=1)
UNIT = st.sampled_from(["mg/dL", "umol/L", "a", ""])
INTERVAL = st.builds(Interval, NUMBER, NUMBER, UNIT, st.just("text"))
VALUE = any_value(NUMBER, NAME, st.datetimes(timezones=st.just(UTC)), UNIT)
CONSUMED = st.builds(SlotInput, VALUE, st.none() | INTERVAL)
FILLED = st.dictionaries(NAME, CONSUMED, max_size=4)


def of(
    inputs: Mapping[str, SlotInput] = INPUTS,
    description: Description = DESCRIPTION,
    at: datetime | None = AT,
    environment: Environment = ENVIRONMENT,
    key: bytes = KEY,
) -> str:
    return fingerprint(description, inputs, at, environment, key)


@given(FILLED, FILLED)
def test_fingerprints_differ_where_inputs_do(a: dict[str, SlotInput], b: dict[str, SlotInput]) -> None:
    assert (of(a) == of(b)) == (a == b)


@given(FILLED, NAME, CONSUMED)
def test_one_changed_input_changes_it(inputs: dict[str, SlotInput], name: str, consumed: SlotInput) -> None:
    assume(inputs.get(name) != consumed)
    assert of({**inputs, name: consumed}) != of(inputs)


@given(FILLED, st.randoms())
def test_the_order_of_slots_does_not_matter(inputs: dict[str, SlotInput], random: Random) -> None:
    items = list(inputs.items())
    random.shuffle(items)
    assert of(dict(items)) == of(inputs)


@given(VALUE, VALUE)
def test_swapped_slots_change_it(a: Value, b: Value) -> None:
    assume(a != b)
    assert of({"systolic": SlotInput(a), "diastolic": SlotInput(b)}) != of(
        {"systolic": SlotInput(b), "diastolic": SlotInput(a)}
    )


NEAR: list[Value | str | int | None] = [
    Quantity(Decimal("1.1"), "mg/dL"),
    Quantity(Decimal("1.2"), "mg/dL"),
    Quantity(Decimal("1.1"), "mg/L"),
    Bound("<", Decimal("1.1"), "mg/dL"),
    Bound(">", Decimal("1.1"), "mg/dL"),
    *map(Absent, AbsentReason),
    1,
    True,
    "1",
    None,
]


def test_near_inputs_are_told_apart() -> None:
    # Values of these last types never reach a slot; if they did, they would not collide.
    assert len({of({"slot": SlotInput(value)}) for value in NEAR}) == len(NEAR)  # type: ignore[arg-type]  # see above
    assert of({}) not in {of({"slot": SlotInput(Absent(reason))}) for reason in AbsentReason}


BOUNDS = (
    None,
    Interval(Decimal(1), Decimal(2), "a", ""),
    Interval(Decimal(1), Decimal(3), "a", ""),
    Interval(Decimal(0), Decimal(2), "a", ""),
    # The same numbers in another unit.
    Interval(Decimal(1), Decimal(2), "mo", ""),
)


def test_bounds_count_with_their_unit_and_without_their_text() -> None:
    absent = Absent(AbsentReason.CONFLICTING)
    assert len({of({"age": SlotInput(absent, bounds)}) for bounds in BOUNDS}) == len(BOUNDS)
    for bounds in filter(None, BOUNDS):
        assert of({"age": SlotInput(absent, bounds)}) == of({"age": SlotInput(absent, replace(bounds, text="other"))})


@pytest.mark.parametrize(
    "changed",
    [
        of(description=replace(DESCRIPTION, iri="urn:other")),
        of(description=replace(DESCRIPTION, digest="other")),
        of(description=replace(DESCRIPTION, code_digest="other")),
        of(description=replace(DESCRIPTION, parameters={"horizon": Decimal(5)})),
        of(description=replace(DESCRIPTION, parameters={})),
        of(environment=replace(ENVIRONMENT, kinds={**ENVIRONMENT.kinds, Kind.EQUATION: "other"})),
        of(environment=replace(ENVIRONMENT, ontology="other")),
        of(environment=replace(ENVIRONMENT, libraries="other")),
        of(key=b"l" * 32),
        of(description=DAILY),
    ],
)
def test_it_changes_with_all_that_the_result_depends_on(changed: str) -> None:
    assert changed != of()


@pytest.mark.parametrize(
    "unchanged",
    [
        of(at=None),
        of(at=AT + timedelta(days=400)),
        of({**INPUTS, "sex": SlotInput(Coding("urn:sex", "male", "männlich"))}),
        of({**INPUTS, "creatinine": SlotInput(Quantity(Decimal("1.100"), "mg/dL"))}),
        of(dict(reversed(INPUTS.items()))),
        of(environment=replace(ENVIRONMENT, kinds={**ENVIRONMENT.kinds, Kind.SCORE: "other"})),
        of(description=replace(DESCRIPTION, turtle="# the same, written otherwise", folder=Path("elsewhere"))),
    ],
)
def test_it_does_not_change_with_what_the_result_does_not_depend_on(unchanged: str) -> None:
    assert unchanged == of()


def test_a_version_is_part_of_the_description_that_is_digested() -> None:
    # The catalog digests the whole graph, version included; the fingerprint needs no second copy of it.
    assert of(description=replace(DESCRIPTION, version="1.1.0", digest="of 1.1.0")) != of()


def test_the_time_counts_at_the_declared_granularity() -> None:
    assert of(description=DAILY, at=AT) == of(description=DAILY, at=AT + timedelta(hours=11, minutes=59))
    assert of(description=DAILY, at=AT) != of(description=DAILY, at=AT + timedelta(hours=12))


def test_days_begin_at_midnight_of_the_configured_zone() -> None:
    zurich = ZoneInfo("Europe/Zurich")

    def there(at: datetime) -> str:
        return fingerprint(DAILY, INPUTS, at, ENVIRONMENT, KEY, zurich)

    before, after = datetime(2026, 7, 1, 21, 59, tzinfo=UTC), datetime(2026, 7, 1, 22, 0, tzinfo=UTC)
    assert there(before) != there(after)
    assert of(description=DAILY, at=before) == of(description=DAILY, at=after)
    assert there(after) == there(after + timedelta(hours=23))


def test_one_instant_is_another_day_elsewhere() -> None:
    # Midnight at +12 and at -12 fall together, a day apart.
    east, west = ZoneInfo("Etc/GMT-12"), ZoneInfo("Etc/GMT+12")
    at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert truncate_time(at, timedelta(days=1), east) == truncate_time(at, timedelta(days=1), west)
    assert fingerprint(DAILY, {}, at, ENVIRONMENT, KEY, east) != fingerprint(DAILY, {}, at, ENVIRONMENT, KEY, west)


@given(
    st.datetimes(datetime(1900, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC)),
    st.sampled_from([timedelta(minutes=1), timedelta(minutes=30), timedelta(days=1), timedelta(days=7)]),
    st.sampled_from([UTC, ZoneInfo("Europe/Zurich"), ZoneInfo("America/New_York"), ZoneInfo("Asia/Kathmandu")]),
)
def test_a_truncated_time_is_not_later_and_stays_itself(at: datetime, granularity: timedelta, zone: tzinfo) -> None:
    truncated = truncate_time(at, granularity, zone)
    # An hour more: days differ in length where clocks change.
    assert timedelta(0) <= at - truncated.astimezone(UTC) < granularity + timedelta(hours=1)
    assert truncate_time(truncated, granularity, zone) == truncated


# 1970-01-01 was a Thursday, so weeks begin on Thursdays: 2025-12-25, 2026-01-01, 2026-01-08.
@pytest.mark.parametrize(
    ("granularity", "at", "truncated"),
    [
        (timedelta(days=7), "2025-12-31T23:59:59", "2025-12-25T00:00:00"),
        (timedelta(days=7), "2026-01-01T00:00:00", "2026-01-01T00:00:00"),
        (timedelta(days=7), "2026-01-07T23:59:59", "2026-01-01T00:00:00"),
        (timedelta(days=7), "2026-01-08T00:00:00", "2026-01-08T00:00:00"),
        (timedelta(days=1), "2026-01-07T23:59:59", "2026-01-07T00:00:00"),
        (timedelta(days=1), "2026-01-08T00:00:00", "2026-01-08T00:00:00"),
        (timedelta(minutes=30), "2026-01-01T11:59:59", "2026-01-01T11:30:00"),
        (timedelta(minutes=30), "2026-01-01T12:00:00", "2026-01-01T12:00:00"),
        (timedelta(minutes=30), "2026-01-01T12:29:59", "2026-01-01T12:00:00"),
    ],
)
def test_where_periods_of_the_granularity_begin(granularity: timedelta, at: str, truncated: str) -> None:
    found = truncate_time(datetime.fromisoformat(at).replace(tzinfo=UTC), granularity)
    assert found == datetime.fromisoformat(truncated).replace(tzinfo=UTC)


def test_a_module_that_reads_the_time_must_be_given_one() -> None:
    with pytest.raises(ValueError, match="given none"):
        of(description=DAILY, at=None)
    with pytest.raises(ValueError, match="zone"):
        of(description=DAILY, at=AT.replace(tzinfo=None))
    with pytest.raises(ValueError, match="positive"):
        truncate_time(AT, timedelta(0))


def test_an_input_without_canonical_form_is_refused() -> None:
    with pytest.raises(EncodingError):
        of({"creatinine": SlotInput(1.1)})  # type: ignore[arg-type]  # a float that slipped in


def test_nothing_of_the_inputs_can_be_read_in_it() -> None:
    name = of()
    assert len(name) == 64
    assert set(name) <= set("0123456789abcdef")
    assert consumed_digest(INPUTS["creatinine"], KEY) != consumed_digest(INPUTS["creatinine"], b"l" * 32)

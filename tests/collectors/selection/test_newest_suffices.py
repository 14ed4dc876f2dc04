"""A server that was seen to sort instants may still sort what lasts in a way of its own: then all is asked for."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from collectors.capability.capability import NEWEST_COUNT
from collectors.capability.capability_cache import CapabilityCache
from collectors.gatherer import Gatherer
from collectors.reading.code_and_time import CodeAndTime
from collectors.reading.records import Fact, Record
from collectors.reading.supplied import encode_resource
from collectors.selection.newest_suffices import (
    ANY_CODE,
    UNKNOWN_HORIZON,
    horizons_by_code,
    newest_is_enough,
    page_horizon,
)
from collectors.settings import Source
from fixtures.ehr import Ehr
from fixtures.medplum.running import Medplum
from ontology.resources import RecordRef, Resource, Span
from ontology.values import Quantity
from tests.support.collector_inputs import CREATININE, SEX, observation, quantity, searches, slot

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


SECOND = timedelta(seconds=1)


def at(end: datetime, *codes: tuple[str, str], panel: bool = False) -> CodeAndTime:
    return CodeAndTime(frozenset(codes), Span(end, end), panel)


def fact(start: datetime, end: datetime) -> Fact:
    ref = RecordRef("ehr", "https://ehr.example/fhir", "Observation", "1")
    value = Quantity(Decimal(1), "mg/dL")
    return Fact(Resource("urn:1", "serum-creatinine", value, Span(start, end), "Patient/p", ref), Record(ref, b""))


def page(*lasting: timedelta) -> list[CodeAndTime]:
    ends = [NOW - DAY * number for number in range(len(lasting))]
    return [CodeAndTime(frozenset(), Span(end - each, end)) for end, each in zip(ends, lasting, strict=True)]


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (page(*[0 * HOUR] * 3), NOW - 2 * DAY),
        (page(0 * HOUR, HOUR, 0 * HOUR), UNKNOWN_HORIZON),
        (page(*[HOUR] * 3), UNKNOWN_HORIZON),
        ([*page(0 * HOUR, 0 * HOUR), CodeAndTime(frozenset(), None)], UNKNOWN_HORIZON),
        ([], UNKNOWN_HORIZON),
    ],
)
def test_only_a_page_of_instants_says_what_is_behind_it(records: list[CodeAndTime], expected: datetime) -> None:
    assert page_horizon(records, 3, True) == expected


@pytest.mark.parametrize(
    ("later", "expected"),
    [(2 * DAY - SECOND, NOW), (2 * DAY, NOW), (2 * DAY + SECOND, UNKNOWN_HORIZON)],
)
def test_a_page_is_out_of_order_by_more_than_two_days(later: timedelta, expected: datetime) -> None:
    assert page_horizon([at(NOW), at(NOW + later), at(NOW)], 3, True) == expected


A, B = ("urn:s", "a"), ("urn:s", "b")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        # Fewer of a code than were asked for are all of it.
        ([at(NOW, A), at(NOW - DAY, B)], {}),
        ([at(NOW - DAY, A), at(NOW, A)], {A: NOW - DAY}),
        # Of more, the newest as asked for.
        ([at(NOW - DAY, A), at(NOW, A), at(NOW - 2 * DAY, A)], {A: NOW - DAY}),
        ([at(NOW, A, B), at(NOW - DAY, A), at(NOW - 3 * DAY, B)], {A: NOW - DAY, B: NOW - 3 * DAY}),
        # What has components may hold any concept; of several horizons the latest holds for it.
        (
            [at(NOW, A, panel=True), at(NOW - DAY, A), at(NOW, B, panel=True), at(NOW - 3 * DAY, B)],
            {A: NOW - DAY, B: NOW - 3 * DAY, ANY_CODE: NOW - DAY},
        ),
        # A record without a code is one of the newest of a code that is not known.
        ([at(NOW)], {ANY_CODE: UNKNOWN_HORIZON}),
    ],
)
def test_horizons_of_the_two_newest_of_each_code(
    found: list[CodeAndTime], expected: dict[tuple[str, str], datetime]
) -> None:
    assert horizons_by_code(found, 2) == expected


# A record that was not retrieved may end up to two days after the horizon.
@pytest.mark.parametrize(
    ("horizon", "start", "end", "enough"),
    [
        (NOW - 3 * DAY, NOW - DAY - SECOND, NOW - DAY - SECOND, False),
        (NOW - 3 * DAY, NOW - DAY, NOW - DAY, False),
        (NOW - 3 * DAY, NOW - DAY + SECOND, NOW - DAY + SECOND, True),
        # As of the time, not after it.
        (NOW - 3 * DAY, NOW, NOW, True),
        (NOW - 3 * DAY, NOW + SECOND, NOW + SECOND, False),
        # What lasts for more than two days may hide others.
        (NOW - 3 * DAY, NOW - 2 * DAY, NOW, True),
        (NOW - 3 * DAY, NOW - 2 * DAY - SECOND, NOW, False),
        (None, NOW - 2 * DAY - SECOND, NOW, True),
    ],
)
def test_whether_the_newest_are_enough(horizon: datetime | None, start: datetime, end: datetime, enough: bool) -> None:
    assert newest_is_enough([fact(start, end)], horizon, NOW, lambda _: None) is enough


def test_behind_an_unknown_horizon_nothing_is_enough_up_to_the_end_of_the_calendar() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    assert not newest_is_enough([fact(last, last)], UNKNOWN_HORIZON, last, lambda _: None)


def records(name: str) -> list[dict[str, Any]]:
    """One patient shows an order; the other has more periods long ago than a page holds, and newer instants."""
    taught, mixed = f"{name}-taught", f"{name}-mixed"

    def made(number: int, of: str, value: str, **when: Any) -> dict[str, Any]:
        return observation(value, id=f"{of}-{number}", subject={"reference": f"Patient/{of}"}, **when)

    found = [{"resourceType": "Patient", "id": each, "gender": "male"} for each in (taught, mixed)]
    for number in range(3 * NEWEST_COUNT):
        found.append(made(number, taught, "1.1", effectiveDateTime=(NOW - (100 - number) * DAY).isoformat()))
    for number in range(NEWEST_COUNT + 2):
        start = NOW - (300 - number) * DAY
        period = {"start": start.isoformat(), "end": (start + HOUR).isoformat()}
        found.append(made(number, mixed, "0.7", effectiveDateTime=None, effectivePeriod=period))
    for number in range(8):
        when = (NOW - (9 - number) * DAY).isoformat()
        found.append(
            made(100 + number, mixed, f"3.{number}", effectiveDateTime=when, valueQuantity=quantity(3 + number))
        )
    return [json.loads(encode_resource(each)) for each in found]


async def latest(base_url: str, name: str) -> tuple[object, bool | None]:
    """The latest creatinine of the second patient, once the source was seen to sort."""
    source = Source(id="ehr", base_url=base_url)
    wanted = tuple(replace(search, latest_only=True) for search in searches(CREATININE, SEX))
    capabilities = CapabilityCache()
    async with httpx.AsyncClient() as http:
        gatherer = Gatherer(http, capabilities)
        await gatherer.gather(source, f"{name}-taught", wanted, NOW, 30)
        await gatherer.trials.wait()
        facts = await gatherer.gather(source, f"{name}-mixed", wanted, NOW, 30)
        await gatherer.aclose()
    return facts.select(slot(), NOW, NOW).value, capabilities.observed(source).sort.proven


@pytest.mark.ehr
async def test_periods_do_not_hide_newer_instants(shared_ehr: Ehr, shared_medplum: Medplum) -> None:
    for server in (shared_ehr, shared_medplum):
        server.load(records("order"))
        value, shown = await latest(server.base_url, "order")
        assert shown, "without it nothing is tested here"
        assert isinstance(value, Quantity)
        assert value.value == 10

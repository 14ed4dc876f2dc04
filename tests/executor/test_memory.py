"""The last-seen entry is found by the same caller for the same patient, and by no one else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from msgspec import structs

from ontology.evaluation import Interval, SlotInput
from ontology.values import Absent, AbsentReason, Quantity
from server.catalog.descriptions import Description, Kind
from server.executor.cache.encryption import Keyring, SealedStore
from server.executor.fingerprint import FORMAT, Environment, fingerprint
from server.executor.memory import (
    LastSeen,
    execution_reason,
    last_seen_name,
    make_last_seen,
    read_last_seen,
    write_last_seen,
)
from server.executor.result_cache import value_name
from tests.support.cache_servers import open_backend
from tests.support.descriptions import make_description

KEYS = Keyring.from_secret(b"s" * 32)
ENVIRONMENT = Environment(dict.fromkeys(Kind, "interpreter"), "ontology", "libraries")
DESCRIPTION = make_description(
    Kind.EQUATION, digest="description 1.0.0", code_digest="code", evaluation_time=timedelta(days=1)
)
AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
INPUTS = {
    "creatinine": SlotInput(Quantity(Decimal("1.1"), "mg/dL")),
    "age": SlotInput(Absent(AbsentReason.CONFLICTING), Interval(Decimal(66), Decimal(67), "a", "")),
}
HOUR = timedelta(hours=1)


def seen(
    inputs: dict[str, SlotInput] = INPUTS,
    description: Description = DESCRIPTION,
    at: datetime = AT,
    environment: Environment = ENVIRONMENT,
) -> LastSeen:
    name = fingerprint(description, inputs, at, environment, KEYS.fingerprint)
    return make_last_seen(description, inputs, at, name, environment, KEYS.fingerprint)


def creatinine(value: str) -> dict[str, SlotInput]:
    return {**INPUTS, "creatinine": SlotInput(Quantity(Decimal(value), "mg/dL"))}


WITHOUT_AGE = {"creatinine": INPUTS["creatinine"]}
RAISED = replace(DESCRIPTION, version="1.1.0", digest="description 1.1.0")


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (seen(creatinine("1.6")), "slot `creatinine` changed from 1.1 mg/dL to 1.6 mg/dL"),
        (
            seen({**INPUTS, "creatinine": SlotInput(Absent(AbsentReason.STALE))}),
            "slot `creatinine` changed from 1.1 mg/dL to absent: stale",
        ),
        (
            seen({**INPUTS, "age": SlotInput(Quantity(Decimal(67), "a"))}),
            "slot `age` changed from absent: conflicting (between 66 years and 67 years) to 67 years",
        ),
        (
            seen(creatinine("1.1000000001")),
            "slot `creatinine` changed (shown as 1.1 mg/dL before and after)",
        ),
        (seen(description=RAISED), "module 1.0.0 → 1.1.0"),
        (seen(description=replace(DESCRIPTION, digest="another")), "description changed"),
        (seen(description=replace(DESCRIPTION, code_digest="another")), "code changed"),
        (seen(environment=replace(ENVIRONMENT, ontology="o")), "interpreter, ontology or libraries changed"),
        (seen(at=AT.replace(year=2027)), "the evaluation time moved from 2026-01-01 to 2027-01-01"),
        (
            seen(description=replace(DESCRIPTION, evaluation_time=None, digest="another")),
            "description changed · the evaluation time moved from 2026-01-01 to none",
        ),
        (seen(WITHOUT_AGE), "slot `age` removed"),
        (
            seen(creatinine("1.6"), RAISED, AT.replace(year=2027)),
            "module 1.0.0 → 1.1.0 · slot `creatinine` changed from 1.1 mg/dL to 1.6 mg/dL"
            " · the evaluation time moved from 2026-01-01 to 2027-01-01",
        ),
        (seen(), "expired"),
        (seen(at=AT + timedelta(minutes=1)), "expired"),
    ],
)
def test_why_it_ran(now: LastSeen, words: str) -> None:
    assert execution_reason(seen(), now, reused=False, cache_reachable=True) == words


def test_a_slot_added() -> None:
    assert execution_reason(seen(WITHOUT_AGE), seen(), reused=False, cache_reachable=True) == "slot `age` added"


def test_a_finer_time_is_shown_finer() -> None:
    minutely = replace(DESCRIPTION, evaluation_time=timedelta(minutes=1))
    before, after = seen(description=minutely), seen(description=minutely, at=AT + timedelta(minutes=5))
    assert execution_reason(before, after, reused=False, cache_reachable=True) == (
        "the evaluation time moved from 2026-01-01 12:00+00:00 to 2026-01-01 12:05+00:00"
    )


@pytest.mark.parametrize(
    ("previous", "reused", "reachable", "words"),
    [
        (None, False, True, "first seen"),
        (None, False, False, "no cache"),
        (seen(), False, False, "no cache"),
        (None, True, True, "reused"),
        (seen(creatinine("1.6")), True, True, "reused"),
        (seen(creatinine("1.6")), False, False, "slot `creatinine` changed from 1.6 mg/dL to 1.1 mg/dL"),
    ],
)
def test_without_a_change_to_tell(previous: LastSeen | None, reused: bool, reachable: bool, words: str) -> None:
    assert execution_reason(previous, seen(), reused, reachable) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        # Another process computed it while we did: it was not in the cache when we looked, and did not expire.
        (-0.5, "not in the cache"),
        (0.0, "not in the cache"),
        (1.0, "not in the cache"),
        # A cache that is full drops what has not expired.
        (43_199.0, "not in the cache"),
        (43_200.0, "expired"),
        (50_000.0, "expired"),
    ],
)
def test_expired_is_only_what_is_that_old(seconds: float, words: str) -> None:
    before = structs.replace(seen(), computed=1_000_000.0)
    now = structs.replace(seen(), computed=1_000_000.0 + seconds)
    assert execution_reason(before, now, reused=False, cache_reachable=True, ttl=timedelta(hours=12)) == words


def test_every_change_of_the_fingerprint_has_a_reason() -> None:
    others = [
        seen(creatinine("1.6")),
        seen(description=RAISED),
        seen(description=replace(DESCRIPTION, code_digest="another")),
        seen(environment=replace(ENVIRONMENT, libraries="another")),
        seen(at=AT + timedelta(days=1)),
    ]
    for now in others:
        assert now.fingerprint != seen().fingerprint
        assert execution_reason(seen(), now, reused=False, cache_reachable=True) != "expired"


def test_the_name_is_one_callers_for_one_patient() -> None:
    names = {
        last_seen_name("ehr", "p1", "urn:m", None, "scope", KEYS.seen),
        last_seen_name("other", "p1", "urn:m", None, "scope", KEYS.seen),
        last_seen_name("ehr", "p2", "urn:m", None, "scope", KEYS.seen),
        last_seen_name("ehr", "p1", "urn:n", None, "scope", KEYS.seen),
        last_seen_name("ehr", "p1", "urn:m", AT, "scope", KEYS.seen),
        last_seen_name("ehr", "p1", "urn:m", None, "another", KEYS.seen),
        last_seen_name("ehr", "p1", "urn:m", None, "scope", KEYS.seal),
    }
    assert len(names) == 7
    assert not any("p1" in name.rpartition(":")[2] or "ehr" in name for name in names)
    assert all(name.startswith(f"mt:{FORMAT}:seen:") and len(name.rpartition(":")[2]) == 64 for name in names)


@pytest.mark.parametrize("backend", ["embedded", "none"])
async def test_entries_come_back(backend: str) -> None:
    async with open_backend(backend) as opened:
        store = SealedStore(opened.store, KEYS.seal)
        entries = {f"mt:1:seen:{n}": seen(creatinine(str(n))) for n in range(3)}
        await write_last_seen(store, entries, HOUR)
        names = [*entries, "mt:1:seen:missing"]
        expected = [*entries.values(), None] if opened.holds else [None] * 4
        assert await read_last_seen(store, names) == expected
        if opened.holds:
            async with opened.raw() as server:
                assert b"1.1" not in await server.get("mt:1:seen:0")
                assert b"creatinine" not in await server.get("mt:1:seen:0")


async def test_an_entry_that_cannot_be_read_is_none() -> None:
    async with open_backend("embedded") as opened:
        await opened.store.put_many({value_name("x"): b"garbled", value_name("y"): b"\x91\xc3"}, HOUR)
        assert await read_last_seen(opened.store, [value_name("x"), value_name("y")]) == [None, None]

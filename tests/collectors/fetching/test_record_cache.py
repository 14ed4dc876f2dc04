"""What may be used again is, and nothing else: shown by which requests were sent."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from collectors.errors import PatientNotFoundError
from collectors.fetching import record_cache, transport
from collectors.fetching.access import Access, CallerAccess
from collectors.fetching.record_cache import CacheName
from collectors.gatherer import Gatherer
from collectors.settings import Source
from collectors.source_facts import SourceFacts
from ontology.slots import Select
from ontology.values import Absent, AbsentReason
from tests.support.collector_inputs import (
    AT,
    BASE,
    CREATININE,
    FIBRILLATION,
    SEX,
    condition,
    issue_codes,
    observation,
    searches,
    slot,
)
from tests.support.misbehaving_server import Answer, MisbehavingServer, bundle, client_of, refusing

ALL = searches(CREATININE, FIBRILLATION, SEX)
START = datetime(2024, 6, 1, 9, tzinfo=UTC)
WINDOW = timedelta(minutes=5)
FRESH = Source(id="ehr", base_url=BASE, freshness=(("observation", WINDOW),))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_FIRST_BACKOFF", 0.001)


@dataclass
class Table:
    """A shelf that holds what it is given for as long as it is told."""

    now: datetime = START
    held: dict[CacheName, tuple[bytes, datetime]] = field(default_factory=dict)
    away: bool = False

    async def get(self, name: CacheName) -> bytes | None:
        content, until = self.held.get(name, (None, self.now))
        return content if self.now < until and not self.away else None

    async def put(self, name: CacheName, content: bytes, keep: timedelta) -> None:
        if not self.away:
            self.held[name] = (content, self.now + keep)


@dataclass
class Asking:
    """Questions to one server, at times of our own."""

    server: MisbehavingServer
    shelf: Table = field(default_factory=Table)
    source: Source = FRESH

    async def ask(self, after: timedelta = timedelta(), access: Access | None = None) -> SourceFacts:
        self.shelf.now += after
        async with client_of(self.server) as http:
            gatherer = Gatherer(http, now=lambda: self.shelf.now, record_cache=self.shelf)
            return await gatherer.gather(self.source, "p", ALL, AT, 5, access)

    @property
    def sent(self) -> list[str | None]:
        """Of each request for Observations the ETag in it."""
        return [request.headers.get("if-none-match") for request in self.server.of("Observation")]


def of(*records: dict[str, Any], **headers: str) -> Answer:
    def answer(request: Request) -> Response:
        if request.headers.get("if-none-match") == headers.get("ETag", "none"):
            return Response(status_code=304)
        made = bundle(*records)
        made.headers.update(headers)
        return made

    return answer


def used_again(facts: SourceFacts) -> list[str]:
    return [issue.text for issue in facts.issues if issue.code == "used-again"]


async def test_by_default_nothing_is_kept() -> None:
    asking = Asking(
        MisbehavingServer(Observation=of(observation(), ETag='"1"')), source=Source(id="ehr", base_url=BASE)
    )
    for _ in range(2):
        assert used_again(await asking.ask()) == []
    assert (asking.sent, asking.shelf.held) == ([None, None], {})


async def test_within_the_window_nothing_is_asked_and_the_answer_says_so() -> None:
    asking = Asking(MisbehavingServer(Observation=of(observation())))
    first = await asking.ask()
    again = await asking.ask(WINDOW - timedelta(seconds=1))
    assert asking.sent == [None]
    assert (used_again(first), first.requests) == ([], 3)
    assert again.requests == 2
    (text,) = used_again(again)
    assert "2024-06-01T09:00:00+00:00" in text
    assert again.select(slot(), AT, AT).value == first.select(slot(), AT, AT).value
    # Only the collector that is named: the others are asked each time.
    assert len(asking.server.of("Condition")) == 2


async def test_using_again_does_not_lengthen_the_window() -> None:
    asking = Asking(MisbehavingServer(Observation=of(observation())))
    for _ in range(3):
        await asking.ask(timedelta(minutes=2))
    assert len(asking.sent) == 1
    assert used_again(await asking.ask(timedelta(minutes=2))) == []
    assert len(asking.sent) == 2


async def test_after_the_window_an_etag_is_asked_about() -> None:
    asking = Asking(MisbehavingServer(Observation=of(observation(), ETag='W/"1"')))
    first = await asking.ask()
    later = await asking.ask(WINDOW)
    assert asking.sent == [None, 'W/"1"']
    # The source said that it holds now: it is as if it were fetched now.
    assert used_again(later) == []
    assert later.select(slot(), AT, AT) == first.select(slot(), AT, AT)
    await asking.ask(WINDOW - timedelta(seconds=1))
    assert len(asking.sent) == 2


async def test_what_has_changed_comes_anew() -> None:
    asking = Asking(MisbehavingServer(Observation=of(observation("1.1"), ETag='"1"')))
    await asking.ask()
    asking.server = MisbehavingServer(Observation=of(observation("2.2"), ETag='"2"'))
    changed = await asking.ask(WINDOW)
    assert asking.sent == ['"1"']
    assert "2.2" in str(changed.select(slot(), AT, AT).value)
    await asking.ask(WINDOW)
    assert asking.sent == ['"1"', '"2"']


async def test_an_etag_is_forgotten_after_four_windows() -> None:
    asking = Asking(MisbehavingServer(Observation=of(observation(), ETag='"1"')))
    await asking.ask()
    await asking.ask(WINDOW * record_cache.REVALIDATED_WINDOWS)
    assert asking.sent == [None, None]


MODIFIED = "Sat, 01 Jun 2024 08:00:00 GMT"


@pytest.mark.parametrize(
    "headers", [{"Last-Modified": MODIFIED}, {"ETag": "1"}, {"ETag": '"a b"'}, {"ETag": f'"{"a" * 999}"'}]
)
async def test_only_a_sound_etag_is_asked_about(headers: dict[str, str]) -> None:
    asking = Asking(MisbehavingServer(Observation=of(observation(), **headers)))
    await asking.ask()
    await asking.ask(WINDOW)
    assert asking.sent == [None, None]
    assert "if-modified-since" not in asking.server.of("Observation")[1].headers


async def test_the_etag_of_a_first_page_says_nothing_of_the_second() -> None:
    def paged(request: Request) -> Response:
        first = "page" not in request.query_params
        made = bundle(observation(id=f"o{first}"), following=f"{BASE}/Observation?page=2" if first else None)
        made.headers["ETag"] = '"1"'
        return made

    asking = Asking(MisbehavingServer(Observation=paged))
    await asking.ask()
    await asking.ask()
    assert asking.sent == [None, None]
    await asking.ask(WINDOW)
    assert asking.sent == [None] * 4


async def test_callers_never_share() -> None:
    asking = Asking(MisbehavingServer(Observation=of(observation())))
    await asking.ask(access=CallerAccess("a", "scope-a"))
    asking.server = MisbehavingServer(Observation=refusing(403))
    other = await asking.ask(access=CallerAccess("b", "scope-b"))
    assert other.select(slot(), AT, AT).value == Absent(AbsentReason.NOT_PERMITTED)
    assert used_again(await asking.ask(access=CallerAccess("a", "scope-a"))) != []
    assert asking.server.of("Observation")[0].headers["authorization"] == "Bearer b"
    assert len(asking.server.of("Observation")) == 1


async def test_sources_never_share() -> None:
    asking = Asking(MisbehavingServer(Observation=of(observation())))
    await asking.ask()
    asking.source = Source(id="lab", base_url=BASE, freshness=FRESH.freshness)
    await asking.ask()
    assert len(asking.sent) == 2


NOT_KEPT: dict[str, Answer] = {
    "a failure": refusing(500),
    "a refusal": refusing(403),
    "what is incomplete": lambda _: bundle(observation(), total=2),
    "what must not be stored": of(observation(), **{"Cache-Control": "private, No-Store"}),
}


@pytest.mark.parametrize("name", NOT_KEPT)
async def test_not_kept(name: str) -> None:
    asking = Asking(MisbehavingServer(Observation=NOT_KEPT[name]))
    await asking.ask()
    assert asking.shelf.held == {}
    await asking.ask()
    assert len(asking.sent) == 2


async def test_what_is_too_large_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_cache, "LARGEST_RESULT", 10)
    asking = Asking(MisbehavingServer(Observation=of(observation())))
    await asking.ask()
    assert asking.shelf.held == {}


async def test_a_failure_after_the_window_is_a_failure() -> None:
    asking = Asking(MisbehavingServer(Observation=of(observation(), ETag='"1"')))
    await asking.ask()
    asking.server = MisbehavingServer(Observation=refusing(503))
    late = await asking.ask(WINDOW)
    assert late.select(slot(), AT, AT).value == Absent(AbsentReason.UNREACHABLE)


async def test_a_shelf_that_is_away_or_damaged_only_costs_a_request() -> None:
    asking = Asking(MisbehavingServer(Observation=of(observation())))
    asking.shelf.away = True
    await asking.ask()
    asking.shelf.away = False
    await asking.ask()
    for name, (content, until) in asking.shelf.held.items():
        asking.shelf.held[name] = (content[:-1], until)
    assert (await asking.ask()).select(slot(), AT, AT).issues == ()
    assert len(asking.sent) == 3


async def test_an_entry_of_another_version_is_a_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose field for what is missing has another name, say: read by defaults, it would be complete."""
    asking = Asking(MisbehavingServer(Observation=of(observation())))
    with monkeypatch.context() as older:
        older.setattr(record_cache, "_FIELDS", ("records", "lacking"))
        await asking.ask()
    await asking.ask()
    assert asking.sent == [None, None]
    await asking.ask()
    assert asking.sent == [None, None]


async def test_a_clock_that_was_set_back_makes_nothing_fresh() -> None:
    asking = Asking(MisbehavingServer(Observation=of(observation(), ETag='"1"')))
    await asking.ask()
    assert used_again(await asking.ask(-timedelta(hours=1))) == []
    assert asking.sent == [None, None]


async def test_records_that_a_collector_needs_beside_its_own_are_used_again_with_it() -> None:
    undated = condition(onsetDateTime=None, recordedDate=None, encounter={"reference": "Encounter/e1"})
    visit = {"resourceType": "Encounter", "id": "e1", "period": {"start": "2024-05-01", "end": "2024-05-02"}}
    server = MisbehavingServer(Condition=lambda _: bundle(undated), Encounter=lambda _: bundle(visit))
    asking = Asking(server, source=Source(id="ehr", base_url=BASE, freshness=(("condition", WINDOW),)))
    for _ in range(2):
        facts = await asking.ask()
        assert facts.select(slot(FIBRILLATION, Select.ANY), AT, AT).value is True
    assert (len(server.of("Condition")), len(server.of("Encounter"))) == (1, 1)
    assert len(used_again(facts)) == 2


async def test_no_such_patient_is_no_such_patient_while_it_is_fresh() -> None:
    server = MisbehavingServer(Patient=lambda _: bundle())
    asking = Asking(server, source=Source(id="ehr", base_url=BASE, freshness=(("patient", WINDOW),)))
    for _ in range(2):
        with pytest.raises(PatientNotFoundError):
            await asking.ask()
    assert len(server.of("Patient")) == 1


async def test_what_is_used_again_holds_for_a_closed_world() -> None:
    asking = Asking(MisbehavingServer(), source=Source(id="ehr", base_url=BASE, freshness=(("condition", WINDOW),)))
    for _ in range(2):
        selected = (await asking.ask()).select(slot(FIBRILLATION, Select.ANY, closed_world=True), AT, AT)
        assert (selected.value, issue_codes(selected)) == (False, ["closed-world"])
    assert len(asking.server.of("Condition")) == 1

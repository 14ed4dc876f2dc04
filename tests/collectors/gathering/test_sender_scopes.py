"""No way of searching a type goes round the caller's scopes: windows, newest records, batches, trials, and caches."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from collectors.auth.authorisations import Caller, LimitedAccess
from collectors.auth.permissions import Permissions
from collectors.errors import ScopeError, SourceRefusedError
from collectors.fetching.access import Access, NoAccess, WithheldAccess
from collectors.fetching.client import Client
from collectors.fetching.record_cache import CacheName, SearchCache
from collectors.fetching.retry import WaitLimit
from collectors.fetching.search_result import SearchResult
from collectors.fetching.single_flight import SingleFlight
from collectors.fetching.transport import Transport
from collectors.gathering.sender import Sender
from collectors.search import Search
from collectors.strategy.strategy import SearchStrategy
from ontology.values import AbsentReason
from tests.support.collector_inputs import AT, CREATININE, PATIENT, SEX, SYSTOLIC
from tests.support.searching_server import SearchingServer, capability_statement
from tests.support.strategy_questions import SOURCE, RepeatedQuestions, latest_searches, readings


def limited(scope: str, of: str = "one") -> LimitedAccess:
    """An open source, as a caller with these scopes may search it."""
    return LimitedAccess(NoAccess(), Caller(None, of, Permissions.from_scopes(scope), frozenset({"ehr"})))


ALL, NO_OBSERVATION = limited("patient/*.rs"), limited("patient/Patient.rs patient/Condition.rs")


@pytest.mark.parametrize(
    ("needs", "batch", "lastn", "path"),
    [
        (latest_searches(CREATININE), False, True, "Observation/$lastn"),
        (latest_searches(CREATININE), False, False, "Observation"),
        (latest_searches(CREATININE, SYSTOLIC), True, False, "batch"),
    ],
)
async def test_the_newest_records_are_not_asked_for_either(
    needs: tuple[Search, ...], batch: bool, lastn: bool, path: str
) -> None:
    server = SearchingServer([PATIENT, *readings(9)], capability_statement(lastn=lastn, batch=batch))
    async with RepeatedQuestions(server) as asked:
        await asked.ask(needs)
        asked.prove()
        for access, whether in ((ALL, True), (NO_OBSERVATION, False)):
            server.requests.clear()
            facts = await asked.gatherer.gather(SOURCE, "p", needs, AT, 5, access)
            await asked.gatherer.trials.wait()
            assert bool(server.of(path)) is whether
            assert whether or {name for name, _ in server.requests} <= {"Patient", "metadata"}
        (failure,) = facts.failures["serum-creatinine"]
        assert (failure.reason, SEX.id in facts.failures) == (AbsentReason.NOT_PERMITTED, False)
        assert [issue.code for issue in facts.issues] == ["scope-missing"]


async def test_no_trial_is_made_of_what_may_not_be_searched() -> None:
    server = SearchingServer([PATIENT, *readings(9)], capability_statement(lastn=True))
    async with RepeatedQuestions(server) as asked:
        await asked.gatherer.gather(SOURCE, "p", latest_searches(CREATININE), AT, 5, NO_OBSERVATION)
        await asked.gatherer.trials.wait()
        assert {name for name, _ in server.requests} <= {"Patient", "metadata", ".well-known/smart-configuration"}


class KeptRecords:
    """A record cache of which every look-up is seen."""

    def __init__(self) -> None:
        self.kept: dict[CacheName, bytes] = {}
        self.looked_up: list[CacheName] = []

    async def get(self, name: CacheName) -> bytes | None:
        self.looked_up.append(name)
        return self.kept.get(name)

    async def put(self, name: CacheName, content: bytes, keep: timedelta) -> None:
        self.kept[name] = content


def sender(server: SearchingServer, access: Access, flights: SingleFlight[SearchResult], kept: KeptRecords) -> Sender:
    source = replace(SOURCE, freshness=(("observation", timedelta(hours=1)),))
    until = asyncio.get_running_loop().time() + 5
    wait = WaitLimit(until)
    client = Client(source, Transport(server.client(), source, asyncio.Semaphore(2), access, wait))
    return Sender(client, flights, until, access, wait, SearchCache(kept))


QUERY = (("patient", "p"), ("code", "http://loinc.org|2160-0"))


async def test_neither_what_is_kept_nor_what_is_under_way_for_a_wider_caller_is_used() -> None:
    server, kept = SearchingServer([PATIENT, *readings(3)]), KeptRecords()
    flights: SingleFlight[SearchResult] = SingleFlight()
    wide, same, other, narrow = (
        sender(server, access, flights, kept) for access in (ALL, ALL, limited("patient/*.rs", "two"), NO_OBSERVATION)
    )

    async def ask(one: Sender) -> int | str:
        try:
            return len((await one.search("observation", "Observation", QUERY)).records)
        except ScopeError as error:
            return str(error)

    refused = "the app's token does not permit it (scope Observation.rs)"
    answers = await asyncio.gather(*map(ask, (wide, same, other, narrow)))
    assert answers == [3, 3, 3, refused]
    # One request for each caller: equal ones are shared by one caller only.
    assert len(server.of("Observation")) == 2
    kept.looked_up.clear()
    assert await ask(narrow) == refused and kept.looked_up == []
    assert await ask(wide) == 3 and len(server.of("Observation")) == 2
    with pytest.raises(ScopeError):
        await narrow.search_newest("observation", SearchStrategy.LASTN, "Observation/$lastn", (QUERY,))
    with pytest.raises(ScopeError):
        await narrow.search_newest("observation", SearchStrategy.SORTED, "Observation", (QUERY, QUERY))
    assert len(server.requests) == 2


async def test_to_a_source_that_is_withheld_nothing_is_sent() -> None:
    server = SearchingServer([PATIENT, *readings(3)])
    withheld = sender(server, WithheldAccess("ehr", "", "not for you"), SingleFlight(), KeptRecords())
    with pytest.raises(SourceRefusedError, match=r"^source ehr: not for you$"):
        await withheld.search("patient", "Patient", (("_id", "p"),))
    assert server.requests == []


async def test_that_a_source_is_withheld_from_one_is_no_fault_of_it_for_others() -> None:
    server = SearchingServer([PATIENT, *readings(3)], capability_statement(lastn=True))
    async with RepeatedQuestions(server) as asked:
        needs = latest_searches(CREATININE)
        await asked.gatherer.gather(SOURCE, "p", needs, AT, 5, WithheldAccess("ehr", "", "not for you"))
        assert server.requests == [] and asked.capabilities.cached(SOURCE) is None
        await asked.gatherer.gather(SOURCE, "p", needs, AT, 5, ALL)
        known = asked.capabilities.cached(SOURCE)
        assert known is not None and known.capability is not None

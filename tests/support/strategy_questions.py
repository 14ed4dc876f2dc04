"""Questions put to a server that really searches, several in a row, with what is learned of it in between."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from collectors.capability.capability_cache import CapabilityCache
from collectors.gatherer import Gatherer
from collectors.search import Search
from collectors.settings import Source
from collectors.source_facts import SourceFacts
from ontology.concepts import Concept
from ontology.values import Quantity
from tests.support.collector_inputs import AT, BASE, CREATININE, SCORE, SEX, SYSTOLIC, observation, searches
from tests.support.searching_server import SearchingServer, capability_statement

SOURCE = Source(id="ehr", base_url=BASE, page_size=50)
WINDOW = timedelta(days=400)
LABS = (CREATININE, SYSTOLIC, SCORE)


def latest_searches(*concepts: Concept, window: timedelta | None = WINDOW) -> tuple[Search, ...]:
    """The searches of a plan that wants only the latest measurements."""
    made = searches(SEX, *concepts, window=window)
    return tuple(replace(each, latest_only=each.description.id == "observation") for each in made)


def readings(
    count: int, start: datetime = datetime(2024, 1, 1, tzinfo=UTC), named: str = "o", **changes: Any
) -> list[dict[str, Any]]:
    """So many creatinines, one a week."""
    return [
        observation(
            str(1 + number / 100),
            id=f"{named}{number}",
            effectiveDateTime=(start + timedelta(days=7 * number)).isoformat().replace("+00:00", "Z"),
            **changes,
        )
        for number in range(count)
    ]


def value_of(count: int) -> Quantity:
    """The value of the last of so many."""
    return Quantity(readings(count)[-1]["valueQuantity"]["value"], "mg/dL")


class RepeatedQuestions:
    """One server asked several questions, with what is learned of it in between."""

    def __init__(self, server: SearchingServer, at: datetime = AT, source: Source = SOURCE) -> None:
        self.server = server
        self.capabilities = CapabilityCache()
        self.http = server.client()
        self.gatherer = Gatherer(self.http, self.capabilities, lambda: AT)
        self.at = at
        self.source = source

    async def __aenter__(self) -> "RepeatedQuestions":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.gatherer.aclose()
        await self.http.aclose()

    async def ask(self, needs: tuple[Search, ...] = (), settle: bool = True) -> SourceFacts:
        self.server.requests.clear()
        facts = await self.gatherer.gather(self.source, "p", needs or latest_searches(CREATININE), self.at, 5)
        if settle:
            await self.gatherer.trials.wait()
        return facts

    def prove(self) -> None:
        """Takes it for proven that the server does what it declares."""
        learned = self.capabilities.observed(self.source)
        learned.lastn.proven = learned.sort.proven = True

    @property
    def shown(self) -> tuple[bool | None, bool | None]:
        learned = self.capabilities.observed(self.source)
        return learned.lastn.proven, learned.sort.proven


LASTN = capability_statement(lastn=True, batch=True)
SORTS = capability_statement(batch=True)


def observation_requests(server: SearchingServer) -> list[str]:
    """How the Observations were asked for."""
    told = []
    for path, parameters in server.requests:
        if path == "batch" or path == "Observation/$lastn":
            told.append(path.removeprefix("Observation/"))
        elif path == "Observation":
            told.append("sorted" if "_sort" in parameters else "window")
    return told

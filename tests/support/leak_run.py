"""Many questions of many callers at once, with faults and yields at seeded places, and a search for what leaked.

Fifty callers, each with a patient of its own: 25 in each of two sources, under the same 25 ids.  Whatever is recorded
of a patient has the patient's number in it, so that it is recognised wherever it turns up.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, TypeVar

import httpx
import msgspec

from server.access.grant import Grant
from server.executor.cache.encryption import Keyring, SealedStore
from server.executor.cache.store import NoStore, Store
from tests.support.charts import creatinine, patient
from tests.support.granted_questions import DAY, WHEN, GrantedApp, Json, codes, make_grant
from tests.support.multi_source_servers import Servers

T = TypeVar("T")
CALLERS, IDS = 50, 25
MRN = "urn:mrn"
AT_ONCE = 40
REFUSALS = {"other-patient", "source-not-permitted", "patient-required", "source-required"}
ALLOWED = REFUSALS | {"patient-not-found"}
OF_RECORDS = {"other-patient", "not-found", "source-answer", "source-refused", "source-unreachable"}

# What has a patient's number in it: names of records and families, and the creatinine.
OWNED = re.compile(r"(?:zq7x|Zwyx)(\d\d)|\b1\.(\d\d)7\b")
MEASURED = re.compile(r"\b1\.\d\d7\b|zq7x")
NAMED = re.compile(r"pt-q(\d\d)")

ASKING: ContextVar[int] = ContextVar("ASKING")
"""The number of whoever asks, in everything that runs on their behalf."""


def source_of(number: int) -> str:
    return "ehr" if number < IDS else "lab"


def id_of(number: int) -> str:
    return f"pt-q{number % IDS:02}"


def chart(number: int) -> list[Json]:
    """A patient with one creatinine, and an identifier that another patient of the other source has too."""
    named = {"name": [{"family": f"Zwyx{number:02}"}], "identifier": [{"system": MRN, "value": f"17-{number % IDS}-A"}]}
    born = f"{1935 + number}-03-15"
    value = float(f"1.{number:02}7")
    return [
        patient(born, "female", id_of(number), **named),
        creatinine(value, WHEN, id=f"zq7x{number:02}", of=id_of(number)),
    ]


def grant_of(number: int, scope: str = "patient/*.rs") -> Grant:
    """The token of a caller: of the issuer of their source, for their patient."""
    name = source_of(number)
    return make_grant(
        id_of(number),
        issuer=f"{name}-as",
        subject=f"user-{number}",
        sources=frozenset({name}),
        scope=scope,
        token=f"zq7x{number:02}.token",
    )


async def give_way(random: Random) -> None:
    """Lets others run, up to four times."""
    for _ in range(random.randrange(5)):
        await asyncio.sleep(0)


class UnsteadyServers(Servers):
    """Two FHIR servers that sometimes refuse, break off, answer nonsense or take their time.

    Now and then one gives another patient's record at an address.  ``strays`` are searches, and reads, that were made
    for somebody else than whoever asks.
    """

    def __init__(self, random: Random) -> None:
        charts = {name: [each for n in range(CALLERS) if source_of(n) == name for each in chart(n)] for name in NAMES}
        super().__init__(**charts)
        self.random = random
        self.faulty = False
        self.strays: list[str] = []
        self.count = self.reads = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        kind, *read = request.url.path.removeprefix("/fhir/").split("/")
        if kind in ("metadata", ".well-known"):
            return httpx.Response(404)
        number, given = ASKING.get(), dict(request.url.params)
        self.count += 1
        who = {given[name].removeprefix("Patient/") for name in ("patient", "subject", "_id") if name in given}
        if read and read[-1] in (id_of(number), f"zq7x{number:02}"):
            who = {id_of(number)}
        if who != {id_of(number)} or request.url.host.split(".")[0] != source_of(number):
            self.strays.append(kind)
        await give_way(self.random)
        match self.random.randrange(40) if self.faulty else None:
            case 0:
                return httpx.Response(403, json={"resourceType": "OperationOutcome"})
            case 1:
                return httpx.Response(404, json={"resourceType": "OperationOutcome"})
            case 2:
                return httpx.Response(200, html="<html>")
            case 3:
                raise httpx.ReadError("broken off", request=request)
            case 4 | 5 if read:
                # Of another id: what a source itself gives as its patient's cannot be told from that.
                other = self.random.randrange(1, IDS)
                return self.record(kind, read[0], (number + other) % IDS + self.random.choice((0, IDS)))
        if read:
            return self.record(kind, read[0], number)
        response = await super().__call__(request)
        self.requests.clear()
        await give_way(self.random)
        return response

    def record(self, kind: str, id_: str, of: int) -> httpx.Response:
        """A record of a patient, under this id."""
        found = next(each for each in chart(of) if each["resourceType"] == kind)
        self.reads += 1
        return httpx.Response(200, json={**found, "id": id_}, headers={"content-type": "application/fhir+json"})


NAMES = ("ehr", "lab")


class UnsteadyStore(NoStore):
    """A cache in memory that gives way before and after each call, and sometimes has lost what was put there."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self.random = random
        self.values: dict[str, bytes] = {}
        self.locks: dict[str, bytes] = {}
        self.names: set[str] = set()
        self.hits = 0

    @property
    def available(self) -> bool:
        return True

    async def get_many(self, names: Sequence[str]) -> list[bytes | None]:
        self.names.update(names)
        await give_way(self.random)
        if self.random.randrange(30) == 0:
            return [None] * len(names)
        found = [self.values.get(name) for name in names]
        self.hits += sum(each is not None for each in found)
        await give_way(self.random)
        return found

    async def put_many(self, items: Mapping[str, bytes], ttl: timedelta) -> None:
        self.names.update(items)
        await give_way(self.random)
        if self.random.randrange(30):
            self.values.update(items)
        if len(self.values) > 20_000:
            self.values.clear()

    async def claim_many(self, names: Sequence[str], holder: bytes, ttl: timedelta) -> list[bool]:
        self.names.update(names)
        await give_way(self.random)
        return [self.locks.setdefault(name, holder) == holder for name in names]

    async def release_many(self, names: Sequence[str], holder: bytes) -> None:
        await give_way(self.random)
        for name in names:
            if self.locks.get(name) == holder:
                del self.locks[name]

    def sealed(self, keys: Keyring) -> Store:
        return SealedStore(self, keys.seal)


def unsteady_flight(random: Random) -> Callable[[Callable[[], Awaitable[T]]], Awaitable[T]]:
    """What a single flight awaits, begun and ended a few turns later."""

    async def awaited(call: Callable[[], Awaitable[T]]) -> T:
        await give_way(random)
        try:
            return await call()
        finally:
            await give_way(random)

    return awaited


POINT = " status text value { ... on Absent { reason } ... on Quantity { value } }"
FIELDS = f"{POINT} chain {{ module {{ id }} reason }} records {{ id }} issues {{ code text }}"


def part(alias: str, more: str = "") -> str:
    """One patient's results, under an alias; the variables say whose."""
    return (
        f"{alias}: patient(id: ${alias}, source: ${alias}Source) {{ reference results(of: $of, at: $at)"
        f" {{{FIELDS} {more} }} }}"
    )


# One text for each form of question, as an app has it, so that it is read once.
_OWN, _OTHER = "$own: ID!, $ownSource: ID", "$other: ID!, $otherSource: ID"
_WHAT = "$of: [ID!]!, $at: DateTime"
OTHER_ONLY, BOTH, COURSE, OWN_ONLY, RECORDS = (
    f"query ({_OTHER}, {_WHAT}) {{ {part('other')} }}",
    f"query ({_OWN}, {_OTHER}, {_WHAT}) {{ {part('own')} {part('other')} }}",
    "query ($own: ID!, $ownSource: ID, $at: DateTime!) { own: patient(id: $own, source: $ownSource) {"
    f' timeline(of: "egfr", from: "2026-05-01T00:00:00Z", to: $at) {{ points {{{POINT} }} }} }} }}',
    f"query ({_OWN}, {_WHAT}) {{ {part('own')} }}",
    f"query ({_OWN}, {_WHAT}) {{ {part('own', 'records { resource rdf }')} }}",
)


def variables(number: int, other: int, concepts: Sequence[str]) -> Json:
    """Those of a question about the caller's own patient, another's, or both."""
    return {
        "own": id_of(number),
        "ownSource": source_of(number),
        "other": id_of(other),
        "otherSource": source_of(other),
        "of": list(concepts),
        "at": DAY,
    }


@dataclass
class LeakRun:
    """A run of questions, and what it found."""

    app: GrantedApp
    servers: UnsteadyServers
    random: Random
    expected: dict[tuple[int, str], Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    async def learn(self) -> None:
        """What each caller is answered where nothing goes wrong."""
        for number in range(CALLERS):
            ASKING.set(number)
            told = await self.app.ask(grant_of(number), OWN_ONLY, variables(number, number, CONCEPTS))
            for concept, result in zip(CONCEPTS, told["data"]["own"]["results"], strict=True):
                self.expected[number, concept] = result["value"]["value"]
        numbers = {self.expected[number, "serum-creatinine"] for number in range(CALLERS)}
        assert len(numbers) == CALLERS, "each patient is told from the others"

    async def run(self, count: int) -> None:
        """So many questions, a few dozen at any time."""
        self.servers.faulty = True
        left = iter(range(count))

        async def ask_on() -> None:
            for _ in left:
                task = asyncio.ensure_future(self.ask_once(self.random.randrange(CALLERS)))
                if self.random.randrange(25) == 0:
                    await give_way(self.random)
                    await give_way(self.random)
                    task.cancel()
                    self.seen["cancelled"] += 1
                with suppress(asyncio.CancelledError):
                    await task

        await asyncio.gather(*(ask_on() for _ in range(AT_ONCE)))

    async def ask_once(self, number: int) -> None:
        """One question of a caller: of their own patient, of another, or of both."""
        ASKING.set(number)
        other = self.random.choice([each for each in range(CALLERS) if each != number])
        concepts = self.random.choice((("serum-creatinine",), ("age", "serum-creatinine"), CONCEPTS))
        scope = self.random.choice(SCOPES)
        form = self.random.choice((OTHER_ONLY, BOTH, COURSE, *(OWN_ONLY,) * 5, *(RECORDS,) * 2))
        told = await self.app.ask(grant_of(number, scope), form, variables(number, other, concepts))
        self.check(number, told, concepts, form, scope)

    def check(self, number: int, told: Json, concepts: Sequence[str], form: str, scope: str) -> None:
        """Notes whatever in a response is not this caller's."""
        # A record is in it as the bytes that came.
        shown = msgspec.json.encode(told).decode()
        if strange := foreign(shown, number):
            self.faults.append(f"an answer to {number} holds {strange}")
        if not any(each in scope for each in ("/*.", "/Observation.rs ")) and MEASURED.search(shown):
            self.faults.append(f"an answer to {number} holds what the scopes {scope!r} do not cover")
        found = codes(told)
        if form in (OTHER_ONLY, BOTH) and not REFUSALS & set(found):
            self.faults.append(f"{number} was not refused another patient: {found}")
        if not set(found) <= (ALLOWED | OF_RECORDS if form == RECORDS else ALLOWED):
            self.faults.append(f"an error of {number}: {found}")
        self.seen.update(found)
        own = (told["data"] or {}).get("own")
        if own is None or form == COURSE:
            self.seen["courses"] += own is not None
            return
        for concept, result in zip(concepts, own["results"], strict=True):
            value = result["value"].get("value")
            if value not in (None, self.expected[number, concept]):
                self.faults.append(f"{concept} of {number} is another's, or nobody's")
            covered = all(f"/{kind}." in scope for kind in NEEDED[concept]) or "/*." in scope
            if value is not None and not covered:
                self.faults.append(f"{concept} was answered to {number} beyond the scopes {scope!r}")
            self.seen["answered" if value is not None else "absent"] += 1
            self.seen["records"] += sum(bool(each.get("resource")) for each in result["records"])
            self.seen["reused"] += any(step["reason"] == "reused" for step in result["chain"])


CONCEPTS = ("egfr", "age", "serum-creatinine")
NEEDED = {"egfr": ("Patient", "Observation"), "age": ("Patient",), "serum-creatinine": ("Observation",)}
SCOPES = (
    *("patient/*.rs",) * 6,
    "patient/*.read",
    "patient/Patient.rs patient/Condition.rs",
    "patient/Observation.rs ",
    "patient/Patient.rs patient/Observation.rs?category=laboratory",
    "",
)


def foreign(text: str, number: int) -> list[str]:
    """What of another patient than this one is in a text."""
    owned = [each[0] for each in OWNED.finditer(text) if int(each[1] or each[2]) != number]
    return owned + [each[0] for each in NAMED.finditer(text) if int(each[1]) != number % IDS]


def of_anybody(text: str) -> list[str]:
    """What of any patient is in a text."""
    return [each[0] for each in (*OWNED.finditer(text), *NAMED.finditer(text))]

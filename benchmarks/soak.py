"""``python -m benchmarks.soak``: 50 clients ask for three minutes; no error, memory stays, a stop loses no answer.

The clients are one address, and mix small questions with dear ones.  Before their time begins, the models are opened,
and each question is asked once: what a server keeps as long as it runs is no growth.  At the end all ask for the
provenance of six results at once, first without a stop, then with one: what is lost only then, the stop has lost.  The
exit status is 1 where one of these does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.charts import AT, SIX, kidney
from benchmarks.sandbox import sandbox
from benchmarks.startup import resident
from fixtures.child import Child
from fixtures.ports import HOST, listen, port_of

CLIENTS, SECONDS, PATIENTS = 50, 180.0, 50
LATENCY = 0.005
GROWTH = 0.10
"""By how much of itself memory may grow from the middle of the time to its end."""
_READY_WITHIN = 60.0
_FLAT, _FLAT_FOR, _WARM_WITHIN = 0.01, 8.0, 90.0
_SENT_WITHIN = 0.1
_SMALL = ("text", "text", "text", "status issues { text }")
_SELECTIONS = (*_SMALL, "chain { claim grounds { slot } }", "provenance", "fhir")


@dataclass
class Soak:
    """What was seen: answers, faults by their kind, memory in megabytes by the time in seconds.

    ``late``: of the dear questions that all ask at once, those that no answer came to although nothing was stopped.
    ``lost``: the same when the server was stopped, of which ``unanswered`` were under way; ``refused`` could not
    connect, so that they were never sent.
    """

    answers: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    memory: list[tuple[float, float]] = field(default_factory=list)
    late: int = 0
    lost: int = 0
    unanswered: int = 0
    refused: int = 0

    def growth(self) -> float:
        """The share by which the median of the last quarter exceeds that of the second."""
        sizes = [size for _, size in self.memory]
        quarter = max(1, len(sizes) // 4)
        before, after = sorted(sizes[quarter : 2 * quarter] or sizes[:1]), sorted(sizes[-quarter:])
        return after[len(after) // 2] / before[len(before) // 2] - 1

    @property
    def held(self) -> bool:
        """Whether all of it holds."""
        return bool(self.answers) and not self.faults and not self.late and not self.lost and self.growth() <= GROWTH


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs once, and prints what was seen."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    options = parser.parse_args(arguments)
    seen = soak(options.clients, options.seconds)
    faults = ", ".join(f"{kind}: {count}" for kind, count in seen.faults.items()) or "none"
    print(f"{seen.answers} answers in {options.seconds:.0f} s to {options.clients} clients; faults: {faults}")
    print(f"memory: {seen.memory[0][1]:.0f} MB, then {seen.memory[-1][1]:.0f} MB; grew {seen.growth():+.1%} at the end")
    print(f"dear questions of all clients at once that were not answered: {seen.late} of {options.clients}")
    print(f"lost when it was stopped: {seen.lost} of {seen.unanswered} that were sent ({seen.refused} were refused)")
    return 0 if seen.held else 1


def soak(clients: int, seconds: float) -> Soak:
    """A source and a server in processes of their own, asked for some seconds, and stopped while all are asking."""
    charts = {f"p{number}": kidney(f"p{number}") for number in range(PATIENTS)}
    with sandbox(charts, LATENCY) as base_url, tempfile.TemporaryDirectory(prefix="medtwin-soak-") as name:
        listener = listen(None, "")
        port = port_of(listener)
        listener.close()
        settings = Path(name) / "medtwin.toml"
        settings.write_text(
            f'[server]\nhost = "{HOST}"\nport = {port}\n[[sources]]\nid = "ehr"\nbase_url = "{base_url}"\n',
            encoding="utf-8",
        )
        with Child("server", ["serve", "--config", str(settings)], Path(name) / "log") as server:
            return asyncio.run(_ask_all(f"http://{HOST}:{port}", server, clients, seconds))


async def _ask_all(url: str, server: Child, clients: int, seconds: float) -> Soak:
    seen, begun = Soak(), time.monotonic()
    # A connection that the client closes after a while would be opened anew in the moment of the stop.
    limits = httpx.Limits(max_connections=clients + 1, keepalive_expiry=None)
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False, limits=limits) as client:
        while time.monotonic() - begun < _READY_WITHIN:
            server.require_running()
            try:
                if (await client.get("/ready")).status_code == 200:
                    break
            except httpx.TransportError:
                await asyncio.sleep(0.1)
        await _warm_up(client, server, min(PATIENTS, clients))
        end = time.monotonic() + seconds
        watching = asyncio.create_task(_watch(server, seen))
        await asyncio.gather(*(_ask_until(client, end, _choices(number), seen) for number in range(clients)))
        watching.cancel()
        seen.late = (await _gathered(_ask_dear(client, clients), "not answered")).total()
        await _stop_while_asked(client, server, clients, seen)
    return seen


async def _warm_up(client: httpx.AsyncClient, server: Child, patients: int) -> None:
    """Each question about so many patients once, and then until memory stays, since the models are opened beside it."""
    for selection in dict.fromkeys(_SELECTIONS):
        for number in range(patients):
            await _post(client, f"p{number}", SIX, selection)
    until, sizes = time.monotonic() + _WARM_WITHIN, [resident(server.pid)]
    while time.monotonic() < until:
        await asyncio.sleep(0.5)
        sizes.append(resident(server.pid))
        last = sizes[-round(_FLAT_FOR / 0.5) :]
        if len(sizes) > len(last) and max(last) <= min(last) * (1 + _FLAT):
            return


def _choices(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same questions each time, and no secret


async def _watch(server: Child, seen: Soak) -> None:
    begun = time.monotonic()
    while True:
        seen.memory.append((time.monotonic() - begun, resident(server.pid)))
        await asyncio.sleep(0.5)


async def _ask_until(client: httpx.AsyncClient, end: float, choose: random.Random, seen: Soak) -> None:
    while time.monotonic() < end:
        fault = await _ask(client, choose)
        if fault is None:
            seen.answers += 1
        else:
            seen.faults[fault] += 1


async def _ask(client: httpx.AsyncClient, choose: random.Random) -> str | None:
    patient = f"p{choose.randrange(PATIENTS)}"
    return await _post(client, patient, choose.sample(SIX, choose.randint(1, 3)), choose.choice(_SELECTIONS))


async def _post(client: httpx.AsyncClient, patient: str, of: Sequence[str], selection: str) -> str | None:
    """What went wrong, if anything did.  An answer about another patient than was asked for is a fault too."""
    concepts = ", ".join(f'"{each}"' for each in of)
    asked = f'results(of: [{concepts}], at: "{AT.isoformat()}") {{ {selection} }}'
    query = f'{{ patient(id: "{patient}") {{ logicalId {asked} }} }}'
    try:
        answer = await client.post("/graphql", json={"query": query})
    except httpx.TransportError as error:
        return type(error).__name__
    if answer.status_code != 200:
        return f"HTTP {answer.status_code}"
    found = answer.json()
    if "errors" in found:
        return str(found["errors"][0]["extensions"]["code"])
    return None if found["data"]["patient"]["logicalId"] == patient else "another patient"


def _ask_dear(client: httpx.AsyncClient, clients: int) -> list[asyncio.Task[str | None]]:
    """Questions that take far longer together than the server waits before it stops."""
    return [asyncio.create_task(_post(client, f"p{n % PATIENTS}", SIX, "provenance")) for n in range(clients)]


async def _gathered(asked: list[asyncio.Task[str | None]], what: str) -> Counter[str]:
    """The faults of these questions, by their kind."""
    faults = Counter(fault for fault in await asyncio.gather(*asked) if fault is not None)
    if faults:
        print(f"{what}: {dict(faults)}", file=sys.stderr)
    return faults


async def _stop_while_asked(client: httpx.AsyncClient, server: Child, clients: int, seen: Soak) -> None:
    """What is under way when the server is told to stop is answered: it may have been sent a moment ago."""
    asked = _ask_dear(client, clients)
    await asyncio.sleep(_SENT_WITHIN)
    unanswered = sum(not task.done() for task in asked)
    os.kill(server.pid, signal.SIGTERM)
    faults = await _gathered(asked, "lost")
    seen.refused = faults.pop("ConnectError", 0)
    seen.unanswered, seen.lost = unanswered - seen.refused, faults.total()


if __name__ == "__main__":
    sys.exit(main())

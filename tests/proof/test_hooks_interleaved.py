"""Hundreds of calls at once, of two clients whose patients have the same ids: nobody sees what is another's.

Each patient has a creatinine of its own, by which it is known wherever it turns up.
"""

import asyncio
import json
import re
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx

from tests.support.charts import creatinine, patient
from tests.support.engine_questions import shipped
from tests.support.hook_calls import Ehr as Client
from tests.support.hook_calls import hook_site as client_settings
from tests.support.hook_ehr import Ehr
from tests.support.hook_site import SERVICES, HookSite, call_of, hook_site, without_uuids
from tests.support.token_issuer import TokenIssuer

Json = dict[str, Any]

CALLS, IDS = 400, 20
HOSTS = ("ehr", "lab")
SERVICE_IDS = ("renal-dosing", "renal-dosing-select", "aki")
BASELINE = 1.0
MEASURED = re.compile(r"(\d+(?:\.\d+)?) mg/dL")


def level(host: str, number: int) -> float:
    """The creatinine of a patient in mg/dL, which no other has."""
    return round(2 + HOSTS.index(host) * IDS / 10 + number / 10, 1)


def chart(host: str, number: int) -> list[Json]:
    """A patient with injured kidneys, so that each of the services has a card."""
    of = f"pt-{number:02}"
    return [
        patient("1950-04-05", "female", of, name=[{"family": "Zwyx"}]),
        creatinine(BASELINE, "2026-06-01T08:00:00Z", of=of, id=f"before-{number}"),
        creatinine(BASELINE, "2026-06-28T08:00:00Z", of=of, id=f"lately-{number}"),
        creatinine(level(host, number), "2026-06-30T08:00:00Z", of=of, id=f"now-{number}"),
    ]


@dataclass
class Hosts:
    """Two EHRs behind one network; each answers late, so that calls overtake each other, and heeds its own token."""

    ehrs: dict[str, Ehr]
    random: Random

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        for _ in range(self.random.randrange(5)):
            await asyncio.sleep(0)
        return self.ehrs[request.url.host.partition(".")[0]](request)


def base(host: str) -> str:
    return f"https://{host}.example/fhir"


def made_hosts() -> Hosts:
    charts = {host: [each for number in range(IDS) for each in chart(host, number)] for host in HOSTS}
    return Hosts({host: Ehr(charts[host], frozenset({f"{host}.token"})) for host in HOSTS}, Random(12))  # noqa: S311 - seeded


def made_settings(clients: dict[str, Client]) -> Any:
    tables = [client.settings(sources=[host]) for host, client in clients.items()]
    sources = [{"id": host, "base_url": base(host), "auth": "caller"} for host in HOSTS]
    return client_settings(*tables, sources=sources, server={"max_rate": 1_000_000}, cache={"enabled": True})


def body_of(hosts: Hosts, host: str, service_id: str, number: int, way: int) -> Json:
    """A call about a patient of this host: by prefetch, by fetch, by both."""
    service, of = SERVICES[service_id], f"pt-{number:02}"
    given = hosts.ehrs[host].prefetch(shipped(), service, of)
    if way == 2:
        given = {key: each for place, (key, each) in enumerate(sorted(given.items())) if place % 2}
    token = {
        "access_token": f"{host}.token", "token_type": "Bearer", "expires_in": 300, "scope": "patient/*.rs",
        "subject": "medtwin", "patient": of,
    }  # fmt: skip
    if way == 0:
        return call_of(service, of, given)
    return call_of(service, of, None if way == 1 else given, base(host), fhirAuthorization=token)


async def feedback(site: HookSite, client: Client, service_id: str, uuids: list[str]) -> int:
    items = [{"card": each, "outcome": "overridden", "outcomeTimestamp": "2026-06-30T12:00:00Z"} for each in uuids]
    answer = await site.http.post(
        f"/cds-services/{service_id}/feedback",
        content=json.dumps({"feedback": items}).encode(),
        headers={
            "Content-Type": "application/json",
            "Authorization": f"Bearer {client.token(f'/{service_id}/feedback')}",
        },
    )
    return answer.status_code


async def test_calls_of_two_clients_and_many_patients_never_mix() -> None:
    random, hosts, seen = Random(20261129), made_hosts(), Counter[str]()  # noqa: S311 - seeded
    async with TokenIssuer.listening() as issuer:
        clients = {host: Client(issuer, f"{host}-client") for host in HOSTS}
        http = httpx.AsyncClient(transport=httpx.MockTransport(hosts))
        async with hook_site(made_settings(clients), hosts.ehrs["ehr"], http) as site:
            limit = asyncio.Semaphore(16)

            async def one(_: int) -> None:
                host, service_id = random.choice(HOSTS), random.choice(SERVICE_IDS)
                number, way = random.randrange(IDS), random.randrange(3)
                body = body_of(hosts, host, service_id, number, way)
                async with limit:
                    answer = await site.call(service_id, body, clients[host].token(f"/{service_id}"))
                assert answer.status_code == 200, answer.text
                cards = answer.json()["cards"]
                assert cards, (host, service_id, number, way)
                found = set(map(float, MEASURED.findall(answer.text)))
                assert found <= {level(host, number), BASELINE}, (host, number, found)
                assert not any(each in answer.text for each in ("Zwyx", "pt-", ".token", ".example/fhir"))
                seen[service_id] += level(host, number) in found
                seen[f"{host} {way}"] += 1

            await asyncio.gather(*map(one, range(CALLS)))
            # Whose token went where: each to its own server, and none anywhere else.
            for host in HOSTS:
                sent = {token for _, token in hosts.ehrs[host].credentials()}
                assert sent == {f"Bearer {host}.token"}
    assert min(seen[each] for each in SERVICE_IDS) > CALLS / 8, seen
    assert len(seen) == len(SERVICE_IDS) + 6


async def test_what_one_client_overrides_speaks_to_the_other_and_of_other_patients() -> None:
    """Both hosts have the very same patient, under the same id."""
    hosts = made_hosts()
    hosts.ehrs["lab"] = Ehr(hosts.ehrs["ehr"].records, frozenset({"lab.token"}))
    async with TokenIssuer.listening() as issuer:
        clients = {host: Client(issuer, f"{host}-client") for host in HOSTS}
        http = httpx.AsyncClient(transport=httpx.MockTransport(hosts))
        async with hook_site(made_settings(clients), hosts.ehrs["ehr"], http) as site:

            async def cards(host: str, number: int, service_id: str = "renal-dosing", way: int = 1) -> list[Json]:
                body = body_of(hosts, host, service_id, number, way)
                return await site.cards(SERVICES[service_id], body, clients[host].token(f"/{service_id}"))

            before = {(host, number): await cards(host, number) for host in HOSTS for number in (1, 2)}
            uuids = [each["uuid"] for each in before["ehr", 1]]
            assert uuids
            # A guess of the other client, and the right uuid at another service, silence nothing.
            assert await feedback(site, clients["lab"], "renal-dosing", uuids) == 200
            assert await feedback(site, clients["ehr"], "aki", uuids) == 200
            assert without_uuids(await cards("ehr", 1)) == without_uuids(before["ehr", 1])
            assert await feedback(site, clients["ehr"], "renal-dosing", uuids) == 200
            # However the records come.
            assert [await cards("ehr", 1, way=way) for way in (1, 2)] == [[], []]
            assert without_uuids(await cards("ehr", 2)) == without_uuids(before["ehr", 2])
            assert without_uuids(await cards("lab", 1)) == without_uuids(before["lab", 1])
            assert await cards("ehr", 1, "renal-dosing-select") and await cards("ehr", 1, "aki")
            # Changed grounds speak again.
            record = {**hosts.ehrs["ehr"].records[3 + 4], "id": "newer", "effectiveDateTime": "2026-06-30T11:00:00Z"}
            record["valueQuantity"] = {**record["valueQuantity"], "value": 2.995}
            hosts.ehrs["ehr"].records.append(record)
            assert await cards("ehr", 1)

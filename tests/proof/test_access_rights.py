"""Two callers, one question, other rights: each is told what is theirs to see, and nothing of what the other was."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.support.charts import condition, creatinine, patient
from tests.support.fake_fhir_servers import EVERYTHING, GuardedFhir, application_client, guarded_engine

VALUE = "1.618"
RECORDS = (patient(), creatinine(float(VALUE), "2026-06-01T08:30:00Z"), condition("49436004", id="c1"))
OF = '["egfr", "serum-creatinine", "atrial-fibrillation"]'
QUERY = (
    f'{{ patient(id: "p1") {{ results(of: {OF}, at: "2026-06-02T12:00:00Z") {{ status text '
    "value { ... on Absent { reason } ... on Flag { is } ... on Quantity { value } } "
    "chain { module { id } reused reason } records { id } issues { code text } } } }"
)


@asynccontextmanager
async def over(fhir: GuardedFhir, **source: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with guarded_engine(fhir, source) as engine, application_client(engine) as client:
        yield client


def ehr(records: Any = RECORDS) -> GuardedFhir:
    return GuardedFhir(records, all=EVERYTHING, other=EVERYTHING, some=("Patient",))


async def ask(client: httpx.AsyncClient, token: str | None, *more: tuple[str, str]) -> Any:
    headers = [*([("authorization", f"Bearer {token}")] if token is not None else []), *more]
    return (await client.post("/graphql", json={"query": QUERY}, headers=headers)).json()


def results(told: Any) -> list[Any]:
    assert "errors" not in told, told
    found: list[Any] = told["data"]["patient"]["results"]
    return found


def see_everything(told: Any) -> None:
    egfr, recorded, fibrillation = results(told)
    assert egfr["status"] == "COMPLETE", egfr
    assert recorded["value"] == {"value": float(VALUE)}
    assert fibrillation["value"] == {"is": True}


def see_nothing_but_the_patient(told: Any, status: int = 403) -> None:
    egfr, recorded, fibrillation = results(told)
    assert egfr["status"] == recorded["status"] == fibrillation["status"] == "INSUFFICIENT"
    # Not "not found", and not "no".
    assert recorded["value"] == fibrillation["value"] == {"reason": "NOT_PERMITTED"}
    refusals = [issue["text"] for issue in recorded["issues"] if issue["code"] == "source-refused"]
    assert refusals and all(f"not permitted ({status}): the caller's token" in text for text in refusals)
    shown = json.dumps(told)
    assert VALUE not in shown and '"c1"' not in shown


async def test_each_at_the_same_time() -> None:
    fhir = ehr()
    async with over(fhir) as client:
        first, second, third = await asyncio.gather(ask(client, "all"), ask(client, "some"), ask(client, "all"))
    see_everything(first)
    see_everything(third)
    see_nothing_but_the_patient(second)
    # Searches that go at once are shared by the same caller, and by nobody else.
    assert (
        sorted(fhir.searched_with("all"))
        == sorted(fhir.searched_with("some"))
        == sorted(set(fhir.searched_with("all")))
    )


KEPT = {"patient": 300, "observation": 300, "condition": 300}


@pytest.mark.parametrize("freshness", [{}, KEPT])
@pytest.mark.parametrize("order", [("some", "all", "some"), ("all", "some", "all")])
async def test_each_after_the_other(order: tuple[str, ...], freshness: dict[str, int]) -> None:
    async with over(ehr(), freshness=freshness) as client:
        for token in order:
            told = await ask(client, token)
            see_everything(told) if token == "all" else see_nothing_but_the_patient(told)


@pytest.mark.parametrize("freshness", [{}, KEPT])
async def test_a_token_that_has_expired_is_not_taken_for_an_empty_chart(freshness: dict[str, int]) -> None:
    async with over(ehr(), freshness=freshness) as client:
        told = await ask(client, "expired")
        egfr, recorded, _ = results(told)
        assert (egfr["status"], recorded["value"]) == ("INSUFFICIENT", {"reason": "NOT_PERMITTED"})
        (text,) = {issue["text"] for issue in recorded["issues"] if "Observation" in issue["text"]}
        assert "(401)" in text and "get a new one and ask again" in text
        see_everything(await ask(client, "all"))


async def test_why_it_ran_is_told_from_the_callers_own_questions() -> None:
    fhir = ehr()

    def why(told: Any) -> str:
        chain = results(told)[0]["chain"]
        return str(next(step["reason"] for step in chain if step["module"]["id"] == "egfr"))

    async with over(fhir) as client:
        await ask(client, "all")
        fhir.records = (patient(), creatinine(2.718, "2026-06-01T08:30:00Z"))
        assert VALUE not in why(await ask(client, "other"))
        fhir.records = (patient(), creatinine(3.142, "2026-06-01T08:30:00Z"))
        assert f"from {VALUE} mg/dL to 3.142 mg/dL" in why(await ask(client, "all"))


@pytest.mark.parametrize(
    "headers", [[], [("authorization", "Basic dXNlcjpwYXNz")], [("authorization", "")], [("x-token", "all")]]
)
async def test_without_a_token_nothing_is_sent(headers: list[tuple[str, str]]) -> None:
    fhir = ehr()
    async with over(fhir) as client:
        told = await ask(client, None, *headers)
    (error,) = told["errors"]
    assert error["extensions"]["code"] == "token-required"
    assert "Authorization: Bearer" in error["message"] and "dXNlcjpwYXNz" not in json.dumps(told)
    assert [request for request in fhir.requests if "metadata" not in request.url.path] == []


@pytest.mark.parametrize(
    "headers",
    [
        [("authorization", "Bearer")],
        [("authorization", "Bearer ")],
        [("authorization", "Bearer all some")],
        [("authorization", 'Bearer "all"')],
        [("authorization", "Bearer all"), ("authorization", "Bearer some")],
        [("authorization", f"Bearer {'x' * 20_000}")],
    ],
)
async def test_a_header_that_holds_no_token_is_refused(headers: list[tuple[str, str]]) -> None:
    fhir = ehr()
    async with over(fhir) as client:
        answer = await client.post("/graphql", json={"query": QUERY}, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "bad-token")
    assert fhir.requests == []


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_scheme_is_read_in_any_case(scheme: str) -> None:
    async with over(ehr()) as client:
        headers = {"authorization": f"{scheme}  all "}
        see_everything((await client.post("/graphql", json={"query": QUERY}, headers=headers)).json())

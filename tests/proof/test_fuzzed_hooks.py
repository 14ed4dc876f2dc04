"""Whatever a service is called with: cards with grounds, one card on what is missing, or a refusal that says why.

Nothing of another patient is among it, though every fourth call hands in another patient's records.  ``FUZZ_HOOKS``
sets how many are sent (``make fuzz``), ``FUZZ_SEED`` others.
"""

import json
import os
from collections import Counter
from random import Random
from typing import Any

import httpx
import pytest

from tests.support.card_faults import card_faults
from tests.support.charts import creatinine
from tests.support.charts import patient as person
from tests.support.engine_questions import shipped
from tests.support.fuzzed_hooks import HookFuzzer
from tests.support.hook_ehr import BASE, TOKEN, Ehr, chart
from tests.support.hook_site import SERVICES, anybody, call_of, hook_site
from tests.support.secrets_chart import everything_logged

Json = dict[str, Any]

CALLS = int(os.environ.get("FUZZ_HOOKS", "600"))
SEED = int(os.environ.get("FUZZ_SEED", "20261129"))
PATIENTS = ("ckd-progressing", "sepsis-ward", "af-stroke", "partial-birth-date", "healthy", "dialysis", "liver-day-3")
OTHER = "zq7x-other"
FOREIGN = ("zq7x", "Zwyx", "4.87")
TRACES = ("Traceback", 'File "', ".py", "site-packages", "object at 0x", "internal error")
REFUSALS = {400: {"structure", "value", "required", "forbidden", "too-costly"}, 412: {"incomplete"}}
REACHED = {"cards": 0.05, "no cards": 0.02, "400": 0.05, "412": 0.05}
"""The least share of the calls that must have had such an answer."""


def other_chart() -> list[Json]:
    """A patient whose creatinine and name can be told from all others'."""
    return [
        person("1950-02-03", "male", OTHER, name=[{"family": "Zwyx"}]),
        creatinine(4.87, "2026-06-30T08:00:00Z", of=OTHER, id="zq7x-1"),
        creatinine(1.1, "2026-06-01T08:00:00Z", of=OTHER, id="zq7x-2"),
    ]


def kind_of(answer: httpx.Response, is_order: bool) -> str:
    """Which of the answers that a call may have it is; fails where it is none of them."""
    assert answer.headers["content-type"] == "application/json"
    body = json.loads(answer.content, parse_constant=lambda each: pytest.fail(f"{each} is no JSON"))
    if answer.status_code != 200:
        assert body["resourceType"] == "OperationOutcome" and body["issue"], answer.text
        assert {each["code"] for each in body["issue"]} <= REFUSALS.get(answer.status_code, set()), answer.text
        return str(answer.status_code)
    assert set(body) == {"cards"} and len(body["cards"]) <= 5
    assert [card_faults(card, is_order) for card in body["cards"]] == [[]] * len(body["cards"])
    missing = [card for card in body["cards"] if "**Grounds**" not in card["detail"]]
    assert len(missing) <= 1
    return "missing" if missing else "cards" if body["cards"] else "no cards"


@pytest.mark.parametrize("service_id", SERVICES)
async def test_every_call_has_one_of_three_answers(service_id: str) -> None:
    service, seen = SERVICES[service_id], Counter[str]()
    ehr = Ehr([*(record for name in PATIENTS for record in chart(name)), *other_chart()])
    # Seeded by the service too: else all would be spoilt in the same way.
    random = Random(f"{SEED} {service_id}")  # noqa: S311 - seeded, and no secret
    with everything_logged() as lines:
        async with hook_site(anybody(), ehr) as site:
            # Half of the calls are about a patient of whom there is something to say.
            known = [each for each in PATIENTS if await site.cards(service, call_of(service, each, None, BASE))]
            fuzzer = HookFuzzer(ehr, shipped(), [*PATIENTS, *(known * len(PATIENTS))], OTHER, random)
            for number in range(CALLS // len(SERVICES) + 1):
                patient, body = fuzzer.call(service)
                del lines[:]
                answer = await site.call(service, body)
                asked = _asked(body)
                where = (number, patient, body[:3000])
                try:
                    seen[kind_of(answer, "draftOrders" in str(body))] += 1
                    if asked != OTHER:
                        assert not any(each in answer.text for each in FOREIGN)
                    assert not any(each in answer.text for each in (TOKEN, *TRACES))
                    logged = "\n".join(lines)
                    assert not any(each in logged for each in (TOKEN, OTHER, "Zwyx", *PATIENTS))
                except AssertionError as error:
                    raise AssertionError(f"{where}\n{answer.status_code} {answer.text[:2000]}") from error
    print(service_id, dict(seen.most_common()))
    total = sum(seen.values())
    # That it got where it should, or this would prove nothing.
    few = {name: seen[name] for name, least in REACHED.items() if seen[name] <= least * total}
    assert few == {}, seen


def _asked(body: bytes) -> Any:
    """Whom a call is about, as far as it can be read."""
    try:
        return json.loads(body)["context"]["patientId"]
    except (ValueError, KeyError, TypeError):
        return None

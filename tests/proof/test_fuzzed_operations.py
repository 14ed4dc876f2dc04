"""Whatever is sent to /graphql with a good token: an answer in JSON, typed errors, and nothing of another patient.

``FUZZ_OPERATIONS`` sets how many are sent (``make fuzz``), ``FUZZ_SEED`` others.
"""

import asyncio
import importlib
import json
import os
from collections import Counter
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, seed, settings

from server.access.issuers import Issuers
from server.app import create_app
from server.executor.engine import Engine
from server.graphql.schema import build_core_schema
from tests.support.engine_questions import shipped
from tests.support.fuzzed_operations import bodies
from tests.support.leak_run import chart, foreign, of_anybody
from tests.support.multi_source_servers import Servers
from tests.support.secrets_chart import everything_logged
from tests.support.token_issuer import Clock, TokenIssuer, site

OPERATIONS = int(os.environ.get("FUZZ_OPERATIONS", "600"))
ENOUGH = 500
"""From so many operations of a form on, the shares of their answers are asked for."""
SEED = int(os.environ.get("FUZZ_SEED", "20261129"))
SCHEMA = build_core_schema()
FORMS = bodies(SCHEMA)
REACHED: dict[str, dict[str, float]] = {
    "documents": {"200": 0.3, "invalid-query": 0.1, "patient": 0.05, "other-patient": 0.02},
    "results": {"200": 0.4, "patient": 0.1, "complete": 0.01, "other-patient": 0.01},
    "attribution": {"200": 0.4, "patient": 0.05},
    "timeline": {"200": 0.4, "patient": 0.02},
    "catalog": {"200": 0.5},
    "wild": {"bad-request": 0.2},
}
"""The least share of the operations of a form that must have had such an answer."""
STATUSES = {200, 400, 413}
# Hypothesis looks at it wherever it is loaded, and fails while the warm-up of the models is loading it.
importlib.import_module("numpy")
TRACES = ("Traceback", 'File "', ".py", "site-packages", "object at 0x")


class FuzzedApp:
    """The application and a caller of it, whose token is for the patient pt-q00 of ``ehr``."""

    def __init__(self, client: httpx.AsyncClient, token: str) -> None:
        self.client = client
        self.token = token
        self.seen: Counter[str] = Counter()

    async def send(self, body: bytes) -> None:
        """One request, and what must hold of its answer."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        async with asyncio.timeout(60):
            answer = await self.client.post("/graphql", content=body, headers=headers)
        assert answer.status_code in STATUSES, (answer.status_code, answer.text[:500])
        assert answer.headers["content-type"] == "application/json"
        shown = answer.text + str(answer.headers)
        assert self.token not in shown and not any(part in shown for part in self.token.split("."))
        assert foreign(shown, 0) == []
        content = json.loads(answer.content, parse_constant=_no_json)
        assert set(content) <= {"data", "errors"} and content
        for error in content.get("errors", ()):
            self._check(error)
        self.seen[str(answer.status_code)] += 1
        data = content.get("data") or {}
        self.seen["patient"] += any(isinstance(each, dict) for each in data.values())
        self.seen["complete"] += '"COMPLETE"' in answer.text

    def _check(self, error: dict[str, Any]) -> None:
        code = error["extensions"]["code"]
        assert isinstance(code, str) and code != "internal", error
        assert isinstance(error["message"], str) and error["message"]
        assert not any(trace in error["message"] for trace in TRACES), error
        self.seen[code] += 1


def _no_json(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


async def _opened(issuer: TokenIssuer) -> tuple[Any, httpx.AsyncClient]:
    made = site(issuer.settings(), server={"max_rate": 1_000_000})
    servers = Servers(ehr=[*chart(0), *chart(1)])
    clock = Clock()
    issuers = Issuers(made, clock=clock.monotonic, wall=clock.wall)
    http = httpx.AsyncClient(transport=httpx.MockTransport(servers))

    async def opened() -> Engine:
        return await Engine.open(made, shipped(), http)

    app = create_app(made, opened, issuers)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return app, httpx.AsyncClient(transport=transport, base_url="http://localhost")


@pytest.mark.parametrize("form", FORMS)
def test_every_operation_has_a_typed_answer(form: str) -> None:
    share, body_of_form = FORMS[form]
    count = round(share * OPERATIONS)
    with asyncio.Runner() as runner, everything_logged() as lines:
        listening = TokenIssuer.listening()
        issuer = runner.run(listening.__aenter__())
        app, client = runner.run(_opened(issuer))
        lifespan = app.router.lifespan_context(app)
        runner.run(lifespan.__aenter__())
        try:
            fuzzed = FuzzedApp(client, issuer.token(issuer.claims(patient="pt-q00")))

            @seed(SEED)
            @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
            @given(body_of_form)
            def send(body: bytes) -> None:
                del lines[:]
                runner.run(fuzzed.send(body))
                logged = "\n".join(lines)
                assert of_anybody(logged) == [] and fuzzed.token not in logged

            send()
        finally:
            runner.run(lifespan.__aexit__(None, None, None))
            runner.run(client.aclose())
            runner.run(listening.__aexit__(None, None, None))
    print(form, dict(fuzzed.seen.most_common()))
    # That it got where it should, or this would prove nothing.
    for seen, least in REACHED[form].items():
        # A share of few is a matter of luck, which depends on all that was imported before.
        expected = least * count if count >= ENOUGH else 0
        assert fuzzed.seen[seen] > expected, (seen, fuzzed.seen)

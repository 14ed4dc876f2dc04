"""The examples of docs/graphql.md run, and its table of codes has every code."""

import re
from pathlib import Path

import pytest

from server.errors import CompileError
from server.executor.engine import Engine
from server.graphql.endpoint import GraphQL
from server.settings import Settings
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import shipped
from tests.support.fake_fhir_servers import BASE, FakeFhir

REPO = Path(__file__).parents[1]
TOLD = (REPO / "docs/graphql.md").read_text()
EXAMPLES = re.findall(r"```graphql\n(.*?)```", TOLD, re.DOTALL)
RECORDS = (patient(), creatinine(1.1, "2026-04-01T08:00:00Z"), creatinine(1.6, "2026-06-01T08:30:00Z"))


@pytest.mark.parametrize("query", EXAMPLES, ids=[example.split("(")[0].split()[1] for example in EXAMPLES])
async def test_the_example_runs(query: str) -> None:
    settings = Settings.model_validate({"sources": [{"id": "ehr", "base_url": BASE}], "cache": {"enabled": False}})
    variables = {"patient": "p1", "at": "2026-06-02T12:00:00Z"} if "$patient" in query else {}
    async with await Engine.open(settings, shipped(), FakeFhir(RECORDS).client()) as engine:
        told, status = await GraphQL(engine, settings.server).run(query, variables)
    assert (told.get("errors"), status) == (None, 200)
    assert told["data"]
    if "assume:" in query:
        (result,) = told["data"]["patient"]["results"]
        assert "not the expected effect of treatment" in result["text"]
        grounds = [ground for step in result["chain"] for ground in step["grounds"]]
        assert [ground["slot"] for ground in grounds if ground["assumed"]] == ["creatinine"]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 8


def test_every_code_is_documented() -> None:
    executor = REPO / "server/executor"
    sources = [*(REPO / "server/graphql").glob("*.py"), executor / "engine.py", executor / "record_question.py"]
    raised = {
        code for path in sources for code in re.findall(r'(?:QuestionError|refused)\(\s*"([a-z-]+)"', path.read_text())
    }
    compiled = {kind.code for kind in CompileError.__subclasses__()}
    documented = set(re.findall(r"`([a-z-]+)`", TOLD.split("## Errors")[1].split("## GraphiQL")[0]))
    assert raised
    assert raised | compiled | {"internal", "patient-not-found", "invalid-query"} <= documented

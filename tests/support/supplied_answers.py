"""Answers from records that are handed in complete, as ``ask --bundle FILE`` gives them, without any source."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from collectors.supplied_records import from_records
from ontology.values import Value
from server.executor.engine import Engine
from server.executor.question import Question
from server.explain.explain import explain
from server.explain.results import AnswerResult
from server.settings import Settings
from tests.support.engine_questions import shipped

GUIDES = Path(__file__).parents[1] / "cases" / "guides"
AT = datetime(2026, 6, 15, 12, tzinfo=UTC)


def guide_records(name: str) -> list[dict[str, Any]]:
    """The records of a file of ``tests/cases/guides``, by the beginning of its name."""
    (path,) = GUIDES.glob(f"{name}*.json")
    return [entry["resource"] for entry in json.loads(path.read_text())["entry"]]


def answer_from(
    records: Sequence[Mapping[str, Any]], *concepts: str, patient: str = "p1", at: datetime = AT
) -> dict[str, AnswerResult]:
    """The answers by concept; every type of record is stated to be complete."""
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in records]}
    return answer_from_file(json.dumps(bundle).encode(), *concepts, patient=patient, at=at)


def answer_from_file(
    raw: bytes, *concepts: str, patient: str = "p1", at: datetime = AT, assume: Mapping[str, Value] | None = None
) -> dict[str, AnswerResult]:
    """The answers by concept from the content of a file; every type of record is stated to be complete."""
    types = sorted({each.resource_type for each in shipped().collectors.values()} | {"Medication", "Device"})
    supplied = from_records(raw, types, patient)

    async def ask() -> tuple[AnswerResult, ...]:
        async with await Engine.open(Settings.model_validate({"cache": {"enabled": False}}), shipped()) as engine:
            trace, _ = await engine.ask_with_facts(
                Question(patient, concepts, at, assumptions=dict(assume or {})), supplied
            )
            return explain(trace)

    return {result.concept.id: result for result in asyncio.run(ask())}

"""Bundles as tests look at them: the told result of a made trace, resources of one type, the words in notes."""

from datetime import UTC, datetime
from typing import Any

from server.explain.explain import explain
from server.explain.results import AnswerResult
from tests.support import traces as t

NOW = datetime(2026, 6, 3, 7, 15, tzinfo=UTC)
Json = dict[str, Any]


def told(name: str) -> AnswerResult:
    return explain(t.EVERY_TRACE[name](), t.interpret)[0]


def of_kind(made: Json, kind: str) -> list[Json]:
    return [entry["resource"] for entry in made["entry"] if entry["resource"]["resourceType"] == kind]


def notes(resource: Json) -> str:
    return " | ".join(note["text"] for note in resource["note"])

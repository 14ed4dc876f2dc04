"""What the proofs share: every computed concept, questions put over HTTP, and results by concept."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from ontology.values import Value
from server.executor.engine import Engine
from server.executor.question import Question
from server.executor.trace import Execution, Trace
from server.explain.explain import explain
from server.explain.results import AnswerResult
from server.settings import Settings
from tests.support.charts import Record
from tests.support.engine_questions import open_asker, shipped

T = TypeVar("T")


def every_concept() -> tuple[str, ...]:
    """The ids of all concepts that a module computes."""
    return tuple(sorted(module.produces.id for module in shipped().modules.values()))


@dataclass(frozen=True, slots=True)
class ProofQuestion:
    """One question of a proof; ``key`` finds its trace again."""

    key: str
    patient: str
    at: datetime
    of: tuple[str, ...]
    assume: Mapping[str, Value] = field(default_factory=dict)


def settings_for(base_url: str, **more: object) -> Settings:
    """Settings with one source, ``ehr``."""
    return Settings.model_validate({"sources": [{"id": "ehr", "base_url": base_url}], **more})


def ask_over_http(base_url: str, questions: Iterable[ProofQuestion], **settings: object) -> dict[str, Trace]:
    """The traces of these questions, one after the other, put to one engine with its embedded cache."""

    async def ask_all(engine: Engine) -> dict[str, Trace]:
        found = {}
        for each in questions:
            found[each.key] = await engine.ask(Question(each.patient, each.of, each.at, assumptions=each.assume))
        return found

    return with_engine(settings_for(base_url, **settings), ask_all)


def with_engine(settings: Settings, use: Callable[[Engine], Awaitable[T]]) -> T:
    """Open an engine in an event loop of its own, use it, close it."""

    async def go() -> T:
        async with await Engine.open(settings, shipped()) as engine:
            return await use(engine)

    return asyncio.run(go())


async def ask_about(records: Iterable[Record], *of: str, **more: Any) -> Trace:
    """One question about these records, without a cache; ``more`` as in ``Asker`` (at, assume)."""
    async with open_asker(cache={"enabled": False}) as ask:
        return await ask(records, *of, **more)


def results_by_concept(trace: Trace) -> dict[str, AnswerResult]:
    """The results by concept."""
    return {result.concept.id: result for result in explain(trace)}


def execution(trace: Trace, concept: str) -> Execution:
    """The execution that answers this concept."""
    position = next(a.execution for a in trace.answers if a.goal.concept.id == concept)
    assert position is not None
    return trace.executions[position]


async def result_of(records: Iterable[Record], concept: str, **more: Any) -> AnswerResult:
    """The answer to one question about these records."""
    return results_by_concept(await ask_about(records, concept, **more))[concept]


def issue_text(answer: AnswerResult, code: str) -> str:
    """What the issues with this code say."""
    return " ".join(issue.text for issue in answer.issues if issue.code == code)


def slot_value(trace: Trace, concept: str, slot: str) -> Value:
    """What filled a slot of the module that answers for the concept."""
    return execution(trace, concept).inputs[slot].value

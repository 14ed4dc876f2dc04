"""``ask``: the argument behind each answer, as a tree, as JSON (what GraphQL answers), or as Turtle."""

import asyncio
import json
import sys

from server.catalog.configured import configured_catalog
from server.executor.engine import Engine
from server.executor.question import Question
from server.explain.explain import explain
from server.explain.prov import graph
from server.explain.results import AnswerResult, Status
from server.explain.text import argument
from server.graphql.endpoint import GraphQL
from server.graphql.whole import WHOLE
from server.settings import Settings


def run(settings: Settings, question: Question, form: str) -> int:
    """Print the answers in the form ``text``, ``json`` or ``turtle``.  0: answered; 1: a module failed.

    Raises MedtwinError where there is nothing to print.
    """
    return asyncio.run(_ask(settings, question, form))


async def _ask(settings: Settings, question: Question, form: str) -> int:
    async with await Engine.open(settings, configured_catalog(settings)) as engine:
        if form == "json":
            return await _json(engine, settings, question)
        results = explain(await engine.ask(question))
    print(_turtle(results) if form == "turtle" else "\n".join(argument(result) for result in results), end="")
    return int(any(result.status is Status.FAILED for result in results))


def _turtle(results: tuple[AnswerResult, ...]) -> str:
    whole, *others = (graph(result) for result in results)
    for other in others:
        whole += other
    return whole.serialize(format="turtle")


async def _json(engine: Engine, settings: Settings, question: Question) -> int:
    at = None if question.at is None else question.at.isoformat()
    variables = {
        "patient": question.patient,
        "source": question.source,
        "of": list(question.of),
        "at": at,
    }
    told, _ = await GraphQL(engine, settings.server).run(WHOLE, variables, token=question.token)
    if "errors" in told:
        for error in told["errors"]:
            print(f"medtwin: {error['message']}", file=sys.stderr)
        return 1
    print(json.dumps(told["data"]["patient"], indent=2, ensure_ascii=False))
    return int(any(result["status"] == Status.FAILED.value for result in told["data"]["patient"]["results"]))

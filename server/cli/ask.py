"""``ask``: the argument behind each answer, as a tree, as JSON (what GraphQL answers), as RDF, or as FHIR."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from collectors.handed import OFFLINE, HandedIn
from collectors.settings import Source
from server.catalog.configured import configured_catalog
from server.catalog.load import Catalog
from server.cli.assume import given_inputs, read_inputs
from server.cli.bundle import check_types
from server.executor.course import Course
from server.executor.engine import Engine
from server.executor.question import Question
from server.executor.trace import Trace
from server.explain.attribution import with_attributions
from server.explain.comparisons import Against, Baseline
from server.explain.explain import explain
from server.explain.fhir import bundle
from server.explain.prov import graph, written
from server.explain.results import AnswerResult, Status
from server.explain.text import argument
from server.settings import Settings

if TYPE_CHECKING:
    from server.graphql.query import Asks


def run(
    settings: Settings,
    question: Question,
    form: str,
    handed: HandedIn | None = None,
    against: tuple[Against, ...] = (),
    assume: Sequence[str] = (),
) -> int:
    """Print the answers in the form ``text``, ``json``, ``turtle``, ``json-ld`` or ``fhir``.

    0: answered; 1: a module failed.
    ``against``: what moved each answer away from these (in JSON: from the first) is told with it.  ``assume``: what to
    take as given, as it was written.  Raises MedtwinError where there is nothing to print.
    """
    return asyncio.run(_ask(settings, question, form, handed, against, assume))


async def _ask(
    settings: Settings,
    question: Question,
    form: str,
    handed: HandedIn | None,
    against: tuple[Against, ...],
    assume: Sequence[str],
) -> int:
    async with await Engine.open(settings, configured_catalog(settings)) as engine:
        inputs = given_inputs(assume, engine.catalog)
        if handed is not None:
            check_types(handed, engine.catalog)
        if form == "json":
            return await _json(_With(engine, handed), settings, question, inputs, against)
        if inputs:
            recorded = any(each.baseline is Baseline.ACTUAL for each in against)
            question = replace(question, assume=read_inputs(inputs, engine.catalog), recorded=recorded)
        trace = await engine.ask(question, handed)
        results = with_attributions(trace, explain(trace), against)
    print(_written(results, form), end="")
    return int(any(result.status is Status.FAILED for result in results))


def _written(results: tuple[AnswerResult, ...], form: str) -> str:
    match form:
        case "turtle" | "json-ld":
            return written([graph(result) for result in results], form)
        case "fhir":
            # One Bundle of all: what several answers rest on is in it once.
            return json.dumps(bundle(results, datetime.now(UTC)), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        case _:
            return "\n".join(argument(result) for result in results)


class _With:
    """An engine that answers from what was handed in, as GraphQL asks it."""

    def __init__(self, engine: Engine, handed: HandedIn | None) -> None:
        self._engine = engine
        self._handed = handed

    @property
    def catalog(self) -> Catalog:
        return self._engine.catalog

    def source(self, source_id: str | None) -> Source:
        if self._handed is not None and not self._engine.sources and source_id is None:
            return OFFLINE
        return self._engine.source(source_id)

    async def ask(self, question: Question) -> Trace:
        return await self._engine.ask(self._named(question), self._handed)

    async def course(self, question: Question, most: int) -> Course:
        return await self._engine.course(self._named(question), most, self._handed)

    def _named(self, question: Question) -> Question:
        named = None if question.source == OFFLINE.id and not self._engine.sources else question.source
        return replace(question, source=named)


async def _json(
    engine: "Asks",
    settings: Settings,
    question: Question,
    assume: Sequence[Mapping[str, Any]],
    against: tuple[Against, ...],
) -> int:
    # The other forms need no GraphQL, which takes a third of a second to import.
    from server.graphql.endpoint import GraphQL
    from server.graphql.whole import WHOLE, WHOLE_MOVED

    at = None if question.at is None else question.at.isoformat()
    variables: dict[str, Any] = {
        "patient": question.patient,
        "source": question.source,
        "of": list(question.of),
        "at": at,
        "assume": list(assume),
    }
    for each in against[:1]:
        variables |= {"baseline": each.baseline.value, "since": None if each.since is None else each.since.isoformat()}
    query = WHOLE_MOVED if against else WHOLE
    told, _ = await GraphQL(engine, settings.server).run(query, variables, token=question.token)
    if "errors" in told:
        for error in told["errors"]:
            print(f"medtwin: {error['message']}", file=sys.stderr)
        return 1
    print(json.dumps(told["data"]["patient"], indent=2, ensure_ascii=False))
    return int(any(result["status"] == Status.FAILED.value for result in told["data"]["patient"]["results"]))

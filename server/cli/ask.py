"""``ask``: answers with their arguments, as text, JSON (that of the GraphQL API), RDF or FHIR."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from shutil import get_terminal_size
from typing import Any

from collectors.auth.authorisations import Caller
from collectors.patient.banner import Banner
from collectors.reading.record_content import RecordContent
from collectors.settings import Source
from collectors.supplied_records import OFFLINE, SuppliedRecords
from server.catalog.catalog import Catalog, configured_catalog
from server.cli.arguments import assumption_inputs, read_assumption_values, read_bundle
from server.cli.terminal import escape_json, escape_turtle, print_json, print_text
from server.cli.unreachable import HeldLog, UnreachableSources
from server.executor.engine import Engine
from server.executor.question import Question
from server.executor.record_question import RecordQuestion
from server.executor.timeline import ConceptTimeline
from server.executor.trace import Trace
from server.explain.attribution import with_attributions
from server.explain.comparisons import Baseline, Comparison
from server.explain.explain import explain
from server.explain.fhir import bundle
from server.explain.prov import argument_graph, serialize_graphs
from server.explain.results import AnswerResult, Status
from server.explain.short_text import render_short
from server.explain.step_text import render_steps
from server.explain.text import render_arguments
from server.settings import Settings

_UNKNOWN_TERMINAL = (100, 24)
"""Columns and lines where the output is no terminal, and ``COLUMNS`` is not set."""


def run(
    settings: Settings,
    question: Question,
    form: str,
    bundle_file: str | None = None,
    complete: str = "",
    comparisons: tuple[Comparison, ...] = (),
    assume: Sequence[str] = (),
    verbosity: int = 0,
) -> int:
    """Print the answers in the form ``text``, ``json``, ``turtle``, ``json-ld`` or ``fhir``.

    Returns the exit status: 0 answered, 1 a module failed, 3 a source could not be reached; a line on stderr, before
    all else, then names it.  ``bundle_file``: supplied records, of which the types in ``complete`` are complete.
    ``comparisons``: each answer is attributed against these (in JSON: against the first).  ``assume``: the
    assumptions, each ``CONCEPT=VALUE``.  ``verbosity`` of the text: 0 six lines an answer, 1 with steps, 2 everything.
    Raises MedtwinError if the question cannot be answered.
    """
    catalog = configured_catalog(settings)
    supplied = read_bundle(bundle_file, complete, question.patient, catalog)
    with HeldLog() as log:
        return asyncio.run(_ask(settings, catalog, question, form, supplied, comparisons, assume, verbosity, log))


async def _ask(
    settings: Settings,
    catalog: Catalog,
    question: Question,
    form: str,
    supplied: SuppliedRecords | None,
    comparisons: tuple[Comparison, ...],
    assume: Sequence[str],
    verbosity: int,
    log: HeldLog,
) -> int:
    async with await Engine.open(settings, catalog) as engine:
        inputs = assumption_inputs(assume, engine.catalog)
        if form == "json":
            return await _print_json(_EngineWithRecords(engine, supplied), settings, question, inputs, comparisons, log)
        if inputs:
            against_record = any(each.baseline is Baseline.ACTUAL for each in comparisons)
            question = replace(
                question,
                assumptions=read_assumption_values(inputs, engine.catalog),
                compare_without_assumptions=against_record,
            )
        trace, facts = await engine.ask_with_facts(question, supplied)
        log.report(facts.unreachable)
        results = with_attributions(trace, explain(trace), comparisons)
    print(_render(results, form, verbosity), end="")
    return log.exit_status(any(result.status is Status.FAILED for result in results))


def _render(results: tuple[AnswerResult, ...], form: str, verbosity: int) -> str:
    match form:
        case "turtle" | "json-ld":
            text = serialize_graphs([argument_graph(result) for result in results], form)
            return escape_turtle(text) if form == "turtle" else escape_json(text)
        case "fhir":
            # One Bundle for all answers: resources that several answers use are in it once.
            found = bundle(results, datetime.now(UTC))
            return escape_json(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"
        case _:
            width = get_terminal_size(_UNKNOWN_TERMINAL).columns
            render = (render_short, render_steps, render_arguments)[min(verbosity, 2)]
            return render(results, width)


class _EngineWithRecords:
    """An engine for GraphQL that answers from supplied records."""

    def __init__(self, engine: Engine, supplied: SuppliedRecords | None) -> None:
        self._engine = engine
        self._supplied = supplied
        self.unreachable: UnreachableSources = {}
        """Those of the last question."""

    @property
    def catalog(self) -> Catalog:
        return self._engine.catalog

    def source(self, source_id: str | None) -> Source:
        if self._supplied is not None and not self._engine.sources and source_id is None:
            return OFFLINE
        return self._engine.source(source_id)

    async def ask(self, question: Question) -> Trace:
        trace, facts = await self._engine.ask_with_facts(self._without_offline_source(question), self._supplied)
        self.unreachable = facts.unreachable
        return trace

    async def banner(self, source_id: str, patient: str, caller: Caller | None = None) -> Banner:
        return await self._engine.banner(source_id, patient, caller, self._supplied)

    async def timeline(self, question: Question, most: int) -> ConceptTimeline:
        return await self._engine.timeline(self._without_offline_source(question), most, self._supplied)

    async def record(self, question: RecordQuestion) -> RecordContent:
        return await self._engine.record(question, self._supplied)

    def _without_offline_source(self, question: Question) -> Question:
        named = None if question.source == OFFLINE.id and not self._engine.sources else question.source
        return replace(question, source=named)


async def _print_json(
    engine: _EngineWithRecords,
    settings: Settings,
    question: Question,
    assume: Sequence[Mapping[str, Any]],
    comparisons: tuple[Comparison, ...],
    log: HeldLog,
) -> int:
    # Only this form needs GraphQL, which takes a third of a second to import.
    from server.graphql.endpoint import GraphQL
    from server.graphql.full_query import FULL_QUERY, FULL_QUERY_WITH_ATTRIBUTION

    at = None if question.at is None else question.at.isoformat()
    variables: dict[str, Any] = {
        "patient": question.patient,
        "source": question.source,
        "of": list(question.concepts),
        "at": at,
        "assume": list(assume),
    }
    for each in comparisons[:1]:
        variables |= {"baseline": each.baseline.value, "since": None if each.since is None else each.since.isoformat()}
    query = FULL_QUERY_WITH_ATTRIBUTION if comparisons else FULL_QUERY
    response, _ = await GraphQL(engine, settings.server).run(query, variables, token=question.token)
    log.report(engine.unreachable)
    if "errors" in response:
        for error in response["errors"]:
            print_text(f"medtwin: {error['message']}", file=sys.stderr)
        return 1
    print_json(json.dumps(response["data"]["patient"], indent=2, ensure_ascii=False))
    results = response["data"]["patient"]["results"]
    return log.exit_status(any(result["status"] == Status.FAILED.value for result in results))

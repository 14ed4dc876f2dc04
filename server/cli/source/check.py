"""``source check``: reports, module by module, which slots a patient's records fill, and why others are empty.

It names the codes and units found, and the codes that no concept reads.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from collectors.errors import CollectorError
from collectors.fetching.client import Client, fetch_all_of_type
from collectors.reading.code_census import CodeCount, UnmappedCode, count_codes, unmapped_codes
from collectors.reading.codes import CodeIndex, Translation
from collectors.settings import Source
from collectors.source_facts import SourceFacts
from collectors.terminology.terminology import Terminology
from ontology.concepts import EVENT_ORIGINS, Concept, Origin
from ontology.evaluation import Severity
from ontology.values import Absent, AbsentReason, Series
from ontology.words import Style
from ontology.words.time import exact_span_words, time_words
from ontology.words.values import concept_words
from server.catalog.catalog import Catalog, configured_catalog
from server.cli.arguments import caller_token
from server.cli.source.connection import open_connection
from server.cli.terminal import print_text
from server.compiler.compilation import compile_plan
from server.errors import CompileError
from server.executor.engine import Engine
from server.executor.question import Question
from server.executor.trace import BoundInput, Execution, Trace
from server.explain.explain import explain
from server.explain.phrases import describe_absence
from server.explain.results import AnswerResult, Status
from server.settings import Settings

MAX_NAMED_CODES = 4
"""Number of codes that are named; the others are counted."""

LEGEND = "Slots: - is empty and required, o is empty and optional."


def slot_report(trace: Trace, facts: SourceFacts, results: Sequence[AnswerResult]) -> Iterator[str]:
    """A block of lines for each module of the plan, each after those that it needs."""
    statuses = {result.concept.id: result.status.value for result in results}
    for call in trace.plan.calls:
        description = call.description
        execution = _current_execution(trace, description.iri)
        status = statuses.get(description.produces.id, "")
        yield f"{description.id}  {description.title}{f'  {status}' if status else ''}"
        if execution is None:
            yield "    not run: an input is missing"
            continue
        for given in execution.inputs.values():
            yield from _slot_lines(given, facts, trace.executions, trace.circumstances.style)


def _current_execution(trace: Trace, iri: str) -> Execution | None:
    """The execution as of the question's time (others are points of a series), else the last; None for no execution."""
    own = [each for each in trace.executions if each.description.iri == iri]
    return next((each for each in own if each.as_of == trace.at), own[-1] if own else None)


def _slot_lines(given: BoundInput, facts: SourceFacts, executions: Sequence[Execution], style: Style) -> Iterator[str]:
    empty = isinstance(given.value, Absent)
    text = describe_absence(given, style) if empty else concept_words(given.value, given.slot.concept, style=style)
    mark = " " if not empty else "-" if given.slot.required else "o"
    yield f"  {mark} {given.slot.name:<24} {text}{_describe_origin(given, executions, style)}"
    if not empty:
        yield from (f"        from {text}" for text in _record_lines(given, facts))
        return
    texts = dict.fromkeys(issue.text for issue in given.issues if issue.severity is not Severity.INFORMATION)
    yield from (f"        {text}" for text in list(texts)[:MAX_NAMED_CODES])
    if not given.steps:
        yield from (f"        {line}" for line in empty_slot_lines(given.slot.concept, facts))


def _describe_origin(given: BoundInput, executions: Sequence[Execution], style: Style) -> str:
    if given.by_site:
        return "  (set for this site)"
    if given.steps:
        return f"  (from module {executions[given.steps[0]].description.id})"
    if isinstance(given.value, Series) or not given.resources:
        return ""
    times = {exact_span_words(each.effective, style) for each in given.resources if each.effective is not None}
    return f"  ({', '.join(sorted(times))})" if times else ""


def _record_lines(given: BoundInput, facts: SourceFacts) -> Iterator[str]:
    if given.slot.concept.origin is Origin.PATIENT:
        yield "the Patient record"
        return
    used = {resource.iri for resource in given.resources}
    mine = [fact for fact in facts.facts.get(given.slot.concept.id, ()) if fact.resource.iri in used]
    yield from (_describe_code(each) for each in count_codes(mine, given.slot.concept)[:MAX_NAMED_CODES])


def empty_slot_lines(concept: Concept, facts: SourceFacts) -> Iterator[str]:
    """Lines on an empty slot: records found under the concept's codes, or else the codes that were searched for."""
    found = count_codes(facts.facts.get(concept.id, ()), concept)
    yield from (f"found: {_describe_code(each)}" for each in found[:MAX_NAMED_CODES])
    if len(found) > MAX_NAMED_CODES:
        yield f"and {len(found) - MAX_NAMED_CODES} more codes or units"
    if found or not concept.accepted:
        return
    if concept.origin in EVENT_ORIGINS:
        yield f"no record under any of its {len(concept.accepted)} codes"
    else:
        codes = [f"{each.coding.system}|{each.coding.code}" for each in concept.accepted]
        rest = f" and {len(codes) - MAX_NAMED_CODES} more" if len(codes) > MAX_NAMED_CODES else ""
        yield f"no record under {', '.join(codes[:MAX_NAMED_CODES])}{rest}"


def _describe_code(each: CodeCount) -> str:
    text = f"{each.record_count} record{'' if each.record_count == 1 else 's'} as {each.code}"
    if each.unit is not None:
        text += f" in {each.unit}"
    if each.converted_count:
        text += ", converted"
    return text + "".join(f"; {count} refused, {reason}" for reason, count in each.refused_counts.items())


MAX_UNREAD = 30
"""Number of unread codes that are listed; the others are counted."""
UNREAD_TIMEOUT = 60.0
"""Seconds to retrieve all records of one type: there may be many."""
CODED_ORIGINS = EVENT_ORIGINS | {Origin.OBSERVATION}


def run(settings: Settings, source: str, patient: str, at: datetime | None) -> int:
    """Print, module by module, which slots a patient's records fill.

    Returns the exit status: 0 done, 1 some records could not be retrieved.  Raises MedtwinError if the question cannot
    be answered.
    """
    return asyncio.run(_check_source(settings, source, patient, at))


async def _check_source(settings: Settings, source: str, patient: str, at: datetime | None) -> int:
    catalog = configured_catalog(settings)
    async with await Engine.open(settings, catalog) as engine:
        question = Question(patient, answerable_concepts(catalog), at, source, token=caller_token())
        trace, facts = await engine.ask_with_facts(question)
        results = explain(trace)
        of, terminology = engine.source(source), engine.terminology
    async with open_connection(of) as connection:
        codes = await _unread_codes(connection.client, of, patient, catalog, terminology)
    print_text("\n".join(_head_lines(of, trace, results, facts)))
    print_text("\n".join(slot_report(trace, facts, results)))
    print_text("\n".join((*_unread_lines(codes), *_refused_target_lines(terminology.translation(of)))))
    # A type that the source does not offer is reported, and is no failure of the retrieval.
    failed = (each for failures in facts.failures.values() for each in failures)
    return int(any(each.reason is not AbsentReason.NOT_QUERIED for each in failed))


async def _unread_codes(
    client: Client, source: Source, patient: str, catalog: Catalog, terminology: Terminology
) -> tuple[UnmappedCode, ...]:
    """Codes that no concept reads, the most frequent first; a type that cannot be retrieved is left out."""
    found: list[UnmappedCode] = []
    for collector in sorted(catalog.collectors.values(), key=lambda each: each.id):
        concepts = [each for each in catalog.concepts.values() if collector.origin in each.origins]
        searched = not collector.on_request or collector.id in source.collectors
        if collector.origin not in CODED_ORIGINS or not concepts or not searched:
            continue
        try:
            async with asyncio.timeout(UNREAD_TIMEOUT):
                records = await fetch_all_of_type(
                    client, source, patient, collector.resource_type, collector.patient_parameter
                )
        except (CollectorError, TimeoutError):
            continue
        found += unmapped_codes(records, CodeIndex(terminology.local_concepts(concepts, source)))
    return tuple(sorted(found, key=lambda each: -each.record_count))


def _head_lines(source: Source, trace: Trace, results: tuple[AnswerResult, ...], facts: SourceFacts) -> Iterator[str]:
    at = time_words(trace.at, trace.circumstances.style)
    yield f"Source {source.id}, {source.base_url}, patient {trace.patient}, as of {at}"
    counts = Counter(result.status for result in results)
    yield "  " + ", ".join(f"{counts[status]} {status.value}" for status in Status if counts[status])
    for issue in facts.issues:
        if issue.severity is not Severity.INFORMATION:
            yield f"  ! {issue.text}"
    yield LEGEND
    yield ""


def _unread_lines(codes: tuple[UnmappedCode, ...]) -> Iterator[str]:
    yield ""
    if not codes:
        yield "Every code in this patient's records is read by a concept."
        return
    yield f"Codes that no concept reads: {len(codes)}.  A ConceptMap in the source's folder can map them."
    for each in codes[:MAX_UNREAD]:
        unit = f" in {each.unit}" if each.unit else ""
        name = f"  {each.display}" if each.display else ""
        code = f"{each.system or 'no system'}|{each.code or 'no code'}"
        yield f"  {each.record_count:>5}  {each.resource_type}  {code}{unit}{name}"
    if len(codes) > MAX_UNREAD:
        yield f"  and {len(codes) - MAX_UNREAD} more"


def _refused_target_lines(translation: Translation) -> Iterator[str]:
    """A line on targets of the source's ConceptMaps whose relationship does not give the meaning of a code."""
    if translation.refused_counts:
        counts = ", ".join(f"{count} {relation}" for relation, count in translation.refused_counts.items())
        yield f"Targets in the source's ConceptMaps that are not used: {counts}."


def answerable_concepts(catalog: Catalog) -> tuple[str, ...]:
    """Ids of the concepts that modules compute; those that do not compile are left out (``check`` names them)."""
    found = []
    for module in sorted(catalog.modules.values(), key=lambda each: each.id):
        try:
            compile_plan(catalog, (module.produces.id,))
        except CompileError:
            continue
        found.append(module.produces.id)
    return tuple(found)

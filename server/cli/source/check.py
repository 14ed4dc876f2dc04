"""``source check``: what of a patient's records fills which module, and what of them nobody reads."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from collectors.errors import CollectorError
from collectors.fetching.client import Client
from collectors.fetching.everything import everything
from collectors.reading.codes import CodeIndex
from collectors.reading.translation import Translation
from collectors.reading.unread import Unread, unread
from collectors.settings import Source
from collectors.sourcefacts import SourceFacts
from collectors.terminology.terminology import Terminology
from ontology.concepts import EVENTS, Origin
from ontology.evaluation import Severity
from ontology.values import AbsentReason
from server.catalog.configured import configured_catalog
from server.catalog.load import Catalog
from server.cli.source.connection import connected
from server.cli.source.filling import LEGEND, modules
from server.cli.token import caller_token
from server.compiler.compile import compile_plan
from server.errors import CompileError
from server.executor.engine import Engine
from server.executor.question import Question
from server.explain.explain import explain
from server.explain.results import AnswerResult, Status
from server.settings import Settings

MOST = 30
"""How many unread codes are listed; the others are counted."""
LONGEST = 60.0
"""Seconds that all records of one type may take: there may be many."""
CODED = EVENTS | {Origin.OBSERVATION}


def run(settings: Settings, source: str, patient: str, at: datetime | None) -> int:
    """Print, module by module, what a patient's records fill.  0: done; 1: a part of the source could not be had."""
    return asyncio.run(_check(settings, source, patient, at))


async def _check(settings: Settings, source: str, patient: str, at: datetime | None) -> int:
    catalog = configured_catalog(settings)
    async with await Engine.open(settings, catalog) as engine:
        question = Question(patient, askable(catalog), at, source, token=caller_token())
        trace, facts = await engine.look(question)
        results = explain(trace)
        of, terminology = engine.source(source), engine.terminology
    async with connected(of) as connection:
        codes = await _unread(connection.client, of, patient, catalog, terminology)
    print("\n".join(_told(of, trace.patient, trace.at, results, facts)))
    print("\n".join(modules(trace, facts, results)))
    print("\n".join((*_of_unread(codes), *_of_refused(terminology.translation(of)))))
    # What a source does not offer is told, and is no failure of asking it.
    failed = (each for failures in facts.failures.values() for each in failures)
    return int(any(each.reason is not AbsentReason.NOT_QUERIED for each in failed))


async def _unread(
    client: Client, source: Source, patient: str, catalog: Catalog, terminology: Terminology
) -> tuple[Unread, ...]:
    """Codes of the patient's records that no concept reads; a type that cannot be had was named before."""
    found: list[Unread] = []
    for collector in sorted(catalog.collectors.values(), key=lambda each: each.id):
        concepts = [each for each in catalog.concepts.values() if each.origin is collector.origin]
        asked = not collector.on_request or collector.id in source.collectors
        if collector.origin not in CODED or not concepts or not asked:
            continue
        try:
            async with asyncio.timeout(LONGEST):
                records = await everything(
                    client, source, patient, collector.resource_type, collector.patient_parameter
                )
        except (CollectorError, TimeoutError):
            continue
        found += unread(records, CodeIndex(terminology.local(concepts, source)))
    return tuple(sorted(found, key=lambda each: -each.records))


def _told(
    source: Source, patient: str, at: datetime, results: tuple[AnswerResult, ...], facts: SourceFacts
) -> Iterator[str]:
    yield f"Source {source.id}, {source.base_url}, patient {patient}, as of {at:%Y-%m-%d %H:%M %Z}"
    counts = Counter(result.status for result in results)
    yield "  " + ", ".join(f"{counts[status]} {status.value}" for status in Status if counts[status])
    for issue in facts.issues:
        if issue.severity is not Severity.INFORMATION:
            yield f"  ! {issue.text}"
    yield LEGEND
    yield ""


def _of_unread(codes: tuple[Unread, ...]) -> Iterator[str]:
    yield ""
    if not codes:
        yield "Every code of this patient's records is read by some concept."
        return
    yield f"Codes that no concept reads: {len(codes)}.  A ConceptMap in the source's folder can map them."
    for each in codes[:MOST]:
        unit = f" in {each.unit}" if each.unit else ""
        name = f"  {each.display}" if each.display else ""
        code = f"{each.system or 'no system'}|{each.code or 'no code'}"
        yield f"  {each.records:>5}  {each.resource_type}  {code}{unit}{name}"
    if len(codes) > MOST:
        yield f"  and {len(codes) - MOST} more"


def _of_refused(translation: Translation) -> Iterator[str]:
    """Targets in the source's maps that do not say what their code means."""
    if translation.refused:
        counts = ", ".join(f"{count} {relation}" for relation, count in translation.refused.items())
        yield f"Targets in the source's ConceptMaps by which nothing is read: {counts}."


def askable(catalog: Catalog) -> tuple[str, ...]:
    """What the modules compute, by id; one that does not compile is ``check``'s to name, and left out."""
    found = []
    for module in sorted(catalog.modules.values(), key=lambda each: each.id):
        try:
            compile_plan(catalog, (module.produces.id,))
        except CompileError:
            continue
        found.append(module.produces.id)
    return tuple(found)

"""The record page: one version of a FHIR resource in words, as JSON and as RDF, if it is one of the patient's."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec
from markupsafe import Markup

from collectors.auth.authorisations import NO_CALLER
from collectors.reading.record_content import RecordContent
from server.errors import QuestionError
from server.executor.record_question import RecordQuestion, record_at, records_of_trace
from server.explain.prov import serialize_record
from server.pages.argument import evaluation_moment
from server.pages.context import PageContext
from server.pages.record_words import Element, RecordWords
from server.pages.rendering import quoted

_MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class RecordPage:
    """What the page shows.  ``left_out``: how many elements more there are than are shown in words."""

    kind: str
    id: str
    version: str
    updated: Markup
    source: str
    elements: tuple[Element, ...]
    left_out: int
    body: str
    turtle: str


async def read_record(context: PageContext, address: str, concept: str | None) -> RecordPage:
    """The record at an address, under the rules of ``EhrRecord.resource``.

    ``concept``: an answer that rests on it, which tells who the patient is in another source.  Raises what
    ``Engine.record`` raises.
    """
    content = await context.engine.record(await _question(context, address, concept))
    turtle = await asyncio.to_thread(serialize_record, content.values, content.ref.server, "turtle")
    return record_view(content, turtle, context.time_text)


async def _question(context: PageContext, address: str, concept: str | None) -> RecordQuestion:
    engine, caller = context.engine, context.caller or NO_CALLER
    ref = record_at(address, engine.sources.values())
    if ref.source == context.source.id or concept is None:
        return RecordQuestion(ref, context.patient, context.source.id, caller=caller)
    earlier = (context.since,) if context.since is not None else ()
    trace = await engine.ask(context.question((concept,), evaluation_moment(context), earlier))
    found = records_of_trace(trace, caller).get(ref)
    if found is None:
        raise QuestionError("other-patient", "the record is not one that this answer rests on")
    return found


def record_view(content: RecordContent, turtle: str, moment: Callable[[datetime], str]) -> RecordPage:
    """What the page shows of a record; ``moment`` writes an instant."""
    ref, spoken = content.ref, RecordWords(content.values, moment)
    rows, updated = list(spoken.elements()), content.last_updated or ""
    return RecordPage(
        ref.type,
        ref.id,
        ref.version or "",
        spoken.time(updated) or quoted(updated) if updated else Markup(),
        ref.source,
        tuple(rows[:_MOST_ROWS]),
        max(0, len(rows) - _MOST_ROWS),
        # The digits stay as they were written.
        msgspec.json.format(content.body, indent=2).decode(),
        turtle,
    )

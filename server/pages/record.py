"""The record page: one version of a FHIR resource in words, as JSON and as RDF, if it is one of the patient's."""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from collectors.auth.authorisations import NO_CALLER
from collectors.reading.record_content import RecordContent
from ontology.words.lists import list_words
from server.errors import QuestionError
from server.executor.record_question import RecordQuestion, record_at, records_of_trace
from server.explain.prov import serialize_record
from server.pages.argument import evaluation_moment
from server.pages.context import PageContext

_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LEFT_OUT = frozenset({"resourceType", "id", "meta", "text", "contained"})
_MOST_ROWS, _DEEPEST = 200, 6


@dataclass(frozen=True, slots=True)
class Element:
    """One element in words."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class RecordPage:
    """What the page shows.  ``left_out``: how many elements more there are than are shown in words."""

    kind: str
    id: str
    version: str
    updated: str
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
    return record_view(content, turtle)


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


def record_view(content: RecordContent, turtle: str) -> RecordPage:
    """What the page shows of a record."""
    ref = content.ref
    rows = [Element(name, text) for name, text in _elements(content.values, "", 0) if text]
    return RecordPage(
        ref.type,
        ref.id,
        ref.version or "",
        content.last_updated or "",
        ref.source,
        tuple(rows[:_MOST_ROWS]),
        max(0, len(rows) - _MOST_ROWS),
        # The digits stay as they were written.
        msgspec.json.format(content.body, indent=2).decode(),
        turtle,
    )


def _elements(node: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, str]]:
    """The elements in the order of the record, each with its name and what it says."""
    for key, value in node.items():
        if depth == 0 and key in _LEFT_OUT:
            continue
        name = f"{prefix}{_CAPITAL.sub(' ', key).lower()}"
        many = value if isinstance(value, list) else [value]
        plain = [_words(each) for each in many]
        if all(text is not None for text in plain):
            yield name, list_words(text for text in plain if text)
            continue
        for each, text in zip(many, plain, strict=True):
            if text is not None:
                yield name, text
            elif isinstance(each, Mapping) and depth < _DEEPEST:
                yield from _elements(each, f"{name}, ", depth + 1)


def _words(value: Any) -> str | None:
    """A scalar, or one of FHIR's usual data types, in words; None of what has elements of its own."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int | float | Decimal):
        return str(value)
    if not isinstance(value, Mapping):
        return None
    keys = value.keys()
    if keys & {"coding", "text"} and keys <= {"coding", "text", "id", "extension"}:
        return _concept(value)
    if "code" in keys and "system" in keys and keys <= {"system", "version", "code", "display", "userSelected"}:
        return _coding(value)
    if "value" in keys and keys & {"unit", "code"} and keys <= {"value", "unit", "code", "system", "comparator"}:
        return f"{value.get('comparator', '')}{value['value']} {value.get('unit') or value.get('code', '')}".rstrip()
    if "reference" in keys and keys <= {"reference", "display", "type"}:
        shown = value.get("display")
        return f"{shown} ({value['reference']})" if shown else str(value["reference"])
    if keys and keys <= {"start", "end"}:
        return f"{value.get('start', 'not known')} to {value.get('end', 'not ended')}"
    return None


def _concept(value: Mapping[str, Any]) -> str:
    codings: Sequence[Any] = value.get("coding") or ()
    codes = [_coding(each) for each in codings if isinstance(each, Mapping)]
    text = value.get("text")
    return "; ".join([*([str(text)] if text else []), *codes])


def _coding(value: Mapping[str, Any]) -> str:
    name = str(value.get("display") or "")
    code = f"{value.get('code', '')} in {value.get('system', 'no system')}"
    return f"{name} ({code})" if name else code

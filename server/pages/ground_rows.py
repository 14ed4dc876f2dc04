"""What an answer rests on, each input with its record."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from markupsafe import Markup

from ontology.resources import RecordRef
from ontology.values import Absent, Series
from ontology.words.lists import begin_small
from ontology.words.time import age_words, calendar_words, moment_words, period_words
from server.explain.results import AnswerResult, GroundView, StepView
from server.explain.short_grounds import is_used
from server.explain.text import laboratory_fields
from server.pages.context import PageContext
from server.pages.marked import marked_ground

_MOST_LINKS = 40


@dataclass(frozen=True, slots=True)
class Link:
    """A link to the page of a record."""

    text: str
    address: str
    kind: str
    about: str
    version: str


@dataclass(frozen=True, slots=True)
class GroundRow:
    """One input: ``when`` and ``age`` of its record, ``notes`` of the laboratory, ``origin`` without a record."""

    name: str
    value: Markup
    when: str
    age: str
    status: str
    notes: tuple[str, ...]
    links: tuple[Link, ...]
    more: int
    origin: str
    only_applicability: bool


def ground_rows(result: AnswerResult, context: PageContext) -> list[GroundRow]:
    """The inputs from records, from the settings and from assumptions of all steps, each once.

    Those that decide whom the module is for come last.
    """
    found: dict[tuple[object, ...], GroundRow] = {}
    for ground, _ in leaves(result):
        if isinstance(ground.value, Absent) and ground.presumed is None:
            continue
        row = _row(ground, result, context)
        key = (row.name, row.value, row.when, tuple(each.address for each in row.links))
        known = found.get(key)
        if known is None or known.only_applicability:
            found[key] = row
    rows = [row for row in found.values() if not _is_part_of_another(row, found.values())]
    # What was measured comes first, what is set for the site last.
    return sorted(rows, key=lambda row: (row.only_applicability, bool(row.origin), not row.when))


def _is_part_of_another(row: GroundRow, others: Iterable[GroundRow]) -> bool:
    """Whether a longer series of the same input has all its records."""
    own = {each.address for each in row.links}
    return len(own) > 1 and any(
        each.name == row.name and own < {link.address for link in each.links} for each in others
    )


def leaves(result: AnswerResult) -> Iterator[tuple[GroundView, StepView | None]]:
    """The inputs from records, each with the step that takes it."""
    if result.leaf is not None:
        yield result.leaf, None
    # The goal's own inputs first.
    for step in reversed(result.chain):
        if step.as_of == result.at:
            yield from ((ground, step) for ground in step.grounds if not ground.steps)


def _row(ground: GroundView, result: AnswerResult, context: PageContext) -> GroundRow:
    style = result.circumstances.style
    when = age = ""
    if ground.time is not None:
        same = ground.time.start == ground.time.end
        when = moment_words(ground.time.end, result.at, style) if same else period_words(ground.time, style)
        age = f"{age_words(ground.time.end, result.at, style)} before" if ground.time.end < result.at else "goes on"
    fields = [f"{label} {text}" for label, text in laboratory_fields(ground) if text]
    status = ground.status or ""
    return GroundRow(
        ground.concept.display + (" over time" if isinstance(ground.value, Series) else ""),
        marked_ground(ground, style),
        when,
        age,
        status,
        tuple(each for each in fields if each != f"status {status}"),
        tuple(_links(ground, result, context)),
        max(0, len(ground.records) - _MOST_LINKS),
        _origin(ground),
        not is_used(ground),
    )


def _origin(ground: GroundView) -> str:
    if ground.records:
        return ""
    if ground.presumed is not None:
        return "Assumed: not on the list"
    if ground.by_site:
        return "Set for this site, not recorded"
    return "Assumed, not recorded" if ground.assumed else "No record says so"


def _links(ground: GroundView, result: AnswerResult, context: PageContext) -> Iterator[Link]:
    style = result.circumstances.style
    times: list[str] = []
    if isinstance(ground.value, Series) and len(ground.value.points) == len(ground.records):
        times = [calendar_words(when, style) for when, _ in ground.value.points]
    for place, ref in enumerate(ground.records[:_MOST_LINKS]):
        text = times[place] if times else ref.type
        yield Link(
            text, context.record(ref, result.concept.id), ref.type, begin_small(ground.concept.display), _version(ref)
        )


def _version(ref: RecordRef) -> str:
    version = f"version {ref.version}, " if ref.version is not None else ""
    return f"{version}{ref.source}"

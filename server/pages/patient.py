"""The patient page: the questions that a site asks first, each with claim, value and status."""

from dataclasses import dataclass
from datetime import datetime

from ontology.values import Absent
from ontology.words.lists import begin_small
from server.executor.engine import Engine
from server.explain.explain import explain
from server.explain.results import AnswerResult
from server.explain.short_grounds import records_words
from server.explain.short_text import with_calendar_days
from server.pages.argument import Head
from server.pages.argument_words import rule_inputs
from server.pages.context import PageContext
from server.pages.declared_bands import DeclaredBand, declared_band, order_words, place
from server.pages.doubts import doubts_of
from server.pages.missing_rows import unknown_inputs
from server.pages.not_retrieved import not_retrieved
from server.pages.rendering import initial, render
from server.pages.statuses import Shown, further_meaning, shown_status

_MOST_CAUTIONS = 2
_REST = "<!--rest-->"


@dataclass(frozen=True, slots=True)
class AnsweredQuestion:
    """One question of the page; ``declared``: the band that puts its answer before others."""

    display: str
    address: str
    declared: DeclaredBand | None
    shown: Shown
    meaning: list[str]
    rule_inputs: str
    unknown: list[str]
    cautions: str
    records: str


def site_questions(engine: Engine) -> tuple[str, ...]:
    """The ids of the concepts that the page asks: those of the settings, else all that modules compute."""
    if engine.settings.pages.questions:
        return engine.settings.pages.questions
    found = dict.fromkeys(module.produces.id for module in engine.catalog.modules.values())
    return tuple(found)[: engine.settings.server.max_concepts]


async def ask_questions(context: PageContext, at: datetime) -> tuple[AnswerResult, ...]:
    """The answers to the questions of the site.  Raises what ``Engine.ask`` raises."""
    return explain(await context.engine.ask(context.question(site_questions(context.engine), at)))


def first_part(results: tuple[AnswerResult, ...], head: Head, context: PageContext, when: str) -> tuple[str, str]:
    """The page up to what is filled in after, and what ends it."""
    catalog, configured = context.engine.catalog, bool(context.engine.settings.pages.questions)
    bands = {each.concept.id: declared_band(each, catalog.services.values()) for each in results}
    if not configured:
        results = tuple(sorted(results, key=lambda each: place(each, bands[each.concept.id])))
    whole = render(
        "patient.html",
        questions=[_question(each, bands[each.concept.id], context) for each in results],
        head=head,
        context=context,
        when=when,
        not_retrieved=not_retrieved(results),
        order=order_words(configured, any(bands.values())),
    )
    first, _, last = whole.partition(_REST)
    return first, last


def _question(result: AnswerResult, declared: DeclaredBand | None, context: PageContext) -> AnsweredQuestion:
    style = result.circumstances.style
    doubts = doubts_of(result)
    cautions = doubts.texts
    others = len(cautions) - _MOST_CAUTIONS
    shown = "; ".join(begin_small(each) for each in cautions[:_MOST_CAUTIONS])
    if isinstance(result.value, Absent):
        shown, others = "", 0
    return AnsweredQuestion(
        result.concept.display,
        context.answer(result.concept.id),
        declared,
        shown_status(result, doubts),
        [f"{initial(with_calendar_days(each))}." for each in further_meaning(result)],
        rule_inputs(result, style),
        unknown_inputs(result),
        (f"{initial(with_calendar_days(shown))}{f'; {others} more' if others > 0 else ''}." if shown else ""),
        with_calendar_days(records_words(result, style)),
    )

"""What must be read with a value, in words: notes, and the narrative.  Advice is no part of it."""

from collections.abc import Iterator
from html import escape

from server.explain.claims import WHAT_IF
from server.explain.comparisons import AttributionView
from server.explain.fhir.elements import Json, annotations
from server.explain.fhir.parts import Part
from server.explain.phrases import grounds_span, maturity, meaning, moved, standing, uncertainty
from server.explain.results import AnswerResult

NOT_STORED = "Not to be written into a record"


def notes(part: Part) -> list[Json]:
    """The claim first, then what limits it and what it rests on, then what to mind."""
    return annotations((*_head(part), *_body(part)))


def narrative(part: Part) -> Json:
    """The claim and what must be known before it is used, for those who show text only."""
    told = "".join(f"<p>{escape(text)}</p>" for text in dict.fromkeys(_head(part)))
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{told}</div>'}


def _head(part: Part) -> Iterator[str]:
    yield part.result.text
    if part.result.assumed:
        yield f"{NOT_STORED}: it rests on an assumption, and is {WHAT_IF}."
    immature = [tag for tag in part.tags if tag not in ("assumption", "do-not-store")]
    if immature:
        model = part.step.module.model if part.step is not None else None
        own = maturity(part.step.module) if part.step and model and model.maturity in immature else None
        yield f"{NOT_STORED}: {own or f'it rests on a {immature[0]} model, which is not for use in care'}."


def _body(part: Part) -> Iterator[str]:
    result = part.result
    yield from (f"{_begin(text)}." for text in (grounds_span(result), _interval(result)) if text)
    if (meant := meaning(result)) is not None:
        yield f"Means: {meant}."
    step = part.step
    if step is not None:
        if step.standing is not None:
            yield f"{_begin(standing(step.standing))}; calibration: {step.standing.calibration}."
        if step.contributions is not None and step.contributions.items:
            yield f"{_begin(moved(step.contributions))}."
    views = (each for each in result.attributions.values() if isinstance(each, AttributionView))
    yield from (f"Compared with {each.baseline}: {each.text}" for each in views)
    yield from part.left_out
    if part.goal:
        yield from (issue.text for issue in result.issues)
        yield f"Intended use: {result.intended_use}"
    elif step is not None:
        yield from (*step.rebuttals, *step.notes)


def _interval(result: AnswerResult) -> str | None:
    if result.interval is None:
        return None
    decimals = result.step.module.display_decimals if result.step is not None else None
    return f"uncertainty: {uncertainty(result.interval, decimals)}"


def _begin(text: str) -> str:
    return text[0].upper() + text[1:]

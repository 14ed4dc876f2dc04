"""Elements that our Observation and RiskAssessment share, notes and narrative included.  Advice is no part of them."""

from collections.abc import Iterator
from html import escape

from ontology.words.values import uncertainty_words
from server.explain.claims import WHAT_IF
from server.explain.comparisons import AttributionView
from server.explain.fhir.bundle_parts import Part
from server.explain.fhir.datatypes import MODULES, URIS, Json, annotations, concept_codeable, meta_tags
from server.explain.fhir.extensions import extensions
from server.explain.phrases import (
    describe_contributions,
    describe_ground_times,
    describe_maturity,
    describe_meaning,
    describe_standing,
    joined_texts,
)
from server.explain.results import AnswerResult

NOT_STORED = "Not to be written into a record"


def notes(part: Part) -> list[Json]:
    """The claim first, then its limits and what it rests on, then the issues."""
    return annotations((*_head_texts(part), *_body_texts(part)))


def narrative(part: Part) -> Json:
    """The claim and what restricts its use, for viewers that show text only."""
    paragraphs = "".join(f"<p>{escape(text)}</p>" for text in dict.fromkeys(_head_texts(part)))
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{paragraphs}</div>'}


def _head_texts(part: Part) -> Iterator[str]:
    yield part.result.text
    if part.result.presumed:
        yield f"{NOT_STORED}: the number holds only if the lists are complete; the limits hold in any case."
    elif part.result.assumed:
        yield f"{NOT_STORED}: it rests on an assumption, and is {WHAT_IF}."
    immature = [tag for tag in part.tags if tag not in ("assumption", "do-not-store")]
    if immature:
        model = part.step.module.model if part.step is not None else None
        own = describe_maturity(part.step.module) if part.step and model and model.maturity in immature else None
        yield f"{NOT_STORED}: {own or f'it rests on a {immature[0]} model, not for clinical use'}."


def _body_texts(part: Part) -> Iterator[str]:
    result = part.result
    yield from (f"{_capitalise(text)}." for text in (describe_ground_times(result), _describe_interval(result)) if text)
    if (meant := describe_meaning(result)) is not None:
        yield f"Means: {meant}."
    step = part.step
    if step is not None:
        if step.standing is not None:
            yield f"{_capitalise(describe_standing(step.standing))}; calibration: {step.standing.calibration}."
        if step.contributions is not None and step.contributions.items:
            yield f"{_capitalise(describe_contributions(step.contributions))}."
    views = (each for each in result.attributions.values() if isinstance(each, AttributionView))
    yield from (f"Compared with {each.baseline}: {each.text}" for each in views)
    yield from part.truncation_notes
    if part.is_goal:
        yield from joined_texts(result)
        yield f"Intended use: {result.intended_use}"
    elif step is not None:
        yield from (*step.rebuttals, *step.notes)


def _describe_interval(result: AnswerResult) -> str | None:
    if result.interval is None:
        return None
    decimals = result.step.module.display_decimals if result.step is not None else None
    return f"uncertainty: {uncertainty_words(result.interval, decimals)}"


def _capitalise(text: str) -> str:
    return text[0].upper() + text[1:]


def common_elements(part: Part) -> Json:
    """Type, tags, name, status, code, subject, method and notes.

    The identifier is the name in the Bundle: by it a receiver can see that it has the same answer already.
    """
    made: Json = {
        "resourceType": part.kind,
        "meta": meta_tags(part.tags),
        "text": narrative(part),
        "identifier": [{"system": URIS, "value": part.url}],
        "status": part.status,
        "code": concept_codeable(part.result.concept),
        "subject": {"reference": part.result.reference},
        "note": notes(part),
    }
    if found := extensions(part):
        made["extension"] = found
    if part.step is not None:
        module = part.step.module
        title = f"{module.title}, version {module.version}"
        named = {"system": MODULES, "version": module.version, "code": module.id}
        made["method"] = {"coding": [named], "text": title}
    return made

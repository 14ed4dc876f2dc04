"""What an argument page says beside the value: advice, method, settings, and why nothing is compared."""

from ontology.values import Absent
from ontology.words import Style
from ontology.words.lists import begin_small, list_words
from server.attribution.result import NOTHING_TO_COMPARE
from server.catalog.criteria import Advice
from server.catalog.descriptions import Kind
from server.explain.results import AnswerResult
from server.explain.short_grounds import ground_words, grounds_words
from server.explain.short_meaning import different_advice
from server.explain.short_text import with_calendar_days
from server.pages.rendering import initial


def advice_of(result: AnswerResult) -> list[Advice]:
    """The advice whose text says something of its own, with its source."""
    kept, found = different_advice(result), dict[str, Advice]()
    for each in result.recommendations:
        if each.text.rstrip(".") in kept:
            found.setdefault(each.text.rstrip("."), each)
    return list(found.values())


def why_not_moved(result: AnswerResult) -> str:
    """Why there is no attribution, where there is a value that could have one."""
    if isinstance(result.value, Absent):
        # That there is no value is said above.
        return ""
    texts = [each.text for each in result.issues if each.code == "not-attributed"]
    texts = [each for each in texts if result.step is None or not each.endswith(NOTHING_TO_COMPARE)]
    return texts[-1] if texts else ""


def inputs_words(result: AnswerResult, style: Style) -> str:
    """What a value rests on that has nothing to be compared with but what its own claim names."""
    if isinstance(result.value, Absent):
        return ""
    named = list_words(grounds_words(result, style))
    return f"{initial(with_calendar_days(named))}." if named else ""


def rule_inputs(result: AnswerResult, style: Style) -> str:
    """What a rule decided from: a category alone would not say by which number.  Empty of all but rules."""
    if result.step is None or result.step.module.kind is not Kind.RULE:
        return ""
    inputs = inputs_words(result, style)
    return f"From {begin_small(inputs)}" if inputs else ""


def method_words(result: AnswerResult, style: Style) -> str:
    """By what the value was computed, and what is set for this site rather than recorded; empty of a recorded one."""
    step = result.step
    if step is None or isinstance(result.value, Absent):
        return ""
    title = step.module.title
    by = "" if title.casefold() in result.concept.display.casefold() else f"Method: {title}."
    settings = [
        ground_words(each, style).removesuffix(" (site)").replace(": ", ", ") for each in step.grounds if each.by_site
    ]
    site = f"Set for this site: {list_words(settings)}." if settings else ""
    return " ".join(each for each in (by, site) if each)

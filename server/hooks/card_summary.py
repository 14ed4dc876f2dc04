"""The summary of a card: what it says, understood by itself, in one line."""

import re
from collections.abc import Iterator

from ontology.concepts import Origin
from ontology.values import Absent, Coding, Quantity
from ontology.words.lists import begin_small, list_words
from ontology.words.values import in_local_limits, interval_words
from server.catalog.criteria import OneOf
from server.explain.results import AnswerResult, GroundView
from server.explain.short_grounds import is_used
from server.hooks.advice import CardContent
from server.hooks.card_grounds import day_of, value_of
from server.hooks.card_words import cut, plain
from server.kinds.logic import leaves_of

_AS_OF = re.compile(r" \((?:as of|of) [^()]*\)")


def summary_of(content: CardContent) -> str:
    """The title and the claim; of an order, the title and what decided, where the title is of one band alone."""
    title = content.rule.title.rstrip(".") if content.rule.title else ""
    if title and content.rule.draft is not None and len(content.rule.bands) == 1:
        decided = ", ".join(_deciding(content.result))
        if decided and len(plain(f"{title}: {decided}")) == len(cut(f"{title}: {decided}")):
            return cut(f"{title}: {decided}")
    claim = undated(claim_of(content)).rstrip(".")
    complete = f"{title}: {claim}" if title else claim
    if len(plain(complete)) > len(cut(complete)):
        # The points of a score, and what is known to limit it, stand in a second sentence.
        claim = claim.split(". ", 1)[0]
        while len(plain(f"{title}: {claim}")) > len(cut(f"{title}: {claim}")) and "; " in claim:
            # What limits it stands in the claim of the detail; a part of it would say nothing.
            claim = claim.rpartition("; ")[0]
        complete = f"{title}: {claim}" if title else claim
    return cut(complete)


def undated(claim: str) -> str:
    """A claim without the time of its records."""
    return _AS_OF.sub("", claim)


def claim_of(content: CardContent) -> str:
    """The result in a sentence; of one that is known in part, which bands or limits it has."""
    result = content.result
    display = result.concept.display
    if result.leaf is not None:
        value = f" {result.value.display or result.value.code}" if isinstance(result.value, Coding) else " on record"
        return f"{display}:{value}."
    if not isinstance(result.value, Absent):
        return result.text
    if result.bounds is not None:
        limits = in_local_limits(result.bounds, result.concept, result.circumstances.style)
        decimals = result.decimals if limits is result.bounds else None
        return f"{display} is known in part: {interval_words(limits, decimals)}."
    names = list_words((each.display or each.code for each in content.rule.bands), "or")
    return f"{display} is known in part: {names}." if names else f"{display}: yes."


def _deciding(result: AnswerResult) -> Iterator[str]:
    """The states that hold and the numbers that were computed, the last with its date."""
    used = [each for each in result.step.grounds if is_used(each)] if result.step is not None else []
    states = [each for each in used if _is_state(each, result)]
    numbers = [each for each in used if isinstance(each.value, Quantity) and each.concept.origin is Origin.COMPUTED]
    told = [*states, *numbers]
    for place, each in enumerate(told):
        if isinstance(each.value, Coding):
            words = value_of(each, result)
        elif each.value is True:
            words = f"{begin_small(each.concept.display)} on record"
        else:
            words = f"{begin_small(each.concept.display)} {value_of(each, result)}"
        day = day_of(each, result) if place == len(told) - 1 else ""
        yield f"{words} ({day})" if day else words


def _is_state(ground: GroundView, result: AnswerResult) -> bool:
    """Whether it is on record, or computed and of a band of its own module: not that nothing was found."""
    if ground.step is None:
        return ground.value is True and ground.concept.origin is not Origin.DRAFT_ORDER
    if not isinstance(ground.value, Coding):
        return False
    leaves = (leaf for each in result.chain[ground.step].module.outcomes for leaf in leaves_of(each.match))
    return any(ground.value in leaf.codes for leaf in leaves if isinstance(leaf, OneOf))

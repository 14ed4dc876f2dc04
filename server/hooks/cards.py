"""Cards as CDS Hooks 2.0.1 has them.  No element is null or empty; the same facts give the same words.

All words are ours: labels of concepts, bands and modules.  What records and orders say in words never enters.
"""

import re
import uuid
from collections.abc import Callable
from typing import Any, TypeAlias

from collectors.reading.readout import FHIR_ID
from ontology.values import Coding
from ontology.words.lists import begin_small, list_words, truncated_list
from server.catalog.services import Indicator, Service
from server.explain.results import AnswerResult
from server.explain.short_meaning import different_advice
from server.hooks.advice import Advice, CardContent
from server.hooks.card_grounds import beside_lines, change_line, ground_lines, rests_on_events
from server.hooks.card_summary import claim_of, summary_of, undated
from server.hooks.card_words import bullets, cut, first_sentence, markdown, sentence

Json: TypeAlias = dict[str, Any]

OUR_LABEL = "medtwin"
AT_MOST_ONE = "at-most-one"
_DOI = re.compile(r"(?:https://doi\.org/|doi:)(10\.\d{4,9}/[^\s,;]+)")
_MOST_NAMED = 3
_ORDER, _UNNAMED = "MedicationRequest", "unnamed-draft"


LinkOf: TypeAlias = Callable[[CardContent], Json | None]
"""The link of a card to its argument; None where there is none."""


def cards_json(advice: Advice, service: Service, link_of: LinkOf = lambda _: None) -> list[Json]:
    """All cards of an advice that has no needed search open.

    What is missing comes last: one info card, where the service reports it or a module failed.
    """
    found = [card_json(each, service, link_of(each)) for each in advice.cards]
    return [*found, info_card(advice, service)] if advice.missing or advice.failed else found


def card_json(content: CardContent, service: Service, link: Json | None = None) -> Json:
    """One card, under a uuid of its own."""
    card: Json = {
        "uuid": str(uuid.uuid4()),
        "summary": summary_of(content),
        "detail": _detail(content),
        "indicator": content.rule.indicator.value,
        "source": _source(content.result),
    }
    if suggestion := _suggestion(content):
        card |= {"suggestions": [suggestion], "selectionBehavior": AT_MOST_ONE}
    if reasons := [_coding(each) for each in service.override_reasons if each.display]:
        card["overrideReasons"] = reasons
    if link is not None:
        card["links"] = [link]
    return card


def info_card(advice: Advice, service: Service) -> Json:
    """The one card that says what the record lacks, and what could not be computed."""
    title = _capital(truncated_list(advice.unassessed, _MOST_NAMED)) if advice.unassessed else service.title.rstrip(".")
    lacking = list_words(advice.missing) if advice.missing else f"{list_words(advice.failed)} could not be computed"
    parts = []
    if advice.unassessed:
        parts.append(_labelled("Not assessed", list_words(advice.unassessed)))
    if advice.missing:
        parts += [markdown("The record lacks what this advice needs:"), bullets(map(_capital, advice.missing))]
    if advice.failed:
        parts += [markdown("Could not be computed, so that nothing is advised on it:"), bullets(advice.failed)]
    return {
        "uuid": str(uuid.uuid4()),
        "summary": cut(f"{title}: not assessed, {lacking}"),
        "detail": "\n\n".join(parts),
        "indicator": Indicator.INFO.value,
        "source": {"label": OUR_LABEL},
    }


def _detail(content: CardContent) -> str:
    """The claim, the order, the grounds, the cautions, the advice of the source, the source, and the intended use."""
    result = content.result
    # When a diagnosis began is no time of what is advised now; it stands among the grounds.
    claim = undated(claim_of(content)) if rests_on_events(result) else claim_of(content)
    parts = [markdown(claim)]
    if content.is_probable and content.ordered is not None:
        order = begin_small(content.ordered.display)
        parts.append(markdown(f"The draft is probably this: {order}. Its code could not be read."))
    shown_beside = frozenset(each.concept.id for each in content.also)
    beside = (line for each in content.also for line in beside_lines(each))
    # Two scores of the same inputs name each of them once.
    lines = list(dict.fromkeys([*ground_lines(result, shown_beside), *beside]))
    if content.earlier is not None:
        lines.append(change_line(result, content.earlier))
    if lines:
        parts += ["**Grounds**", bullets(lines)]
    if content.lacking:
        parts.append(_labelled("Missing", list_words(content.lacking)))
    if content.unchecked:
        parts.append(_labelled("Not checked", f"{list_words(content.unchecked)}, since the search failed"))
    if content.cautions:
        parts.append(_labelled("Caution", "; ".join(content.cautions)))
    parts += [_labelled("Advice", each) for each in _advice(result)]
    parts.append(_labelled("Source", _source(result)["label"]))
    parts.append(_labelled("Use", first_sentence(result.intended_use)))
    return "\n\n".join(parts)


def _labelled(label: str, text: str) -> str:
    return f"**{label}:** {markdown(sentence(text))}"


def _advice(result: AnswerResult) -> list[str]:
    kept = different_advice(result)
    found: dict[str, str] = {}
    for each in result.recommendations:
        if (text := each.text.rstrip(".")) in kept:
            strength = f", {each.strength}" if each.strength and each.strength not in each.citation else ""
            found.setdefault(text, f"{text} ({_citation_label(each.citation, '')}{strength})")
    return list(found.values())


def _source(result: AnswerResult) -> Json:
    """Whose guidance it is: the citation of the band, else of the module."""
    module = result.step.module if result.step is not None else None
    cited = result.interpretation.citation if result.interpretation is not None else None
    cited = cited or next(iter(module.citations), None) if module is not None else None
    if module is None or cited is None:
        return {"label": OUR_LABEL}
    source: Json = {"label": cut(_citation_label(cited, module.title))}
    if found := _DOI.search(cited):
        source["url"] = f"https://doi.org/{found[1].rstrip('.)')}"
    topic = next((each for each in result.concept.codes if each.system and each.code), None)
    if topic is not None:
        source["topic"] = {"system": topic.system, "code": topic.code, "display": result.concept.display}
    return source


def _citation_label(citation: str, title: str) -> str:
    """The citation without its address; where it is nothing but that, the title of the module before it."""
    named = _DOI.sub("", citation).strip(" ,;:()")
    found = _DOI.search(citation)
    if named or found is None:
        return named or citation
    return f"{title}, doi:{found[1]}" if title else f"doi:{found[1]}"


def _suggestion(content: CardContent) -> Json | None:
    """To delete the draft orders that the card is about; none of an order of which only the words say what it is."""
    drafts = [each for each in content.drafts if _is_reference(each)]
    if not content.rule.suggests_removal or not drafts or content.ordered is None or content.is_probable:
        return None
    name = begin_small(content.ordered.display)
    text = f"Remove: {name}" if len(drafts) == 1 else f"Remove {len(drafts)} orders: {name}"
    actions = [{"type": "delete", "description": text, "resourceId": each} for each in drafts]
    return {"label": text, "uuid": str(uuid.uuid4()), "actions": actions}


def _is_reference(text: str) -> bool:
    """Whether the client knows the order by it: one that came without an id has a name of ours."""
    kind, _, id_ = text.partition("/")
    return kind == _ORDER and FHIR_ID.fullmatch(id_) is not None and not id_.startswith(_UNNAMED)


def _coding(coding: Coding) -> Json:
    return {"system": coding.system, "code": coding.code, "display": coding.display}


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}" if text.split(" ", 1)[0].islower() else text

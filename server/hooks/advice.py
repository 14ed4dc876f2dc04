"""What a service says of one patient: the cards, what the record lacks, or which searches could not be answered."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from collectors.supplied_records import search_templates
from ontology.concepts import Concept
from ontology.errors import MedtwinError
from ontology.values import Absent, AbsentReason, Coding
from ontology.words.lists import begin_small, list_words, truncated_list
from server.catalog.catalog import Catalog
from server.catalog.services import CardRule, Indicator, Service
from server.executor.trace import Trace
from server.explain.explain import explain, reports_death
from server.explain.failed_searches import FailedInput
from server.explain.results import AnswerResult
from server.hooks.card_cautions import card_cautions
from server.hooks.grounds import band_of, grounds_key
from server.hooks.judgement import Answers, Judged, Ordered, Verdict

_URGENCY = {each: place for place, each in enumerate(Indicator)}
_WHY = {
    AbsentReason.UNREACHABLE: "could not be retrieved",
    AbsentReason.NOT_PERMITTED: "may not be read with the access that was given",
    AbsentReason.NOT_QUERIED: "were neither supplied nor fetched",
}
_MOST_DRAFTS = 3
_PATIENT = "patient"
"""The key under which the patient's own record is prefetched."""


class AdviceFailedError(MedtwinError):
    """A module that a service needs failed, and no card is left: never the same as "nothing to say"."""

    status = 500
    code = "exception"


@dataclass(frozen=True, slots=True)
class CardContent:
    """What one card is made of.

    rule: by which it appears.  result: the judged answer.  band: the band or coded value that it met, as described;
    None of a FLAG, and where several of the rule's bands are possible.
    drafts: FHIR references of the draft orders that it is about ("MedicationRequest/1").
    also: answers for ``rule.also`` that are on record.  earlier: the answer of ``service.compared_with`` before.
    grounds_key: canonical bytes of service, band and the consumed values and records; by its keyed hash an override
    is recognised.  Changed grounds have another key.
    ordered: the concept that the drafts order; None where the rule asks for none.  is_probable: by their words alone,
    since their codes could not be read.  cautions: in short, in fixed words.  unchecked: labels of ``rule.also`` that
    could not be searched.  lacking: what leaves open which of the rule's bands it is.
    """

    rule: CardRule
    result: AnswerResult
    band: Coding | None
    drafts: tuple[str, ...]
    also: tuple[AnswerResult, ...]
    earlier: AnswerResult | None
    grounds_key: bytes
    ordered: Concept | None = None
    is_probable: bool = False
    cautions: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Advice:
    """Exactly one of three answers.

    unobtained: the searches that are needed and were neither supplied nor fetched, in words by prefetch key; then
    nothing else counts (412).
    missing: inputs that the record lacks and that could change the advice, in our concepts' labels; for the one info
    card of a service that reports them.
    failed: labels of what could not be computed; the info card says so, whatever else the service reports.
    unassessed: labels of the orders that nothing could be said of, since that is missing.
    cards: most important first; perhaps none.
    """

    cards: tuple[CardContent, ...] = ()
    missing: tuple[str, ...] = ()
    unobtained: tuple[tuple[str, str], ...] = ()
    failed: tuple[str, ...] = ()
    unassessed: tuple[str, ...] = ()


def advise(service: Service, trace: Trace, catalog: Catalog) -> Advice:
    """The advice of a service on the patient of a trace, which asked for the service's concepts.

    Of one who has died by their own record there is none.

    Raises AdviceFailedError where a module failed and no other rule gives a card.
    """
    answers = Answers(trace)
    judged = [each for each in _judge_all(service, answers) if _is_in_play(service, each)]
    needed = [failed for each in judged for failed in each.needed]
    unobtained = _unobtained(answers, needed)
    if judged and _PATIENT not in dict(unobtained) and "Patient" in answers.failed.failed_types:
        # Nobody knows then whether the patient is alive.
        unobtained = (*unobtained, (_PATIENT, f"The patient's own record {_WHY[AbsentReason.UNREACHABLE]}."))
    if unobtained:
        return Advice(unobtained=unobtained)
    if reports_death(trace.issues):
        # Answers recommend nothing then, and a card is no less a recommendation.
        return Advice()
    failed = _labels(each.result.concept for each in judged if each.verdict is Verdict.FAILED)
    before = _earlier_results(service, trace)
    cards = tuple(
        _content(service, each, answers, before, catalog)
        for each in sorted(judged, key=lambda each: _URGENCY[each.rule.indicator])
        if each.verdict is Verdict.CARD and each.ordered is not Ordered.UNREADABLE
    )
    if failed and not cards:
        raise AdviceFailedError(f"could not be computed: {list_words(failed)}")
    missing = _missing(judged) if service.reports_missing else ()
    open_orders = [each.draft.concept for each in judged if each.draft is not None and _lacks_input(each)]
    return Advice(cards, missing, failed=failed, unassessed=_labels(open_orders) if missing else ())


def _judge_all(service: Service, answers: Answers) -> Iterator[Judged]:
    """Each rule, judged; several that are open as one, where it is certain that one of them gives a card."""
    judged = [answers.judge(each) for each in service.rules if answers.is_ordered(each)]
    opened = [each for each in judged if each.verdict is Verdict.OPEN and each.rule.bands]
    joined: dict[tuple[str, str | None], Judged] = {}
    for first in opened:
        key = (first.rule.concept, first.rule.draft)
        alike = [each.rule for each in opened if (each.rule.concept, each.rule.draft) == key]
        if key in joined or len(alike) < 2:
            continue
        # No more urgent than the least of them, and without what belongs to one alone.
        mildest = max(alike, key=lambda each: _URGENCY[each.indicator])
        bands = tuple(band for each in alike for band in each.bands)
        found = answers.judge(replace(mildest, bands=bands, title=None, suggests_removal=False))
        if found.verdict is Verdict.CARD:
            joined[key] = replace(found, missing=first.missing)
    yield from joined.values()
    yield from (each for each in judged if (each.rule.concept, each.rule.draft) not in joined)


def _lacks_input(judged: Judged) -> bool:
    return judged.verdict is Verdict.OPEN and judged.ordered is not Ordered.UNREADABLE


def _is_in_play(service: Service, judged: Judged) -> bool:
    """Whether the rule matters: an order of which nobody can say what it is matters where that would be reported."""
    if judged.verdict is Verdict.SILENT:
        return False
    return judged.ordered is not Ordered.UNREADABLE or service.reports_missing


def _missing(judged: Iterable[Judged]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    unread: list[Concept] = []
    for each in judged:
        if each.ordered is Ordered.UNREADABLE and each.draft is not None:
            unread.append(each.draft.concept)
        elif each.verdict is Verdict.OPEN:
            found.update(dict.fromkeys(each.missing))
    if unread:
        perhaps = truncated_list(_labels(unread), _MOST_DRAFTS)
        found[f"a draft order could not be read; perhaps {perhaps}"] = None
    return tuple(found)


def _unobtained(answers: Answers, needed: Iterable[FailedInput]) -> tuple[tuple[str, str], ...]:
    """Each search that is needed and failed, by its key, with the concepts that it was for."""
    labels: dict[str, list[Concept]] = {}
    begins: dict[str, str] = {}
    for each in needed:
        searches = answers.failed.searches_for(each)
        for search in searches:
            key = _PATIENT if _PATIENT in search_templates(search) else search.description.id
            begins.setdefault(key, f"{search.description.resource_type} records {_WHY[each.reason]}")
            labels.setdefault(key, []).extend(found for found in search.concepts if found.id in each.concepts)
        if not searches:
            key = each.slot.concept.id
            begins.setdefault(key, f"Records {_WHY[each.reason]}")
            labels.setdefault(key, []).append(each.slot.concept)
    named = {key: list_words(_labels(concepts)) for key, concepts in labels.items()}
    return tuple((key, f"{begins[key]}. They are needed for {named[key]}.") for key in sorted(begins))


def _earlier_results(service: Service, trace: Trace) -> Mapping[str, AnswerResult]:
    """The answers of ``compared_with`` before, by concept id; none where the question did not ask for them."""
    if service.compared_with is None:
        return {}
    times = [time for time in trace.earlier_traces if time <= trace.at - service.compared_with]
    if not times:
        return {}
    return {each.concept.id: each for each in explain(trace.earlier_traces[max(times)])}


def _content(
    service: Service, judged: Judged, answers: Answers, before: Mapping[str, AnswerResult], catalog: Catalog
) -> CardContent:
    rule = judged.rule
    also = tuple(answers.result(each) for each in rule.also if _is_on_record(answers.result(each)))
    on_record = {each.concept.id for each in also}
    unchecked = [each for each in rule.also if each not in on_record and answers.failed_below(each)]
    return CardContent(
        rule=rule,
        result=judged.result,
        band=band_of(judged),
        drafts=_draft_references(judged.draft),
        also=also,
        earlier=before.get(rule.concept),
        grounds_key=grounds_key(service, judged, also, answers.dependencies),
        ordered=judged.draft.concept if judged.draft is not None else None,
        is_probable=judged.ordered is Ordered.PROBABLY,
        cautions=card_cautions(judged.result, answers.dependencies),
        unchecked=_labels(catalog.concepts[each] for each in unchecked),
        lacking=judged.missing,
    )


def _is_on_record(result: AnswerResult) -> bool:
    return result.value is not False and not isinstance(result.value, Absent)


def _draft_references(draft: AnswerResult | None) -> tuple[str, ...]:
    records = draft.records if draft is not None else ()
    return tuple(dict.fromkeys(f"{each.type}/{each.id}" for each in records))


def _labels(concepts: Iterable[Concept]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(begin_small(each.display) for each in concepts))

"""What a service says: cards, what the record lacks, or which searches could not be had; never one for another."""

from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest

from ontology.evaluation import Issue, Severity
from ontology.values import Absent, AbsentReason
from server.catalog.services import CardRule, Indicator, Service
from server.executor.trace import Execution, Trace
from server.hooks.advice import Advice, AdviceFailedError, advise
from server.hooks.cards import cards_json
from tests.support.charts import condition, creatinine, patient
from tests.support.engine_questions import Record, shipped
from tests.support.hook_advice import LOW, METFORMIN, advised, medication, prefetched, rule, service, traced
from tests.support.synthetic_answers import synthetic_charts

TODAY = "2026-06-16T08:00:00Z"
REDUCED = [patient(), creatinine(2.3, TODAY), medication()]
NORMAL = [patient(), creatinine(0.7, TODAY), medication()]
REPORTING = service(METFORMIN, reports_missing=True)
DETERIORATION = service(
    rule("news2", "news2-high", indicator=Indicator.CRITICAL),
    rule("news2", "news2-medium"),
    reports_missing=True,
    compared_with=timedelta(days=1),
)
STROKE = service(rule("cha2ds2-vasc", "cha2ds2-vasc-high", "cha2ds2-vasc-intermediate"), reports_missing=True)
REFERRAL = service(rule("kidney-failure-risk-5y", "kfre-5y-over-5", "kfre-5y-3-to-5"), reports_missing=True)
INJURY = service(rule("aki-stage", "aki-severe", "aki-moderate", "aki-mild"), reports_missing=True)
SERVICES = {"deterioration": DETERIORATION, "stroke": STROKE, "referral": REFERRAL, "injury": INJURY, "low": REPORTING}


def words(advice: Advice, of: Service) -> object:
    """All that an advice says, but for the ids of this sending."""
    if advice.unobtained:
        return advice.unobtained
    return [(each["summary"], each["detail"], each["indicator"]) for each in cards_json(advice, of)]


def keys(advice: Advice) -> set[str]:
    return {key for key, _ in advice.unobtained}


def test_a_card_where_the_result_is_in_a_band_of_the_rule_and_its_drug_is_ordered() -> None:
    """CDS-74, HOOK-90, HOOK-92"""
    advice = advised(REPORTING, REDUCED)
    (card,) = advice.cards
    assert (card.rule, card.drafts, card.is_probable) == (METFORMIN, ("MedicationRequest/m1",), False)
    assert card.band is not None and card.band.code == "G4"
    assert (advice.missing, advice.unobtained, advice.failed) == ((), (), ())


@pytest.mark.parametrize(
    ("records", "why"),
    [
        (NORMAL, "the GFR is normal"),
        (REDUCED[:2], "nothing is ordered"),
        ([patient(), medication()][:1], "nothing is ordered, and nothing is known"),
        ([patient("2018-01-01"), *REDUCED[1:]], "it is not made for children"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_nothing_to_say(records: list[Record], why: str) -> None:
    """CDS-77"""
    assert advised(REPORTING, records) == Advice(), why


@pytest.mark.parametrize("died", [{"deceasedBoolean": True}, {"deceasedDateTime": "2026-06-20"}])
def test_of_the_dead_nothing_is_advised_and_nothing_is_missing(died: dict[str, Any]) -> None:
    for records in (REDUCED, [REDUCED[0], REDUCED[2]]):
        assert advised(REPORTING, records) != Advice()
        assert advised(REPORTING, [patient(**died), *records[1:]]) == Advice()
    alive = [patient(deceasedBoolean=False), *REDUCED[1:]]
    assert advised(REPORTING, alive).cards


def test_what_the_record_lacks_is_said_in_the_labels_of_concepts_with_the_window() -> None:
    lacking = [patient(), medication()]
    told = Advice(missing=("no serum creatinine in the last 90 days",), unassessed=("metformin",))
    assert advised(REPORTING, lacking) == told
    assert advised(replace(REPORTING, reports_missing=False), lacking) == Advice()


def test_what_could_change_no_card_is_not_missing() -> None:
    """A NEWS2 of which the breathing rate alone is unknown is high already, or can be no more than medium."""
    lacking = advised(DETERIORATION, synthetic_charts()["af-stroke"], patient="af-stroke")
    assert lacking.missing == ("no vital signs in the last 24 hours",)
    refused = advised(DETERIORATION, synthetic_charts()["child-fever"], patient="child-fever")
    assert refused == Advice()


def test_a_score_that_is_known_in_part_gives_a_card_only_where_all_that_it_can_be_does() -> None:
    high, open_ = (
        service(rule("cha2ds2-vasc", *bands), reports_missing=True)
        for bands in (("cha2ds2-vasc-high",), ("cha2ds2-vasc-intermediate",))
    )
    woman = [patient("1970-01-01"), condition("49436004")]
    ill = [patient("1940-01-01"), condition("49436004")]
    assert len(advised(high, ill).cards) == 1, "3 points whatever else there is"
    assert advised(open_, ill) == Advice(), "and never intermediate"
    partial = advised(high, woman)
    assert partial.cards == () and partial.missing, "1 point, or up to 7"


@pytest.mark.parametrize("missing", ["observation", "condition", "patient", "procedure"])
def test_a_needed_search_that_failed_is_named_by_its_key_and_nothing_else_counts(missing: str) -> None:
    """HOOK-88"""
    advice = advised(REPORTING, REDUCED, {missing})
    assert keys(advice) <= {missing}
    if missing != "procedure":
        ((key, text),) = advice.unobtained
        assert key == missing and "neither supplied nor fetched" in text and "They are needed for" in text
        assert advice.cards == () and advice.missing == ()


def test_whether_the_patient_is_alive_is_always_needed() -> None:
    """A diagnosis needs no date of birth; but of a patient whose record failed nobody knows that it is not over."""
    of = service(CardRule("diabetes", (), Indicator.INFO))
    ill = [patient(), condition("44054006")]
    assert len(advised(of, ill).cards) == 1
    advice = advised(of, ill, {"patient"})
    assert advice.unobtained == (("patient", "The patient's own record could not be retrieved."),)
    assert advice.cards == ()


def test_nothing_is_needed_for_a_drug_that_is_not_ordered() -> None:
    assert advised(REPORTING, REDUCED[:2], {"observation", "condition", "procedure"}) == Advice()


def test_nothing_is_needed_where_what_was_read_refuses_the_module() -> None:
    child = [patient("2018-01-01"), *REDUCED[1:]]
    assert advised(REPORTING, child, {"condition", "procedure"}) == Advice()


def _omissions(name: str, of: Service) -> list[set[str]]:
    sent = sorted(prefetched(synthetic_charts()[name], of.concepts))
    return [{*each} for size in (1, 2) for each in combinations(sent, size)]


@pytest.mark.parametrize("name", sorted(synthetic_charts()))
@pytest.mark.parametrize("of", SERVICES.values(), ids=SERVICES)
def test_where_nothing_is_needed_what_failed_would_have_changed_nothing(of: Service, name: str) -> None:
    """Every search left out, and every two: either it is named, or the advice is word for word that with it."""
    chart = [*synthetic_charts()[name], {**medication(id="of-test"), "subject": {"reference": f"Patient/{name}"}}]
    complete = advised(of, chart, (), name)
    assert complete.unobtained == ()
    for left_out in _omissions(name, of):
        advice = advised(of, chart, left_out, name)
        assert keys(advice) <= left_out
        if not advice.unobtained:
            assert words(advice, of) == words(complete, of), left_out


def test_a_drug_that_only_the_words_of_an_order_name_warns_and_says_so() -> None:
    words_alone = [*REDUCED[:2], medication("Metformin 500 mg twice a day", None)]
    advice = advised(REPORTING, words_alone)
    (card,) = advice.cards
    assert card.is_probable and card.drafts == ("MedicationRequest/m1",)
    assert advised(REPORTING, [*NORMAL[:2], medication("Metformin 500 mg", None)]) == Advice()


UNDECODED = {**medication(), "status": 7, "id": "m7"}


def test_an_order_that_nobody_can_read_is_missing_where_the_drug_would_have_a_card() -> None:
    advice = advised(REPORTING, [*REDUCED[:2], UNDECODED])
    assert advice == Advice(missing=("a draft order could not be read; perhaps metformin",))
    assert advised(REPORTING, [*NORMAL[:2], UNDECODED]) == Advice()
    assert advised(service(METFORMIN), [*REDUCED[:2], UNDECODED]) == Advice()


@pytest.mark.parametrize("order", [medication("Amoxicillin 500 mg", None), medication(None, "J01CA04")])
def test_an_order_that_neither_code_nor_words_name_is_of_another_drug(order: Record) -> None:
    assert advised(REPORTING, [*REDUCED[:2], order]) == Advice()


def test_the_most_urgent_card_comes_first_and_then_the_order_of_the_rules() -> None:
    rules = [rule("gfr-category", *LOW, title=str(at), indicator=each) for at, each in enumerate(reversed(Indicator))]
    made = service(*rules, rule("gfr-category", *LOW, title="last", indicator=Indicator.WARNING))
    assert [each.rule.title for each in advised(made, REDUCED).cards] == ["2", "1", "last", "0"]


def test_what_is_shown_beside_needs_no_search_and_says_where_it_was_not_searched() -> None:
    beside = service(CardRule("gfr-category", METFORMIN.bands, Indicator.INFO, also=("metformin", "statin")))
    (card,) = advised(beside, REDUCED).cards
    assert [each.concept.id for each in card.also] == ["metformin"] and card.unchecked == ()
    (card,) = advised(beside, REDUCED, {"medication-statement", "medication-request"}).cards
    assert card.also == () and card.unchecked == ("metformin", "statin")


def test_a_result_is_compared_with_that_of_a_time_before() -> None:
    (card,) = advised(DETERIORATION, synthetic_charts()["liver-day-3"], patient="liver-day-3").cards
    assert card.earlier is not None and card.earlier.value != card.result.value
    assert card.earlier.at == card.result.at - timedelta(days=1)


def _failing(trace: Trace, concept: str) -> Trace:
    """The trace, had the module of a concept raised."""
    failed = Absent(AbsentReason.FAILED)
    issue = Issue(Severity.ERROR, "failed", "The module failed.")
    executions = tuple(
        replace(each, evaluation=replace(each.evaluation, value=failed, bounds=None, issues=(issue,)))
        if each.description.produces.id == concept
        else each
        for each in trace.executions
    )
    return replace(trace, executions=executions)


def test_a_module_that_failed_is_never_nothing_to_say() -> None:
    """CDS-76"""
    failing = _failing(traced(REPORTING, REDUCED), "gfr-category")
    with pytest.raises(AdviceFailedError, match="could not be computed: GFR category") as raised:
        advise(REPORTING, failing, shipped())
    assert (raised.value.status, raised.value.code) == (500, "exception")
    below = _failing(traced(REPORTING, REDUCED), "egfr")
    with pytest.raises(AdviceFailedError):
        advise(REPORTING, replace(below, executions=_without_value(below)), shipped())


def _without_value(trace: Trace) -> tuple[Execution, ...]:
    lacking = Absent(AbsentReason.INPUT_ABSENT)
    return tuple(
        replace(each, evaluation=replace(each.evaluation, value=lacking))
        if each.description.produces.id == "gfr-category"
        else each
        for each in trace.executions
    )


def test_a_module_that_failed_is_said_beside_the_cards_of_other_rules() -> None:
    both = service(rule("egfr", "gfr-severely-decreased"), METFORMIN)
    advice = advise(both, _failing(traced(both, REDUCED), "gfr-category"), shipped())
    assert [each.rule.concept for each in advice.cards] == ["egfr"]
    assert (advice.failed, advice.missing) == (("GFR category",), ())
    *_, info = cards_json(advice, both)
    assert info["indicator"] == "info" and "GFR category could not be computed" in info["summary"]


def test_a_failed_module_of_a_drug_that_is_not_ordered_is_no_matter() -> None:
    failing = _failing(traced(REPORTING, REDUCED[:2]), "gfr-category")
    assert advise(REPORTING, failing, shipped()) == Advice()

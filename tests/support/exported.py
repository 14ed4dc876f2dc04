"""Exported arguments for tests: results told by hand, and what a reader must get back of them."""

from dataclasses import replace
from datetime import timedelta

from ontology.evaluation import Issue, Severity, SlotInput
from server.executor.trace import Circumstances
from server.explain.comparisons import AttributionView, Baseline, Comparison, GroupView, ItemView
from server.explain.explain import explain
from server.explain.prov.exported import ExportedInput
from server.explain.results import AnswerResult, GroundView
from tests.support import traces as t

NAMES = tuple(sorted(t.EVERY_TRACE))
KEY = b"k" * 32
SEALED = replace(t.UNDER, seal_key=KEY)


def result_of(name: str, under: Circumstances = t.UNDER) -> AnswerResult:
    """A result told by hand, of each status."""
    return replace(explain(t.EVERY_TRACE[name](), t.interpret)[0], circumstances=under)


def said_of(ground: GroundView) -> ExportedInput:
    """What a reader gets of one filled slot."""
    return ExportedInput(
        concept=ground.concept.iri,
        consumed=SlotInput(ground.value, ground.bounds),
        steps=tuple(sorted(ground.steps)),
        records=tuple(sorted(f"{r.url}/_history/{r.version}" if r.version else r.url for r in ground.records)),
        assumed=ground.assumed,
    )


def with_comparisons(result: AnswerResult) -> AnswerResult:
    """The result with an attribution against usual values, one against an earlier time, and one refused."""
    ground = result.chain[0].grounds[0]
    items = tuple(
        ItemView(
            concept=concept,
            slot=slot,
            before=ground.value,
            after=ground.value,
            amount=amount,
            error=None,
            effective_before=None,
            effective=ground.effective,
            records_before=(),
            records=ground.records,
            assumed=False,
            alone=False,
            needed=False,
        )
        for concept, slot, amount in ((t.CREATININE, "creatinine", 0.1 + 0.2), (t.UACR, None, -1e-7))
    )
    told = AttributionView(
        scale="LOG_ODDS",
        baseline="usual values, where the inputs have one",
        base=-3.3,
        output=-3.0,
        base_value=t.GFR,
        output_value=result.value,
        residual=1e-17,
        items=items,
        stayed=(),
        flipped=("eGFR is below 60",),
        text="It moved.",
        groups=(GroupView("kidney", items, 0.3),),
    )
    since = t.AT - timedelta(days=30)
    refused = Issue(Severity.INFORMATION, "not-attributed", "Nothing was assumed.")
    return replace(
        result,
        attributions={
            Comparison(Baseline.REFERENCE): told,
            Comparison(Baseline.EARLIER, since): replace(told, baseline="the record as of then"),
            Comparison(Baseline.ACTUAL): refused,
        },
    )

"""Exported arguments: results from traces made by hand, attributed and sealed, and what a reader must get back."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from ontology.evaluation import Issue, Severity
from server.attribution.result import LOG_ODDS, Attribution, AttributionGroup, AttributionItem
from server.executor.fingerprint import FORMAT, PUBLIC, fingerprint
from server.executor.trace import Circumstances
from server.explain.comparisons import AttributionView, Baseline, Comparison
from server.explain.explain import explain
from server.explain.prov.exported import (
    ExportedAnswer,
    ExportedAttribution,
    ExportedGroup,
    ExportedInput,
    ExportedItem,
    ExportedStep,
)
from server.explain.results import AnswerResult, Contributions, GroundView, StepView
from tests.support import traces as t

NAMES = tuple(sorted(t.EVERY_TRACE))
KEY = b"k" * 32
SEALED = replace(t.UNDER, seal_key=KEY)


def exported_result(name: str, under: Circumstances = t.UNDER) -> AnswerResult:
    """A result told by hand, of each status."""
    return replace(explain(t.EVERY_TRACE[name](), t.interpret)[0], circumstances=under)


def input_read_back(ground: GroundView) -> ExportedInput:
    """What a reader gets of one filled slot."""
    return ExportedInput(
        concept=ground.concept.iri,
        consumed=ground.consumed,
        steps=tuple(sorted(ground.steps)),
        records=tuple(sorted(f"{r.url}/_history/{r.version}" if r.version else r.url for r in ground.records)),
        assumed=ground.assumed,
    )


def with_comparisons(result: AnswerResult) -> AnswerResult:
    """The result with an attribution against usual values, one against an earlier time, and one refused."""
    ground = result.chain[0].grounds[0]
    given = t.record(t.CREATININE, ground.value)
    resources = tuple(replace(given, effective=ground.time, source=source) for source in ground.records)
    items = tuple(
        AttributionItem(concept, slot, before=ground.value, after=ground.value, resources=resources, amount=amount)
        for concept, slot, amount in ((t.CREATININE, "creatinine", 0.1 + 0.2), (t.UACR, None, -1e-7))
    )
    attribution = Attribution(
        scale=LOG_ODDS,
        base=-3.3,
        output=-3.0,
        base_value=t.GFR,
        output_value=result.value,
        items=items,
        stayed=(),
        flipped=("eGFR is below 60",),
        groups=(AttributionGroup("kidney", items, 0.3),),
    )
    view = AttributionView(attribution, baseline="usual values, where the inputs have one", text="It moved.")
    since = t.AT - timedelta(days=30)
    refused = Issue(Severity.INFORMATION, "not-attributed", "Nothing was assumed.")
    return replace(
        result,
        attributions={
            Comparison(Baseline.REFERENCE): view,
            Comparison(Baseline.EARLIER, since): replace(view, baseline="the record as of then"),
            Comparison(Baseline.ACTUAL): refused,
        },
    )


def exported_answer(result: AnswerResult) -> ExportedAnswer:
    """The argument of a result, as it would be read back."""
    return ExportedAnswer(
        iri=f"https://medtwin.example/results/{result.concept.id}#answer",
        text=result.text,
        concept=result.concept.iri,
        status=result.status.value,
        at=result.at,
        zone=str(result.circumstances.zone),
        format=FORMAT,
        steps=tuple(_exported_step(step, result.circumstances) for step in result.chain),
        value=result.value,
        attributions=tuple(
            _exported_attribution(against, view)
            for against, view in result.attributions.items()
            if isinstance(view, AttributionView)
        ),
        assumed=result.leaf is not None and result.leaf.assumed,
        interval=result.interval,
    )


def _exported_step(step: StepView, under: Circumstances) -> ExportedStep:
    module, environment = step.module, under.environment
    inputs = {ground.slot: _exported_input(ground) for ground in step.grounds}
    consumed = {name: given.consumed for name, given in inputs.items()}
    return ExportedStep(
        module=module.iri,
        title=module.title,
        version=module.version,
        as_of=step.as_of,
        inputs=inputs,
        value=step.value,
        fingerprint=step.fingerprint,
        content_digest=fingerprint(module, consumed, step.as_of, environment, PUBLIC, under.zone),
        description=module.digest,
        code=module.code_digest,
        environment=environment.digest(module.kind),
        reused=step.reused,
        bounds=step.bounds,
        contributions=exported_contributions(step),
    )


def exported_contributions(step: StepView) -> Contributions | None:
    """What a reader gets of what each input of a step added."""
    found = step.contributions
    if found is None:
        return None
    return replace(found, groups=(), items=tuple(sorted(found.items, key=lambda item: (item.slot, item.amount))))


def _exported_input(ground: GroundView) -> ExportedInput:
    consumed = ground.consumed
    records = tuple(record.url for record in ground.records)
    return ExportedInput(ground.concept.iri, consumed, ground.steps, records, ground.assumed)


def _exported_attribution(against: Comparison, view: AttributionView) -> ExportedAttribution:
    found = view.attribution
    items = tuple(
        ExportedItem(item.concept.iri, item.before, item.after, Decimal(repr(item.amount))) for item in found.items
    )
    groups = tuple(
        ExportedGroup(Decimal(repr(group.amount)), tuple(sorted(found.items.index(item) for item in group.items)))
        for group in found.groups
    )
    ends = Decimal(repr(found.base)), Decimal(repr(found.output))
    return ExportedAttribution(found.scale, view.baseline, *ends, items, against.since, against.baseline.value, groups)

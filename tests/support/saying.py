"""What an exported argument says, straight from a result: for tests of the replay that are not about files."""

from decimal import Decimal

from ontology.evaluation import SlotInput
from server.executor.fingerprint import FORMAT, PUBLIC, fingerprint
from server.executor.trace import Circumstances
from server.explain.comparisons import AttributionView, Comparison
from server.explain.prov.exported import (
    ExportedAnswer,
    ExportedAttribution,
    ExportedContributions,
    ExportedGroup,
    ExportedInput,
    ExportedItem,
    ExportedStep,
)
from server.explain.results import AnswerResult, GroundView, StepView


def said_of(result: AnswerResult) -> ExportedAnswer:
    """The argument of a result, as it would be read back."""
    return ExportedAnswer(
        iri=f"https://medtwin.example/results/{result.concept.id}#answer",
        text=result.text,
        concept=result.concept.iri,
        status=result.status.value,
        at=result.at,
        zone=str(result.circumstances.zone),
        format=FORMAT,
        steps=tuple(_step(step, result.circumstances) for step in result.chain),
        value=result.value,
        attributions=tuple(
            _attribution(against, told)
            for against, told in result.attributions.items()
            if isinstance(told, AttributionView)
        ),
        assumed=result.leaf is not None and result.leaf.assumed,
        interval=result.interval,
    )


def _step(step: StepView, under: Circumstances) -> ExportedStep:
    module, environment = step.module, under.environment
    inputs = {ground.slot: _input(ground) for ground in step.grounds}
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
        contributions=contributions_said(step),
    )


def contributions_said(step: StepView) -> ExportedContributions | None:
    """What a reader gets of what each input of a step added."""
    told = step.contributions
    if told is None:
        return None
    items = tuple(sorted((item.slot, item.amount) for item in told.items))
    return ExportedContributions(told.scale, told.base, told.output, items, told.residual)


def _input(ground: GroundView) -> ExportedInput:
    consumed = SlotInput(ground.value, ground.bounds)
    records = tuple(record.url for record in ground.records)
    return ExportedInput(ground.concept.iri, consumed, ground.steps, records, ground.assumed)


def _attribution(against: Comparison, told: AttributionView) -> ExportedAttribution:
    items = tuple(
        ExportedItem(item.concept.iri, item.before, item.after, Decimal(repr(item.amount))) for item in told.items
    )
    groups = tuple(
        ExportedGroup(Decimal(repr(group.amount)), tuple(sorted(told.items.index(item) for item in group.items)))
        for group in told.groups
    )
    ends = Decimal(repr(told.base)), Decimal(repr(told.output))
    return ExportedAttribution(told.scale, told.baseline, *ends, items, against.since, against.baseline.value, groups)

"""Results, their steps and contributions, and timelines as GraphQL types.

The types describe ``server.explain`` objects, whose fields are read straight off them.
"""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, NamedTuple, cast

import strawberry
from msgspec import Raw
from msgspec.json import encode as encode_json
from strawberry import ID, Info
from strawberry.scalars import JSON

from ontology import evaluation
from server.explain.bands import met_bands
from server.explain.fhir import bundle
from server.explain.prov import serialize_fact, serialize_result
from server.explain.results import Status
from server.explain.text import render_argument
from server.graphql.attribution import Attribution, resolve_attribution
from server.graphql.modules import Band, Concept, Module
from server.graphql.turns import Turns
from server.graphql.values import (
    Coding,
    EhrRecord,
    Interval,
    RdfFormat,
    Value,
    describe_enum,
    described,
    rdf_form,
    rounded,
)


@strawberry.type
class Contribution:
    """What one slot added to the value of a step."""

    slot: str = described("The slot.")
    value: Value = described("What filled it.")
    amount: float = described("What it added, on the scale of the contributions.")


@strawberry.type
class ContributionGroup:
    """What correlated inputs added together; it is in the amounts of their slots too."""

    text: str = described("What the inputs have in common.")
    slots: list[str] = described("Their slots.")
    amount: float = described("The sum of their amounts.")


@strawberry.type
class Contributions:
    """SHAP values or points of one step."""

    scale: str = described("POINTS, or the margin scale of a model, such as LOG_ODDS.")
    base: float = described("Where the sum begins.")
    output: float = described("Where it ends.")
    residual: float = described("output - base - sum(contributions)")
    background: str = described("What `base` stands for.")
    items: list[Contribution] = described("What each slot added.")
    groups: list[ContributionGroup] = described("What correlated inputs added together.")


class _ValuedContribution(NamedTuple):
    slot: str
    value: Any
    amount: Decimal


def _resolve_contributions(root: strawberry.Parent[Any]) -> Contributions | None:
    """Each contribution with the value of its slot, which the step's grounds have."""
    found: Any = root.contributions
    if found is None:
        return None
    values = {ground.slot: ground.value for ground in root.grounds}
    items = tuple(_ValuedContribution(each.slot, values[each.slot], each.amount) for each in found.items)
    valued: Contributions = replace(found, items=items)
    return valued


@strawberry.type
class Standing:
    """How the inputs of a trained model stand to the data that it was fitted to."""

    measured: int = described("How many of its inputs were measured.")
    of: int = described("How many inputs it has.")
    share_measured: float = described("The share of the inputs that were measured, between 0 and 1.")
    out_of_distribution: bool = described("Whether any input lies outside the training data.")
    outside: list[str] = described("What lies outside the training data, in words.")
    calibration: str = described("How well its risks agreed with what happened, in words.")
    maturity: str = described("demonstration, research or clinical.")


describe_enum(
    evaluation.Severity,
    "Severity",
    "How much an issue matters.",
    {
        "INFORMATION": "Good to know; it does not weaken the answer.",
        "WARNING": "It weakens the answer, or could: show it with the answer.",
        "ERROR": "There is no answer because of it.",
    },
)
describe_enum(
    Status,
    "ResultStatus",
    "Whether there is a value, and how complete it is.",
    {
        "COMPLETE": "All that was asked for was found.",
        "PARTIAL": "Optional inputs are missing; more data would sharpen the answer.",
        "INSUFFICIENT": "A required input is missing; `issues` says which and why.",
        "NOT_APPLICABLE": "The module does not hold for this patient; `issues` says why.",
        "FAILED": "A module failed.",
    },
)


@strawberry.type
class Issue:
    """What to mind about an answer."""

    severity: evaluation.Severity = described("How much it matters.")
    code: str = described("A stable word for programs.")
    text: str = described("What to mind, in words.")
    short: str = described("The same in at most twelve words.")
    slot: str | None = described("The slot that it is about, where it is about one.")
    step: int | None = described("Position in the chain of the step that it is of; null for the question as a whole.")


@strawberry.type
class Interpretation:
    """What a value means."""

    code: Coding = described("The meaning as a code.")
    text: str = described("The meaning in words.")
    citation: str | None = described("The source of the band, where it is another than the module's.")


@strawberry.type
class Risk:
    """A probability: of what, until when."""

    outcome: str = described("Of what.")
    horizon: str = described("Until when: an ISO 8601 duration, such as P5Y.")
    probability: float = described("Between 0 and 1.")


@strawberry.type
class Recommendation:
    """What the module's source recommends."""

    text: str = described("The recommendation, for a clinician to weigh.")
    strength: str | None = described("How strong its source calls it.")
    citation: str = described("Who recommends it.")


async def _resolve_fact_rdf(
    root: strawberry.Parent[Any],
    info: Info[Any, None],
    format: Annotated[RdfFormat | None, strawberry.argument(description="How it is written.")] = RdfFormat.TURTLE,  # noqa: A002 - contract
) -> str | None:
    turns: Turns = info.context.turns
    return await turns.render(serialize_fact, root, rdf_form(format))


@strawberry.type
class Ground:
    """What a step rests on: the input of one slot, and where it comes from."""

    slot: str = described("The slot of the module.")
    concept: Concept = described("What the slot takes.")
    value: Value = described("What filled it, in the unit of the slot; absent, with a reason, where nothing did.")
    effective: datetime | None = described("The latest time of the records beneath it.")
    records: list[EhrRecord] = described(
        "The records in the EHR that the value comes straight from: one, or one for each point of a series."
    )
    step: int | None = described("Position in the chain of the one step that produced it.")
    steps: list[int] = described("Positions of all steps that produced it: one for each point of a series.")
    assumed: bool = described(
        "From the question, from the site's settings, or presumed from a list; not from a record."
    )
    presumed: bool | None = described(
        "Of an absent value: what it is taken to be, if the list from which it is missing is complete."
    )
    status: str | None = described("FHIR status of its one record, such as final.")
    issued: datetime | None = described("When that record was issued.")
    recorded: str | None = described("Value and unit as that record has them, before conversion.")
    reference_range: str | None = described("The laboratory's own range.")
    interpretation: str | None = described("The laboratory's own flag.")
    rdf: str | None = strawberry.field(
        resolver=_resolve_fact_rdf,
        description="The fact as an MPMResource: its metadata, and the reference to the original record.",
    )


def _resolve_step_value(root: strawberry.Parent[Any]) -> Value:
    return cast("Value", rounded(root.value, root.module.display_decimals))


def _resolve_met(root: strawberry.Parent[Any]) -> list[Band]:
    found: list[Any] = list(met_bands(cast("Any", root)))
    return found


@strawberry.type
class Step:
    """One link of the argument: a claim, its grounds, and why it follows from them."""

    module: Module = described("What was called.")
    value: Value = strawberry.field(resolver=_resolve_step_value, description="What it gave.")
    as_of: datetime = described("The time that it was evaluated for.")
    claim: str = described("The claim of this step in one sentence.")
    grounds: list[Ground] = described(
        "What the claim rests on: the input of each slot, followed to records, other steps or assumptions."
    )
    warrant: str = described(
        "Why the claim follows from the grounds: the equation with its numbers, the criteria met, the model."
    )
    qualifier: str | None = described("What limits the claim: how sure it is, or what was not looked at.")
    rebuttals: list[str] = described(
        "What speaks against the claim, or could: warnings about records, and what could not be excluded."
    )
    fingerprint: ID | None = described("Names exactly what it was computed from.")
    reused: bool = described("Whether it is an earlier result from equal inputs.")
    reason: str = described("Why it ran, or that it was reused.")
    met: list[Band] = strawberry.field(
        resolver=_resolve_met,
        description="The bands that were met, of the value and of each criterion; none that may be.",
    )
    contributions: Contributions | None = strawberry.field(
        resolver=_resolve_contributions, description="SHAP values or points of this step alone."
    )
    standing: Standing | None = described("Of a trained model: how the inputs compare with its training data.")


async def _resolve_provenance(
    root: strawberry.Parent[Any],
    info: Info[Any, None],
    format: Annotated[RdfFormat | None, strawberry.argument(description="How it is written.")] = RdfFormat.TURTLE,  # noqa: A002 - contract
) -> str:
    turns: Turns = info.context.turns
    return await turns.render(serialize_result, root, rdf_form(format))


async def _resolve_argument(root: strawberry.Parent[Any], info: Info[Any, None]) -> str:
    turns: Turns = info.context.turns
    return await turns.render(render_argument, root)


async def _resolve_fhir(root: strawberry.Parent[Any], info: Info[Any, None]) -> JSON:
    turns: Turns = info.context.turns
    return cast("JSON", await turns.render(_encoded_bundle, root, datetime.now(UTC)))


def _encoded_bundle(result: Any, at: datetime) -> Raw:
    """Encoded at once: many Bundles as objects are a million of them, and each collection of garbage looks at all."""
    return Raw(encode_json(bundle(result, at)))


def _resolve_value(root: strawberry.Parent[Any]) -> Value:
    return cast("Value", rounded(root.value, root.decimals))


@strawberry.type
class Result:
    """One answer, with its argument."""

    concept: Concept = described("What was asked for.")
    status: Status = described("Whether there is a value, and how complete it is.")
    value: Value = strawberry.field(
        resolver=_resolve_value, description="The value; absent, with a reason, where there is none."
    )
    effective: datetime | None = described("When the answer holds: the latest time of the records that it rests on.")
    grounds_from: datetime | None = described("The time of the oldest record that it rests on: show both.")
    text: str = described("The claim in one sentence.")
    interpretation: Interpretation | None = described(
        "What the value means, by the bands that the module's source gives."
    )
    interval: Interval | None = described("Uncertainty of the value, where the module declares one.")
    risk: Risk | None = described("For risks: of what, until when.")
    bounds: Interval | None = described(
        "Where inputs are missing: between which values the result lies, whatever they are. "
        "Of a value that presumes that lists are complete, its limits without that."
    )
    assumed: bool = described("Whether it rests on an assumption: of the question, or that lists are complete.")
    recommendations: list[Recommendation] = described("What the module's source recommends for such a value.")
    intended_use: str = described("For whom and what it is meant, and not meant.")
    fingerprint: ID | None = described("Names exactly what it was computed from; null for a concept that is read.")
    records: list[EhrRecord] = described("The records of a concept that is read, not computed.")
    chain: list[Step] = described(
        "The argument: the steps from the records to this result, in order; the last one produced it."
    )
    attribution: Attribution | None = strawberry.field(
        resolver=resolve_attribution,
        description="How much each input moved the result away from a baseline; null, with an issue that says why, "
        "where that cannot be told. EARLIER needs `since`; ACTUAL compares what was assumed with the record.",
    )
    issues: list[Issue] = described("What to mind about this answer; that of its own step first.")
    argument: str = strawberry.field(
        resolver=_resolve_argument, description="The whole argument in plain text, as a tree that a person can read."
    )
    provenance: str = strawberry.field(
        resolver=_resolve_provenance, description="The chain as PROV-O, the W3C vocabulary of provenance."
    )
    fhir: JSON = strawberry.field(
        resolver=_resolve_fhir, description="A FHIR Bundle: Observation or RiskAssessment, with Provenance."
    )


@strawberry.type
class TimelinePoint:
    """What the concept was as of one time."""

    at: datetime = described("The time.")
    status: Status = described("Whether there was a value, and how complete it was.")
    value: Value = strawberry.field(resolver=_resolve_value, description="The value then.")
    text: str = described("The claim in one sentence.")
    interpretation: Interpretation | None = described("What the value meant.")
    fingerprint: ID | None = described("Names exactly what it was computed from.")


@strawberry.type
class Timeline:
    """One concept, as of each time at which its inputs changed."""

    concept: Concept = described("What was asked for.")
    points: list[TimelinePoint] = described("Oldest first.")
    left_out: int = described("Changes before the first point that were more than `atMost`.")
    ran: int = described("Executions that were evaluated.")
    reused: int = described("Executions whose results were known.")

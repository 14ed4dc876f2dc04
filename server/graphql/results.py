"""Results, their steps and contributions, and timelines as GraphQL types.

The types describe ``server.explain`` objects, whose fields are read straight off them.
"""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple, cast

import strawberry
from strawberry import ID
from strawberry.scalars import JSON

from ontology import evaluation
from server.explain.fhir import bundle
from server.explain.prov import serialize_result
from server.explain.results import Status
from server.explain.text import render_argument
from server.graphql.attribution import Attribution, resolve_attribution
from server.graphql.modules import Concept, Module
from server.graphql.values import Coding, Record, Value


@strawberry.type
class Contribution:
    """What one slot added."""

    slot: str
    value: Value
    amount: float


@strawberry.type
class ContributionGroup:
    """What correlated inputs added together; it is in the amounts of their slots too."""

    text: str
    slots: list[str]
    amount: float


@strawberry.type
class Contributions:
    """SHAP values or points of one step."""

    scale: str
    base: float
    output: float
    residual: float = strawberry.field(description="output - base - sum(contributions)")
    background: str = strawberry.field(description="What `base` stands for.")
    items: list[Contribution]
    groups: list[ContributionGroup] = strawberry.field(description="What correlated inputs added together.")


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

    measured: int = strawberry.field(description="How many of its inputs were measured.")
    of: int
    share_measured: float
    out_of_distribution: bool
    outside: list[str] = strawberry.field(description="What lies outside the training data, in words.")
    calibration: str
    maturity: str = strawberry.field(description="demonstration, research or clinical.")


strawberry.enum(evaluation.Severity, name="Severity")
strawberry.enum(Status, name="ResultStatus")


@strawberry.enum
class RdfFormat(Enum):
    """How RDF is written."""

    TURTLE = "turtle"
    JSON_LD = "json-ld"


@strawberry.type
class Issue:
    """What to mind."""

    severity: evaluation.Severity
    code: str
    text: str
    short: str = strawberry.field(description="The same in at most twelve words.")
    slot: str | None
    step: int | None = strawberry.field(
        description="Position in the chain of the step that it is of; null for the question as a whole."
    )


@strawberry.type
class Interval:
    """Between which values."""

    low: float
    high: float
    unit: str
    level: float | None
    text: str


@strawberry.type
class Interpretation:
    """What a value means."""

    code: Coding
    text: str
    citation: str | None


@strawberry.type
class Risk:
    """A probability: of what, until when (an ISO 8601 duration)."""

    outcome: str
    horizon: str
    probability: float = strawberry.field(description="Between 0 and 1.")


@strawberry.type
class Recommendation:
    """What the module's source recommends."""

    text: str
    strength: str | None
    citation: str


@strawberry.type
class Ground:
    """What filled a slot."""

    slot: str
    concept: Concept
    value: Value
    effective: datetime | None
    records: list[Record]
    step: int | None = strawberry.field(description="Position in the chain of the one step that produced it.")
    steps: list[int] = strawberry.field(description="Positions of all steps that produced it: one for each point.")
    assumed: bool = strawberry.field(
        description="From the question, from the site's settings, or presumed from a list; not from a record."
    )
    presumed: bool | None = strawberry.field(
        description="Of an absent value: what it is taken to be, if the list from which it is missing is complete."
    )
    status: str | None
    issued: datetime | None
    recorded: str | None
    reference_range: str | None
    interpretation: str | None


@strawberry.type
class Step:
    """One link of the argument."""

    module: Module
    value: Value
    as_of: datetime = strawberry.field(description="The time that it was evaluated for.")
    claim: str
    grounds: list[Ground]
    warrant: str
    qualifier: str | None
    rebuttals: list[str]
    fingerprint: ID | None
    reused: bool
    reason: str
    contributions: Contributions | None = strawberry.field(resolver=_resolve_contributions)
    standing: Standing | None = strawberry.field(description="Of a trained model.")


def _resolve_provenance(root: strawberry.Parent[Any], format: RdfFormat | None = RdfFormat.TURTLE) -> str:  # noqa: A002 - contract
    return serialize_result(root, "json-ld" if format is RdfFormat.JSON_LD else "turtle")


def _resolve_argument(root: strawberry.Parent[Any]) -> str:
    return render_argument(root)


def _resolve_fhir(root: strawberry.Parent[Any]) -> JSON:
    return cast("JSON", bundle(root, datetime.now(UTC)))


@strawberry.type
class Result:
    """One answer, with its argument."""

    concept: Concept
    status: Status
    value: Value
    effective: datetime | None = strawberry.field(description="The latest time of the records that it rests on.")
    grounds_from: datetime | None = strawberry.field(description="The time of the oldest record that it rests on.")
    text: str = strawberry.field(description="The claim in one sentence.")
    interpretation: Interpretation | None
    interval: Interval | None
    risk: Risk | None
    bounds: Interval | None = strawberry.field(
        description="Limits of an absent value; of one that presumes that lists are complete, its limits without that."
    )
    assumed: bool = strawberry.field(
        description="Whether it rests on an assumption: of the question, or that lists are complete."
    )
    recommendations: list[Recommendation]
    intended_use: str
    fingerprint: ID | None
    records: list[Record]
    chain: list[Step]
    attribution: Attribution | None = strawberry.field(
        resolver=resolve_attribution,
        description="How much each input moved the result away from a baseline; null, with an issue that says why, "
        "where that cannot be told. EARLIER needs `since`; ACTUAL compares what was assumed with the record.",
    )
    issues: list[Issue]
    argument: str = strawberry.field(
        resolver=_resolve_argument, description="The whole argument in plain text, as a tree that a person can read."
    )
    provenance: str = strawberry.field(
        resolver=_resolve_provenance, description="The chain as PROV-O: TURTLE or JSON_LD."
    )
    fhir: JSON = strawberry.field(
        resolver=_resolve_fhir, description="A FHIR Bundle: Observation or RiskAssessment, with Provenance."
    )


@strawberry.type
class TimelinePoint:
    """What the concept was as of one time."""

    at: datetime
    status: Status
    value: Value
    text: str
    interpretation: Interpretation | None
    fingerprint: ID | None


@strawberry.type
class Timeline:
    """One concept, as of each time at which its inputs changed."""

    concept: Concept
    points: list[TimelinePoint] = strawberry.field(description="Oldest first.")
    left_out: int = strawberry.field(description="Changes before the first point that were more than `atMost`.")
    ran: int = strawberry.field(description="Executions that were evaluated.")
    reused: int = strawberry.field(description="Executions whose results were known.")

"""The inside of one step on the wire: what each input added, and how those of a model stand to its training."""

import strawberry

from server.graphql.values import Value


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

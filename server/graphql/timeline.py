"""A concept over time, on the wire."""

from datetime import datetime

import strawberry
from strawberry import ID

from server.explain.results import Status
from server.graphql.modules import Concept
from server.graphql.results import Interpretation
from server.graphql.values import Value


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

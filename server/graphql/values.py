"""Values and records as GraphQL types.

The types here describe ``ontology`` objects and never wrap them: fields are read straight off the values, so that an
answer of many fields costs no copies.
"""

from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any, NamedTuple, TypeAlias

import strawberry
from strawberry import ID

from ontology import values as v

strawberry.enum(v.AbsentReason, name="AbsentReason")


def field_at(path: str, description: str | None = None) -> Any:
    """A field that is read further down the object, such as ``attribution.base``: off the part that holds it."""
    read = attrgetter(path)
    return strawberry.field(resolver=lambda root: read(root), description=description)


@strawberry.type
class Quantity:
    """A number in a UCUM unit."""

    value: float
    unit: str

    @classmethod
    def is_type_of(cls, obj: Any, info: Any) -> bool:
        """Whether this type describes the object."""
        return type(obj) is v.Quantity


@strawberry.type(description='What is known of a number that was reported as "<5": never to be used as the number.')
class Bound:
    """A limit."""

    comparator: str
    value: float
    unit: str

    @classmethod
    def is_type_of(cls, obj: Any, info: Any) -> bool:
        """Whether this type describes the object."""
        return type(obj) is v.Bound


@strawberry.type
class Coding:
    """A code."""

    system: str
    code: str
    display: str | None

    @classmethod
    def is_type_of(cls, obj: Any, info: Any) -> bool:
        """Whether this type describes the object."""
        return type(obj) is v.Coding


def _resolve_flag(root: strawberry.Parent[Any]) -> bool:
    return bool(root)


@strawberry.type
class Flag:
    """A truth value."""

    is_: bool = strawberry.field(resolver=_resolve_flag, name="is")

    @classmethod
    def is_type_of(cls, obj: Any, info: Any) -> bool:
        """Whether this type describes the object."""
        return type(obj) is bool


def _resolve_start(root: strawberry.Parent[Any]) -> str:
    return str(root.start.isoformat())


def _resolve_end(root: strawberry.Parent[Any]) -> str:
    return str(root.end.isoformat())


@strawberry.type(description="A partial date is an interval of days, ends included.")
class Date:
    """A date."""

    start: str = strawberry.field(resolver=_resolve_start)
    end: str = strawberry.field(resolver=_resolve_end)

    @classmethod
    def is_type_of(cls, obj: Any, info: Any) -> bool:
        """Whether this type describes the object."""
        return type(obj) is v.Date


@strawberry.type
class Point:
    """One number of a series."""

    time: datetime
    value: float


class _Point(NamedTuple):
    time: datetime
    value: Any


def _resolve_points(root: strawberry.Parent[Any]) -> list[Point]:
    points: list[Any] = [_Point(*point) for point in root.points]
    return points


@strawberry.type
class Series:
    """Numbers over time, oldest first."""

    unit: str

    points: list[Point] = strawberry.field(resolver=_resolve_points)

    @classmethod
    def is_type_of(cls, obj: Any, info: Any) -> bool:
        """Whether this type describes the object."""
        return type(obj) is v.Series


@strawberry.type
class Absent:
    """There is no value, and why."""

    reason: v.AbsentReason

    @classmethod
    def is_type_of(cls, obj: Any, info: Any) -> bool:
        """Whether this type describes the object."""
        return type(obj) is v.Absent


Value: TypeAlias = Annotated[
    Quantity | Coding | Flag | Date | Series | Absent | Bound,
    strawberry.union("Value"),
]


@strawberry.type
class Record:
    """A record in the EHR."""

    url: str
    type: str
    id: ID
    version: str | None
    source: ID

"""Concepts, modules and plans on the wire."""

from typing import Any

import strawberry
from strawberry import ID

from server.catalog.descriptions import Kind
from server.explain.wording import duration_code
from server.graphql.values import Coding

strawberry.enum(Kind, name="ModuleKind")


@strawberry.type
class Concept:
    """What a resource is about, and what a question asks for."""

    id: ID
    iri: str
    display: str
    codes: list[Coding]


def _window(root: strawberry.Parent[Any]) -> str | None:
    return None if root.window is None else duration_code(root.window)


@strawberry.type
class Slot:
    """A named input of a module."""

    name: str
    concept: Concept
    unit: str | None
    required: bool
    select: str
    window: str | None = strawberry.field(resolver=_window, description="An ISO 8601 duration.")


@strawberry.type
class Module:
    """What computes one concept from others."""

    id: ID
    iri: str
    title: str
    version: str
    kind: Kind
    produces: Concept
    citations: list[str] = strawberry.field(name="citation")
    slots: list[Slot]
    turtle: str = strawberry.field(description="The description itself.")


@strawberry.type
class PlannedCall:
    """One module that a question would call, and what fills its slots."""

    module: Module
    needs: list[str]


@strawberry.type
class Plan:
    """What a question would call and fetch."""

    calls: list[PlannedCall]
    searches: list[str]

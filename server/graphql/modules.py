"""Concepts, modules, cards and plans as GraphQL types."""

from typing import Any, cast

import strawberry
from strawberry import ID, Info

from ontology.words.time import duration_code
from server.catalog.descriptions import Kind
from server.explain.card import render_markdown
from server.graphql.values import Coding

strawberry.enum(Kind, name="ModuleKind")


@strawberry.type
class Concept:
    """What a resource is about, and what a question asks for."""

    id: ID
    iri: str
    display: str
    codes: list[Coding]


def _resolve_window(root: strawberry.Parent[Any]) -> str | None:
    return None if root.window is None else duration_code(root.window)


@strawberry.type
class Slot:
    """A named input of a module."""

    name: str
    concept: Concept
    unit: str | None
    required: bool
    select: str
    window: str | None = strawberry.field(resolver=_resolve_window, description="An ISO 8601 duration.")


@strawberry.type
class CardAttribute:
    """One of the 31 source attributes of a predictive decision support intervention, 45 CFR 170.315(b)(11)(iv)(B)."""

    id: ID
    paragraph: str
    label: str
    text: str


@strawberry.type
class CardGroup:
    """One of the nine groups of source attributes."""

    title: str
    attributes: list[CardAttribute]


@strawberry.type
class CardMetric:
    """A measure of performance, with its confidence interval where there is one."""

    measure: str
    value: float
    low: float | None
    high: float | None
    level: float | None
    subgroup: str | None = strawberry.field(description="Of whom; null: of all.")
    candidate: str | None = strawberry.field(description="Of which model that was compared; null: of the one in use.")
    threshold: float | None
    number: int | None
    events: int | None
    method: str


def _resolve_markdown(root: strawberry.Parent[Any]) -> str:
    return render_markdown(root)


@strawberry.type
class Card:
    """What is known of a module that was fitted to data."""

    groups: list[CardGroup]
    metrics: list[CardMetric]
    markdown: str = strawberry.field(resolver=_resolve_markdown, description="The card as a page.")
    turtle: str = strawberry.field(description="The card itself.")


def _resolve_card(root: strawberry.Parent[Any], info: Info[Any, None]) -> Card | None:
    return cast("Card | None", info.context.engine.catalog.cards.get(root.iri))


def _resolve_maturity(root: strawberry.Parent[Any]) -> str | None:
    return None if root.model is None else str(root.model.maturity)


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
    card: Card | None = strawberry.field(
        resolver=_resolve_card, description="What is known of it, if it was fitted to data."
    )
    maturity: str | None = strawberry.field(
        resolver=_resolve_maturity, description="Of a trained model: demonstration, research or clinical."
    )


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

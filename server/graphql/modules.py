"""Concepts, modules, cards and plans as GraphQL types."""

from typing import Any, NamedTuple, cast

import strawberry
from strawberry import ID, Info

from ontology.words.time import duration_code
from ontology.words.values import between_words
from server.catalog.descriptions import Kind
from server.explain.bands import bands_of
from server.explain.card import render_markdown
from server.graphql.values import Coding, Interval, describe_enum, described

describe_enum(
    Kind,
    "ModuleKind",
    "How a module computes.",
    {
        "EQUATION": "A published equation.",
        "SCORE": "Points of published bands, added up.",
        "RULE": "Published criteria, read in the logic of yes, no and unknown.",
        "MODEL": "A model that was trained on data.",
    },
)


def _resolve_plausible(root: strawberry.Parent[Any]) -> Interval | None:
    low, high = root.plausible_low, root.plausible_high
    if low is None or high is None or root.unit is None:
        return None
    limits: Any = _Plausible(low, high, root.unit)
    return cast("Interval", limits)


class _Plausible(NamedTuple):
    low: Any
    high: Any
    unit: str
    level: None = None

    @property
    def text(self) -> str:
        return f"{between_words(cast('Any', self))}: what a living person can have, not what is normal"


def _resolve_modules(root: strawberry.Parent[Any], info: Info[Any, None]) -> list["Module"]:
    catalog = info.context.engine.catalog
    found = (each for each in catalog.modules.values() if each.produces.id == root.id)
    return sorted(found, key=lambda module: module.id)


@strawberry.type
class Concept:
    """What a record is about, and what a question asks for."""

    id: ID = described("By which questions name it, such as `egfr`.")
    iri: str = described("Its name in RDF.")
    display: str = described("Its label for readers.")
    synonyms: list[str] = described("Other words for it, such as KFRE; one may name several concepts.")
    codes: list[Coding] = described(
        "The codes that name it, such as LOINC's: those that are written, not all that are read."
    )
    unit: str | None = described(
        "The UCUM code of the unit in which its numbers are given; null where it is no number."
    )
    units: list[str] = described("The UCUM codes of all units that are read, and that an assumption may have.")
    plausible: Interval | None = strawberry.field(
        resolver=_resolve_plausible,
        description="What a living person can have. "
        "A number outside is taken for an error, and refused as an assumption.",
    )
    modules: list["Module"] = strawberry.field(resolver=_resolve_modules, description="Those that produce it.")


def _resolve_window(root: strawberry.Parent[Any]) -> str | None:
    return None if root.window is None else duration_code(root.window)


@strawberry.type
class Slot:
    """A named input of a module."""

    name: str = described("Its name, as `Ground.slot` and `Issue.slot` give it.")
    concept: Concept = described("What fills it.")
    unit: str | None = described("The UCUM code of the unit in which the module takes it.")
    required: bool = described("Whether there is no value without it.")
    select: str = described(
        "Which of the records fills it: latest, earliest, series (all of them) or any (whether there is one)."
    )
    window: str | None = strawberry.field(
        resolver=_resolve_window, description="How old a record may be at most: an ISO 8601 duration; null: any age."
    )


@strawberry.type
class Band:
    """A range of a value, or of an input of a score, and what it means. `low` is included, `high` is not."""

    slot: str | None = described("Of a score's criterion: the slot that it reads. Null: of the module's value.")
    text: str = described("What the band means; of a criterion which it is, such as `Pulse: 91 to 110`.")
    low: float | None = described(
        "In the unit of the slot or value; null: no such limit, or the band is none of numbers. "
        "Where the source rounds first, as scores do, it is a limit of the rounded number."
    )
    high: float | None = described(
        "As `low`. What earlier bands take is left out: of 90 or more, then 60 or more, the second ends at 90."
    )
    points: float | None = described("Of a criterion: the points that it gives.")
    coding: Coding | None = described(
        "Of the value: the code of its interpretation. Of a criterion: the code that it is about."
    )
    citation: str | None = described("The source of the band, where it is another than the module's.")


@strawberry.type
class CardAttribute:
    """One of the 31 source attributes of a predictive decision support intervention, 45 CFR 170.315(b)(11)(iv)(B)."""

    id: ID = described("A stable name of the attribute.")
    paragraph: str = described("Where the rule asks for it, such as (4)(ii).")
    label: str = described("What is asked, in words.")
    text: str = described("The answer.")


@strawberry.type
class CardGroup:
    """One of the nine groups of source attributes."""

    title: str = described("What the group is about.")
    attributes: list[CardAttribute] = described("Its attributes, in the order of the rule.")


@strawberry.type
class CardMetric:
    """A measure of performance, with its confidence interval where there is one."""

    measure: str = described("What was measured, such as the area under the ROC curve.")
    value: float = described("The measured value.")
    low: float | None = described("The lower limit of its confidence interval.")
    high: float | None = described("The upper limit of its confidence interval.")
    level: float | None = described("The level of the interval, such as 0.95.")
    subgroup: str | None = described("Of whom; null: of all.")
    candidate: str | None = described("Of which model that was compared; null: of the one in use.")
    threshold: float | None = described(
        "The predicted risk above which a patient counts as positive, where the measure needs one."
    )
    number: int | None = described("How many patients it was measured on.")
    events: int | None = described("How many of them had the outcome.")
    method: str = described("How and on which data it was measured.")


def _resolve_markdown(root: strawberry.Parent[Any]) -> str:
    return render_markdown(root)


@strawberry.type
class Card:
    """What is known of a module that was fitted to data."""

    groups: list[CardGroup] = described("The source attributes, in nine groups.")
    metrics: list[CardMetric] = described("How well it performed.")
    markdown: str = strawberry.field(resolver=_resolve_markdown, description="The card as a page.")
    turtle: str = described("The card itself, as RDF.")


def _resolve_card(root: strawberry.Parent[Any], info: Info[Any, None]) -> Card | None:
    return cast("Card | None", info.context.engine.catalog.cards.get(root.iri))


def _resolve_maturity(root: strawberry.Parent[Any]) -> str | None:
    return None if root.model is None else str(root.model.maturity)


def _resolve_bands(root: strawberry.Parent[Any]) -> list[Band]:
    found: list[Any] = list(bands_of(cast("Any", root)))
    return found


@strawberry.type
class Module:
    """What computes one concept from others."""

    id: ID = described("Its name, such as `kidney-failure-risk-5y`.")
    iri: str = described("Its name in RDF.")
    title: str = described("Its title for readers.")
    version: str = described("The version of its description.")
    kind: Kind = described("How it computes.")
    produces: Concept = described("What it computes.")
    citations: list[str] = described("The publications that it follows.", name="citation")
    slots: list[Slot] = described("Its inputs.")
    bands: list[Band] = strawberry.field(
        resolver=_resolve_bands,
        description="All bands of its value, in order, and of a score those of each criterion. "
        "The first that holds counts.",
    )
    turtle: str = described("The description itself, as RDF.")
    card: Card | None = strawberry.field(
        resolver=_resolve_card, description="What is known of it, if it was fitted to data."
    )
    maturity: str | None = strawberry.field(
        resolver=_resolve_maturity, description="Of a trained model: demonstration, research or clinical."
    )


@strawberry.type
class PlannedCall:
    """One module that a question would call."""

    module: Module = described("The module.")
    needs: list[str] = described("What fills each of its slots, in words.")


@strawberry.type
class Plan:
    """What a question would call and fetch."""

    calls: list[PlannedCall] = described("The modules, inputs first.")
    searches: list[str] = described("The FHIR searches, one for each resource type.")

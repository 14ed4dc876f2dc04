"""Values and records as GraphQL types.

The types here describe ``ontology`` objects and never wrap them: fields are read straight off the values, so that an
answer of many fields costs no copies.  The docstring of each class is the description of its type in the schema.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from operator import attrgetter
from typing import Annotated, Any, NamedTuple, TypeAlias, TypeVar, cast

import msgspec
import strawberry
from strawberry import ID, Info
from strawberry.scalars import JSON

from ontology import values as v
from ontology.words.values import quantity_words
from server.explain.prov import Form
from server.graphql.identifiers import record_identifier

_Enum = TypeVar("_Enum", bound=type[Enum])


def described(text: str, name: str | None = None) -> Any:
    """A field that is read off the object, with what it means; ``name``: in the schema, where it is another."""
    return strawberry.field(description=text, name=name)


def field_at(path: str, description: str) -> Any:
    """A field that is read further down the object, such as ``attribution.base``: off the part that holds it."""
    read = attrgetter(path)
    return strawberry.field(resolver=lambda root: read(root), description=description)


def describe_enum(kind: _Enum, name: str, description: str, values: Mapping[str, str]) -> None:
    """Make an enum of another room one of the schema, with what it and each of its values means.

    Raises KeyError where a value has no description.
    """
    strawberry.enum(kind, name=name, description=description)
    for each in kind.__strawberry_definition__.values:  # type: ignore[attr-defined]  # set by the line above
        each.description = values[each.name]


describe_enum(
    v.AbsentReason,
    "AbsentReason",
    "Why there is no value. The last three are of computed values.",
    {
        "NOT_FOUND": "Nothing is recorded, within the window if there is one.",
        "STALE": "There is a record, but it is older than the window allows.",
        "RECORDED_UNKNOWN": "The record itself says that the value is not known.",
        "UNCONVERTIBLE": "What is recorded cannot be read: its unit, its code or its type.",
        "IMPLAUSIBLE": "The recorded value is not survivable, so probably an error.",
        "CONFLICTING": "Records of one time contradict each other.",
        "NOT_PERMITTED": "The caller may not read such records.",
        "UNREACHABLE": "The source could not be reached, or did not answer in full.",
        "NOT_QUERIED": "Nothing was asked for, or it was assumed to be absent.",
        "INPUT_ABSENT": "An input that is needed to compute it is absent.",
        "NOT_APPLICABLE": "The module is not meant for this patient.",
        "FAILED": "The module failed.",
    },
)


class RoundedQuantity(NamedTuple):
    """A computed quantity with the decimals that its module shows."""

    value: Any
    unit: str
    decimals: int


def rounded(value: v.Value, decimals: int | None) -> Any:
    """The value as its type describes it; a number with the decimals that its module shows, where it names them."""
    return value if decimals is None or type(value) is not v.Quantity else RoundedQuantity(*_parts(value), decimals)


def _parts(value: v.Quantity) -> tuple[Any, str]:
    return value.value, value.unit


def _resolve_display(root: strawberry.Parent[Any]) -> str:
    return quantity_words(root.value, root.unit, getattr(root, "decimals", None))


@strawberry.type
class Quantity:
    """A number in a unit."""

    value: float = described("The number, with all its digits: show `display` to a reader.")
    unit: str = described("A UCUM code.")
    display: str = strawberry.field(
        resolver=_resolve_display, description="Number and unit as a reader writes them: 51 mL/min/1.73 m²."
    )

    @classmethod
    def is_type_of(cls, obj: Any, info: Any) -> bool:
        """Whether this type describes the object."""
        return type(obj) is v.Quantity or type(obj) is RoundedQuantity


@strawberry.type
class Bound:
    """What is known of a number that was reported as "<5": never to be used as the number."""

    comparator: str = described("One of <, <=, > and >=.")
    value: float = described("The limit.")
    unit: str = described("A UCUM code.")

    @classmethod
    def is_type_of(cls, obj: Any, info: Any) -> bool:
        """Whether this type describes the object."""
        return type(obj) is v.Bound


@strawberry.type
class Coding:
    """A code in a code system."""

    system: str = described("The URI of the code system.")
    code: str = described("The code.")
    display: str | None = described("The code in words, where they are known.")

    @classmethod
    def is_type_of(cls, obj: Any, info: Any) -> bool:
        """Whether this type describes the object."""
        return type(obj) is v.Coding


def _resolve_flag(root: strawberry.Parent[Any]) -> bool:
    return bool(root)


@strawberry.type
class Flag:
    """Yes or no. What is not known is `Absent`, and never no."""

    is_: bool = strawberry.field(resolver=_resolve_flag, name="is", description="Whether it is so.")

    @classmethod
    def is_type_of(cls, obj: Any, info: Any) -> bool:
        """Whether this type describes the object."""
        return type(obj) is bool


def _resolve_start(root: strawberry.Parent[Any]) -> str:
    return str(root.start.isoformat())


def _resolve_end(root: strawberry.Parent[Any]) -> str:
    return str(root.end.isoformat())


@strawberry.type
class DateRange:
    """A date. A partial one, such as 1960, is an interval of days, ends included."""

    start: str = strawberry.field(resolver=_resolve_start, description="The first day: YYYY-MM-DD.")
    end: str = strawberry.field(
        resolver=_resolve_end, description="The last day; of a full date the first; 9999-12-31 while it goes on."
    )

    @classmethod
    def is_type_of(cls, obj: Any, info: Any) -> bool:
        """Whether this type describes the object."""
        return type(obj) is v.Date


@strawberry.type
class Point:
    """One number of a series."""

    time: datetime = described("When it was measured.")
    value: float = described("The number, in the unit of the series.")


class _Point(NamedTuple):
    time: datetime
    value: Any


def _resolve_points(root: strawberry.Parent[Any]) -> list[Point]:
    points: list[Any] = [_Point(*point) for point in root.points]
    return points


@strawberry.type
class Series:
    """Numbers over time."""

    unit: str = described("The UCUM code of the unit of all points.")

    points: list[Point] = strawberry.field(resolver=_resolve_points, description="Oldest first.")

    @classmethod
    def is_type_of(cls, obj: Any, info: Any) -> bool:
        """Whether this type describes the object."""
        return type(obj) is v.Series


@strawberry.type
class Absent:
    """There is no value. It is neither zero nor no."""

    reason: v.AbsentReason = described("Why there is none.")

    @classmethod
    def is_type_of(cls, obj: Any, info: Any) -> bool:
        """Whether this type describes the object."""
        return type(obj) is v.Absent


Value: TypeAlias = Annotated[
    Quantity | Coding | Flag | DateRange | Series | Absent | Bound,
    strawberry.union("Value", description="A value of any kind; that there is none is one of them."),
]


@strawberry.type
class Interval:
    """Between which values a number lies, limits included."""

    low: float = described("The lower limit.")
    high: float = described("The upper limit.")
    unit: str = described("A UCUM code.")
    level: float | None = described("How sure, such as 0.95; null where that is no matter of chance, or not known.")
    text: str = described("In what sense, in words.")


class RdfFormat(Enum):
    """How RDF is written."""

    TURTLE = "turtle"
    JSON_LD = "json-ld"


describe_enum(RdfFormat, "RdfFormat", "How RDF is written.", {"TURTLE": "As Turtle.", "JSON_LD": "As JSON-LD."})


def rdf_form(given: RdfFormat | None) -> Form:
    """The form that a field is asked for; Turtle where it is null."""
    return "json-ld" if given is RdfFormat.JSON_LD else "turtle"


async def _resolve_resource(root: strawberry.Parent[Any], info: Info[Any, None]) -> JSON | None:
    # As it came: to decode a number as floating point would lose the last digit of 1.10.
    return cast("JSON", msgspec.Raw(await info.context.originals.json(root)))


async def _resolve_record_rdf(
    root: strawberry.Parent[Any],
    info: Info[Any, None],
    format: Annotated[RdfFormat | None, strawberry.argument(description="How it is written.")] = RdfFormat.TURTLE,  # noqa: A002 - contract
) -> str | None:
    text: str = await info.context.originals.rdf(root, rdf_form(format))
    return text


def _resolve_record_id(root: strawberry.Parent[Any]) -> ID:
    return ID(record_identifier(root))


@strawberry.type
class EhrRecord:
    """A record in the EHR that an answer rests on."""

    url: str = described("Absolute FHIR reference, without the version.")
    type: str = described("The FHIR resource type, such as Observation.")
    id: ID = strawberry.field(
        resolver=_resolve_record_id,
        description="Opaque, and unique over types, versions and sources: what a client's cache keys on.",
    )
    logical_id: ID = field_at("id", "The id in the EHR: unique for one type of one source only.")
    version: str | None = described("The version that was read, where the EHR keeps versions (meta.versionId).")
    source: ID = described("The source that it comes from, as configured.")
    resource: JSON | None = strawberry.field(
        resolver=_resolve_resource,
        description="The record itself, as that source gives it to this caller: FHIR JSON, its numbers with the digits "
        "as written. Fetched when asked for; null, with an error, where that version is not to be had. A record "
        "without a version is given as it is now, which may differ from what the answer rests on.",
    )
    rdf: str | None = strawberry.field(
        resolver=_resolve_record_rdf, description="The same as FHIR RDF, in the manner of R4."
    )


@strawberry.type
class Identifier:
    """An identifier of a patient."""

    system: str | None = described("The URI of the system that it is unique in.")
    value: str = described("The identifier.")
    label: str | None = described("What kind of identifier the record says it is.")


@strawberry.type
class Banner:
    """Who the patient is, as their own record says. Null: it does not say, or cannot be read there.

    Identifiers only of the systems that are configured, else medical record numbers."""

    name: str | None = described("The name that the patient goes by now.")
    born: DateRange | None = described("The date of birth.")
    deceased: bool | None = described("Whether a death is recorded.")
    deceased_at: datetime | None = described("The time of death; of one that is dated to a day, the end of it.")
    gender: str | None = described("The administrative gender: male, female, other or unknown.")
    identifiers: list[Identifier] = described("Those by which the settings name patients, else record numbers.")

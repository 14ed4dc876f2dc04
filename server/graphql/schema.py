"""The schema: the published contract, as far as it works, with its scalars.  Times carry a zone, or are refused."""

import inspect
from datetime import datetime
from functools import cache
from typing import Any

import strawberry
from graphql import DirectiveLocation, GraphQLDirective, GraphQLError, GraphQLSchema, print_schema
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from server.graphql.query import Query
from server.graphql.turns import pause_at_lists


def read_time(given: object) -> datetime:
    """A time out of ISO 8601.  Raises GraphQLError, without repeating what was given."""
    if not isinstance(given, str):
        raise GraphQLError("a DateTime must be a string in ISO 8601")
    try:
        time = datetime.fromisoformat(given)
    except ValueError:
        raise GraphQLError("a DateTime must be in ISO 8601, such as 2026-06-01T08:30:00Z") from None
    if time.utcoffset() is None:
        raise GraphQLError("a DateTime needs a time zone, such as 2026-06-01T08:30:00Z")
    return time


def write_time(time: datetime) -> str:
    """ISO 8601 with the zone that the time carries."""
    if time.utcoffset() is None:
        raise ValueError("a time without a zone")
    return time.isoformat()


DATE_TIME: ScalarDefinition = strawberry.scalar(
    name="DateTime", description="ISO 8601, with a time zone.", serialize=write_time, parse_value=read_time
)
JSON_VALUE: ScalarDefinition = strawberry.scalar(name="JSON", description="A JSON value.")


def build_schema() -> strawberry.Schema:
    """The schema as Strawberry sees it."""
    config = StrawberryConfig(scalar_map={datetime: DATE_TIME, JSON: JSON_VALUE}, disable_field_suggestions=False)
    schema = strawberry.Schema(query=Query, config=config)
    for kind in schema._schema.type_map.values():
        definition: Any = kind.extensions.get("strawberry-definition")
        if kind.description is None and definition is not None:
            # A class is described once: in its docstring.
            kind.description = inspect.getdoc(definition.origin)
    schema._schema.directives = tuple(map(_as_specified, schema._schema.directives))
    return schema


def _as_specified(directive: GraphQLDirective) -> GraphQLDirective:
    """The directive without the location that is still a draft: graphql-js 16 refuses a schema that names it."""
    locations = [each for each in directive.locations if each is not DirectiveLocation.DIRECTIVE_DEFINITION]
    described: dict[str, Any] = {**directive.to_kwargs(), "locations": locations}
    return GraphQLDirective(**described)


def build_core_schema() -> GraphQLSchema:
    """The schema as graphql-core executes it: parsing, validation and errors are ours (``documents``, ``endpoint``).

    Of one's own, to be changed at will.
    """
    return pause_at_lists(build_schema()._schema)


@cache
def shared_core_schema() -> GraphQLSchema:
    """The one of this process, which nobody may change: it knows nothing of an engine."""
    return build_core_schema()


def schema_text() -> str:
    """The schema as it is served, in SDL; ``python -m server schema`` prints it, ``make schema`` keeps it."""
    return print_schema(build_core_schema()) + "\n"

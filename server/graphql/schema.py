"""The schema: the published contract, as far as it works."""

from datetime import datetime

import strawberry
from graphql import GraphQLSchema
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig

from server.graphql.query import Query
from server.graphql.scalars import DATE_TIME, JSON_VALUE


def build_schema() -> strawberry.Schema:
    """The schema as Strawberry sees it."""
    config = StrawberryConfig(scalar_map={datetime: DATE_TIME, JSON: JSON_VALUE}, disable_field_suggestions=False)
    return strawberry.Schema(query=Query, config=config)


def build_core_schema() -> GraphQLSchema:
    """The schema as graphql-core executes it: parsing, validation and errors are ours (``documents``, ``endpoint``)."""
    return build_schema()._schema

"""Queries put to the GraphQL endpoint over an engine that answers from traces made by hand."""

import json
from typing import Any

from server.graphql.endpoint import GraphQL
from server.settings import ServerSettings
from tests.support.fake_engine import FakeEngine

Json = dict[str, Any]
TEXT = '{ patient(id: "p-17") { results(of: ["egfr"]) { text } } }'


def endpoint(engine: FakeEngine | None = None, **settings: Any) -> GraphQL:
    return GraphQL(engine or FakeEngine(), ServerSettings(**settings))


async def ask(query: str, engine: FakeEngine | None = None, variables: Json | None = None, **settings: Any) -> Json:
    told, _ = await endpoint(engine, **settings).run(query, variables)
    json.dumps(told)
    return told


def codes(told: Json) -> list[str]:
    return [error["extensions"]["code"] for error in told.get("errors", [])]

"""The benchmark compares two endpoints, one of which answers with constants: no other endpoint of the process does."""

from __future__ import annotations

from typing import Any

from benchmarks.graphql_answer import run
from benchmarks.measure import TINY
from server.graphql.schema import build_core_schema, shared_core_schema


def resolver_of_results() -> Any:
    patient: Any = shared_core_schema().type_map["Patient"]
    return patient.fields["results"].resolve


async def test_the_constants_stay_in_the_benchmark() -> None:
    before = resolver_of_results()
    await run(TINY)
    assert resolver_of_results() is before


def test_a_schema_of_ones_own_is_no_one_elses() -> None:
    assert shared_core_schema() is shared_core_schema()
    assert build_core_schema() is not build_core_schema() and build_core_schema() is not shared_core_schema()

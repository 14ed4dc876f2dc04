"""A repeated question over GraphQL about supplied records, compared with the same answer from constants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import httpx
import msgspec

from benchmarks.catalogs import shipped
from benchmarks.charts import AT, SIX, kidney
from benchmarks.measure import Sizes, Spread, paired, ratios
from benchmarks.questions import engine
from benchmarks.report import Part, Row
from collectors.assembly import facts_from_resources
from collectors.fetching.access import Access, Target
from collectors.fetching.read_budget import ReadBudget
from collectors.gatherer import Gatherer
from collectors.reading.supplied import encode_resource
from collectors.search import Search
from collectors.settings import Source
from collectors.source_facts import SourceFacts
from collectors.supplied_records import SuppliedRecords
from server.graphql.endpoint import GraphQL
from server.graphql.schema import build_core_schema
from server.settings.model import ServerSettings

ARGUMENT = """
query Argument($patient: ID!, $of: [ID!]!, $at: DateTime) {
  patient(id: $patient) {
    results(of: $of, at: $at) {
      concept { id display }
      status effective groundsFrom text intendedUse fingerprint
      value { ...Told }
      interpretation { text citation code { system code display } }
      interval { low high unit level text }
      issues { severity code text slot }
      chain {
        module { id version title }
        value { ...Told }
        claim warrant qualifier rebuttals fingerprint reused reason
        grounds {
          slot effective recorded assumed step
          concept { id display }
          records { url version }
          value { ...Told }
        }
      }
    }
  }
}
fragment Told on Value {
  __typename
  ... on Quantity { amount: value unit }
  ... on Coding { code display }
  ... on Flag { is }
  ... on DateRange { start end }
  ... on Series { seriesUnit: unit points { time value } }
  ... on Absent { absent: reason }
}
"""
"""Everything that a reader of the argument sees."""

VALUES = """
query Values($patient: ID!, $of: [ID!]!, $at: DateTime) {
  patient(id: $patient) { results(of: $of, at: $at) { concept { id } status text } }
}
"""
"""Values without their reasons: little GraphQL to compare with."""

VARIABLES = {"patient": "p1", "of": list(SIX), "at": AT.isoformat()}


class SuppliedGatherer(Gatherer):
    """A gatherer with the facts of these records: read again for each question (``anew``), or once."""

    def __init__(self, http: httpx.AsyncClient, raws: list[bytes]) -> None:
        super().__init__(http)
        self.raws = raws
        self.anew = True
        self._facts: SourceFacts | None = None

    async def gather(
        self,
        source: Source,
        patient: str,
        searches: tuple[Search, ...],
        at: datetime,
        deadline: float,
        access: Access | None = None,
        others: Sequence[Target] = (),
        supplied: SuppliedRecords | None = None,
        read_budget: ReadBudget | None = None,
    ) -> SourceFacts:
        """The facts of the records; nothing is retrieved."""
        if self._facts is None or self.anew:
            self._facts = facts_from_resources(source, patient, searches, self.raws)
        return self._facts


async def run(sizes: Sizes) -> Part:
    """The constants are the question's own results, returned by the resolver; everything else is the same code."""
    async with httpx.AsyncClient() as http, engine(shipped()) as opened:
        given = opened.gatherer = SuppliedGatherer(http, [encode_resource(record) for record in kidney("p1")])
        # Each has a schema of its own, since resolvers are replaced.
        asked, constant = (GraphQL(opened, ServerSettings(), schema=build_core_schema()) for _ in range(2))
        await _answer(asked)
        await _freeze_results(asked, constant)
        if await _answer(asked) != await _answer(constant):
            raise AssertionError("the answers differ")
        anew = await _paired(asked, constant, ARGUMENT, sizes)
        alone = await _paired(asked, constant, VALUES, sizes)
        given.anew = False
        before = await _paired(asked, constant, ARGUMENT, sizes)
    name = "warm `ask` over GraphQL ÷ the same from constants"
    note = f"the complete argument, records read and validated each time; {_constants(anew)}"
    return Part(
        (
            Row(name, Spread.of(ratios(*anew)), "×", 1.5, note),
            Row(name, Spread.of(ratios(*before)), "×", 1.5, "the complete argument, facts read before"),
            Row(name, Spread.of(ratios(*alone)), "×", None, f"values and sentences alone; {_constants(alone)}"),
        )
    )


async def _paired(asked: GraphQL, constant: GraphQL, query: str, sizes: Sizes) -> list[list[float]]:
    return await paired([lambda: _answer(asked, query), lambda: _answer(constant, query)], sizes.repeats, warm=3)


def _constants(pair: list[list[float]]) -> str:
    return f"{Spread.of(pair[1]).middle * 1e3:.1f} ms from constants"


async def _freeze_results(asked: GraphQL, constant: GraphQL) -> None:
    """Makes ``constant`` resolve a patient's results to those that ``asked`` resolves now."""
    results: list[Any] = []
    field, other = _results(asked), _results(constant)
    resolve = field.resolve

    async def keep(*arguments: Any, **named: Any) -> Any:
        results.extend(await resolve(*arguments, **named))
        return results

    field.resolve = keep
    await _answer(asked)
    field.resolve = resolve
    other.resolve = lambda *_, **__: results


def _results(endpoint: GraphQL) -> Any:
    patient: Any = endpoint.documents.schema.type_map["Patient"]
    return patient.fields["results"]


async def _answer(endpoint: GraphQL, query: str = ARGUMENT) -> bytes:
    response, status = await endpoint.run(query, VARIABLES)
    if status != 200 or "errors" in response:
        raise AssertionError("the query failed")
    return msgspec.json.encode(response)

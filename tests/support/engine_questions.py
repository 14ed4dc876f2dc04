"""Questions put to the real engine, about records that are supplied as FHIR JSON."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from collectors.gatherer import facts_from_resources
from collectors.settings import Source
from ontology.values import Value
from server.catalog.catalog import Catalog, load_catalog
from server.catalog.descriptions import Description
from server.compiler.compilation import compile_plan
from server.executor.engine import Engine
from server.executor.question import Question
from server.executor.trace import Trace
from server.settings import Settings

SOURCE = Source(id="ehr", base_url="https://ehr.example/fhir")
PATIENT = "p1"
AT = datetime(2026, 6, 30, 12, tzinfo=UTC)

Record = Mapping[str, Any]


@cache
def shipped() -> Catalog:
    """The catalog of this repository, loaded once."""
    return load_catalog()


def with_module(catalog: Catalog, description: Description) -> Catalog:
    """The catalog with one module put in the place of that with its id."""
    modules = {**catalog.modules, description.id: description}
    digest = f"{catalog.digest}+{description.id}@{description.version}:{description.digest}"
    return replace(catalog, modules=modules, by_iri={m.iri: m for m in modules.values()}, digest=digest)


class Asker:
    """One engine, and what to ask of it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def __call__(
        self,
        records: Iterable[Record],
        *of: str,
        at: datetime = AT,
        patient: str = PATIENT,
        assume: Mapping[str, Value] | None = None,
        scope: str = "",
    ) -> Trace:
        """The trace of one question about these records."""
        question = Question(patient, of, at, "ehr", dict(assume or {}), scope)
        plan = compile_plan(self.engine.catalog, of, frozenset(question.assumptions))
        facts = facts_from_resources(SOURCE, patient, plan.searches, list(records))
        return await self.engine.answer(question, plan, at, facts, SOURCE)


@asynccontextmanager
async def open_asker(catalog: Catalog | None = None, **settings: Any) -> AsyncIterator[Asker]:
    """An engine over the embedded cache (``cache={"enabled": False}`` for none)."""
    engine = await Engine.open(Settings(**settings), catalog or shipped())
    try:
        yield Asker(engine)
    finally:
        await engine.close()


def evaluated_modules(trace: Trace) -> list[str]:
    """The modules that were evaluated, not reused, in order; those as of a point in a series with its day."""
    return [_name(e.description.id, e.as_of, trace) for e in trace.executions if not e.reused]


def reused_modules(trace: Trace) -> list[str]:
    """The modules whose results were reused, in order."""
    return [_name(e.description.id, e.as_of, trace) for e in trace.executions if e.reused]


def _name(module: str, as_of: datetime, trace: Trace) -> str:
    return module if as_of == trace.at else f"{module}@{as_of:%Y-%m-%d}"

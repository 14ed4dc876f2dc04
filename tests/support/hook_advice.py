"""Advice of services on records that are handed in as a prefetch: what is left out of it is a failed search."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from collectors.supplied_records import from_prefetch, search_templates
from ontology.values import Coding
from server.catalog.services import CardRule, Hook, Indicator, Service
from server.compiler.compilation import compile_plan
from server.executor.engine import Engine
from server.executor.question import Question
from server.executor.trace import Trace
from server.hooks.advice import Advice, CardContent, advise
from server.settings import Settings
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import Record, shipped

AT = datetime(2026, 6, 30, 12, tzinfo=UTC)
CODES = "https://medtwin.example/codes"
REASON = Coding(CODES, "known", "Known, and acted on")


def codes(*names: str) -> tuple[Coding, ...]:
    """Codings of our own, as rules name them."""
    return tuple(Coding(CODES, name, name) for name in names)


def service(*rules: CardRule, **more: Any) -> Service:
    """A service with these rules."""
    made = Service(
        "urn:s:test", "test", "1.0.0", Hook.ORDER_SIGN, "Kidneys and drugs", "For tests.", rules,
        override_reasons=(REASON,),
    )  # fmt: skip
    return replace(made, **more)


def rule(concept: str, *bands: str, **more: Any) -> CardRule:
    """A rule that warns in these bands."""
    settings: dict[str, Any] = {"indicator": Indicator.WARNING, **more}
    return CardRule(concept, codes(*bands), **settings)


LOW = ("G3b", "G4", "G5")
METFORMIN = rule("gfr-category", *LOW, draft="metformin", title="Metformin and low GFR", suggests_removal=True)
"""A drug of the medication list stands for a draft order here: both are read from MedicationRequests alike."""


def medication(text: str | None = None, atc: str | None = "A10BA02", id: str = "m1", **more: Any) -> Record:  # noqa: A002
    """An active order, by default of metformin."""
    coded = {"coding": [{"system": "http://www.whocc.no/atc", "code": atc, **more}]} if atc else {}
    return {
        "resourceType": "MedicationRequest",
        "id": id,
        "meta": {"versionId": "1"},
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {**coded, **({"text": text} if text else {})},
        "subject": {"reference": "Patient/p1"},
        "authoredOn": "2026-06-01",
    }


def prefetched(
    records: Sequence[Record], concepts: Sequence[str], without: Collection[str] = ()
) -> Mapping[str, Mapping[str, Any] | None]:
    """The prefetch that a client sends: a search set for each key but those ``without``, of which nothing is sent."""
    found: dict[str, Mapping[str, Any] | None] = {}
    for search in compile_plan(shipped(), tuple(concepts)).searches:
        kind = search.description.resource_type
        mine = [each for each in records if each["resourceType"] == kind]
        for key in search_templates(search):
            if key in without:
                continue
            entries = [{"resource": each, "search": {"mode": "match"}} for each in mine]
            bundle = {"resourceType": "Bundle", "type": "searchset", "total": len(mine), "entry": entries}
            found[key] = mine[0] if key == "patient" and mine else bundle
    return found


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


@cache
def _engine() -> Engine:
    settings = Settings.model_validate({"cache": {"enabled": False}, "site": {"north-america": True}})
    return _loop().run_until_complete(Engine.open(settings, shipped()))


def traced(
    of: Service, records: Sequence[Record], without: Collection[str] = (), patient: str = "p1", at: datetime = AT
) -> Trace:
    """What the engine finds for a service; each type is handed in complete, but those ``without``."""
    supplied = from_prefetch(
        prefetched(records, of.concepts, without), compile_plan(shipped(), of.concepts).searches, patient
    )
    earlier = () if of.compared_with is None else (at - of.compared_with,)
    question = Question(patient, of.concepts, at, earlier_times=earlier)
    trace, _ = _loop().run_until_complete(_engine().ask_with_facts(question, supplied))
    return trace


def advised(
    of: Service, records: Sequence[Record], without: Collection[str] = (), patient: str = "p1", at: datetime = AT
) -> Advice:
    """The advice of a service."""
    return advise(of, traced(of, records, without, patient, at), shipped())


LAUNCHED = {
    "id": "ehr",
    "base_url": "https://ehr.example/fhir",
    "auth": "caller",
    "launch": {"client_id": "us"},
}
"""The settings of a source that launches us."""
SITE = {"public_url": "https://us.example"}


def card_content(draft: bool = True, source: str = "ehr") -> CardContent:
    """The content of a card about a low GFR of a patient of a source, and about a draft or none."""
    chart = [patient(), creatinine(2.3, "2026-06-16T08:00:00Z"), medication()]
    (found,) = advised(service(METFORMIN if draft else rule("gfr-category", *LOW)), chart).cards
    return replace(found, result=replace(found.result, source=source))

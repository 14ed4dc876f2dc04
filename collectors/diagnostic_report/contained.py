"""Observations that a report contains: they have its patient and, where they have none, its time."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from collectors.diagnostic_report.shape import Report
from collectors.observation.read import read
from collectors.reading.codes import CodeIndex
from collectors.reading.readout import Readout, Setting
from collectors.reading.records import Fact, Record
from collectors.reading.validity import fault
from collectors.reading.wire import plain
from ontology.values import Absent, AbsentReason

_OWN_TIME = ("effectiveDateTime", "effectivePeriod", "effectiveInstant", "effectiveTiming")
_LENT = ("effectiveDateTime", "effectivePeriod")
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def contained_facts(report: Report, index: CodeIndex, setting: Setting) -> Iterator[Fact]:
    """The facts of the Observations that the report contains as its results."""
    content = report.record.json()
    references = [each.reference for each in report.content.result if each.reference is not None]
    wanted = {each.removeprefix("#") for each in references if each.startswith("#")}
    held = content.get("contained")
    for each in held if isinstance(held, list) else ():
        if not isinstance(each, Mapping) or each.get("resourceType") != "Observation" or each.get("id") not in wanted:
            continue
        completed = _completed(each, content)
        record = Record(replace(report.record.ref, type="Observation"), _ENCODER.encode(completed))
        found: Readout = read([record], index, setting)
        facts = [fact for facts in found.facts.values() for fact in facts]
        element = fault(record) if facts else None
        for fact in facts:
            yield _of_report(fact, report.record, str(each["id"]), element)


def _completed(observation: Mapping[str, Any], report: Mapping[str, Any]) -> dict[str, Any]:
    """The Observation with what it takes from its report."""
    lent = {"subject": report.get("subject")} if "subject" not in observation else {}
    if not any(name in observation for name in _OWN_TIME):
        lent |= {name: report[name] for name in _LENT if name in report}
    if "issued" not in observation and "issued" in report:
        lent["issued"] = report["issued"]
    return {**observation, **lent}


def _of_report(fact: Fact, record: Record, inner: str, element: str | None) -> Fact:
    """The fact as one of the report's record; unreadable where the contained one breaks FHIR's rules."""
    part = fact.resource.iri.partition("#")[2]
    base = f"{record.ref.url}{f'/_history/{record.ref.version}' if record.ref.version else ''}"
    resource = replace(fact.resource, iri=f"{base}#{plain(inner)}{f'-{part}' if part else ''}", source=record.ref)
    if element is not None:
        problem = f"its element {element} is not as FHIR requires"
        resource = replace(resource, value=Absent(AbsentReason.UNCONVERTIBLE), problem=problem)
    return msgspec.structs.replace(fact, resource=resource, record=record)

"""Probes whether a source returns all that is read when it is asked for nothing else (``_elements``).

Servers take a choice by different names (``value``, ``valueQuantity``), drop ``meta.versionId``, or ignore it all.  So
it is tried on a patient's records, with and without, before ``elements`` is set for a source.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from collectors.fetching.client import Client
from collectors.fetching.query import Parameters
from collectors.reading.readout import check_fhir_id
from collectors.search import CollectorDescription

MOST_COMPARED = 50
"""How many records are compared."""


@dataclass(frozen=True, slots=True)
class ElementsProbe:
    """Whether ``_elements`` may be used (None: there was nothing to try it on), why, and how many bytes of 100 stay."""

    usable: bool | None
    text: str
    percent: int = 100


async def probe_elements(client: Client, collector: CollectorDescription, patient: str) -> ElementsProbe:
    """Compares a patient's records of one type with and without ``_elements``.

    Raises CollectorError where one of the two searches fails, PatientNotFoundError for what cannot be an id.
    """
    kind = collector.resource_type
    if not collector.elements:
        return ElementsProbe(None, f"{kind}: its collector does not say which elements it reads")
    query: Parameters = ((collector.patient_parameter, check_fhir_id(patient)), ("_count", str(MOST_COMPARED)))
    whole = await client.search(kind, query, first_only=True)
    part = await client.search(kind, (*query, ("_elements", ",".join(collector.elements))), first_only=True)
    before, after = _records_by_id(whole.records, kind), _records_by_id(part.records, kind)
    if not before:
        return ElementsProbe(None, f"{kind}: the patient has no records to try it on")
    if not before.keys() <= after.keys():
        return ElementsProbe(False, f"{kind}: records are missing from what comes with _elements")
    lost = sorted(
        {name for key, record in before.items() for name in _changed_elements(record, after[key], collector.elements)}
    )
    if lost:
        return ElementsProbe(False, f"{kind}: with _elements it loses or changes {', '.join(lost)}")
    percent = round(100 * sum(map(len, part.records)) / max(1, sum(map(len, whole.records))))
    if percent > 95:
        return ElementsProbe(False, f"{kind}: _elements saves nothing there", percent)
    return ElementsProbe(
        True, f"{kind}: with _elements all that is read stays whole, in {percent} % of the bytes", percent
    )


def _records_by_id(raws: tuple[bytes, ...], kind: str) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for raw in raws:
        try:
            record = json.loads(raw, parse_float=Decimal)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and record.get("resourceType") == kind and isinstance(record.get("id"), str):
            found[record["id"]] = record
    return found


def _changed_elements(before: Mapping[str, Any], after: Mapping[str, Any], elements: tuple[str, ...]) -> list[str]:
    """The elements that are read and differ; of ``meta`` only the version matters, since a part is tagged as one."""
    lost = [
        name
        for name in before
        if _is_read_element(name, elements) and name != "meta" and before[name] != after.get(name)
    ]
    versions = [(each.get("meta") or {}).get("versionId") for each in (before, after)]
    return [*lost, "meta.versionId"] if versions[0] != versions[1] else lost


def _is_read_element(name: str, elements: tuple[str, ...]) -> bool:
    """Whether an element is read: by its name, or as one type of a choice."""
    plain = name.removeprefix("_")
    return any(plain == each or (plain.startswith(each) and plain[len(each)].isupper()) for each in elements)

"""Probes whether a source returns all elements that are read when it is asked for these only (``_elements``).

Servers name a choice differently (``value``, ``valueQuantity``), drop ``meta.versionId``, or ignore the parameter.  So
it is tried on a patient's records, with and without it, before ``elements`` is set for a source.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from collectors.fetching.client import Client
from collectors.fetching.query import Parameters
from collectors.reading.readout import check_fhir_id
from collectors.reading.records import decode_plain
from collectors.search import CollectorDescription

MOST_COMPARED = 50
"""Records compared, at most."""


@dataclass(frozen=True, slots=True)
class ElementsProbe:
    """Whether ``_elements`` may be used (None: nothing to try it on), why, and the percentage of bytes that remain."""

    usable: bool | None
    text: str
    percent: int = 100


async def probe_elements(client: Client, collector: CollectorDescription, patient: str) -> ElementsProbe:
    """Compares a patient's records of one type with and without ``_elements``.

    Raises CollectorError where one of the two searches fails, PatientNotFoundError for a malformed id.
    """
    kind = collector.resource_type
    if not collector.elements:
        return ElementsProbe(None, f"{kind}: its collector does not say which elements it reads")
    query: Parameters = ((collector.patient_parameter, check_fhir_id(patient)), ("_count", str(MOST_COMPARED)))
    full = await client.search(kind, query, first_only=True)
    partial = await client.search(kind, (*query, ("_elements", ",".join(collector.elements))), first_only=True)
    full_records, partial_records = _records_by_id(full.records, kind), _records_by_id(partial.records, kind)
    if not full_records:
        return ElementsProbe(None, f"{kind}: the patient has no records to try it on")
    if not full_records.keys() <= partial_records.keys():
        return ElementsProbe(False, f"{kind}: records are missing with _elements")
    lost = sorted(
        {
            name
            for key, record in full_records.items()
            for name in _changed_elements(record, partial_records[key], collector.elements)
        }
    )
    if lost:
        return ElementsProbe(False, f"{kind}: with _elements it loses or changes {', '.join(lost)}")
    percent = round(100 * sum(map(len, partial.records)) / max(1, sum(map(len, full.records))))
    if percent > 95:
        return ElementsProbe(False, f"{kind}: _elements saves nothing there", percent)
    return ElementsProbe(
        True, f"{kind}: with _elements all that is read is complete, in {percent} % of the bytes", percent
    )


def _records_by_id(raws: tuple[bytes, ...], kind: str) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for raw in raws:
        try:
            record = decode_plain(raw)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and record.get("resourceType") == kind and isinstance(record.get("id"), str):
            found[record["id"]] = record
    return found


def _changed_elements(before: Mapping[str, Any], after: Mapping[str, Any], elements: tuple[str, ...]) -> list[str]:
    """The names of read elements that differ; of ``meta`` only the version counts, since servers tag a subset."""
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

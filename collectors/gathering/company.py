"""The records that a collector needs beside its own: medications that prescriptions name, devices of readings."""

from collectors import assemble
from collectors.collector import Beside, Wants
from collectors.draft import Draft
from collectors.errors import CollectorError
from collectors.facts import Failure
from collectors.fetching.search import Parameters, by_ids, simple_query
from collectors.gathering.ability import Ability, not_offered
from collectors.gathering.noting import fault
from collectors.gathering.requests import Requests
from collectors.handed import HandedIn
from collectors.reading.records import Record


async def beside(
    wants: Wants, collector: str, requests: Requests, draft: Draft, ability: Ability, handed: HandedIn
) -> Beside:
    """What was handed in of them, and the rest as it is fetched; what fails is told there, and as an issue."""
    records: dict[str, tuple[Record, ...]] = {}
    failures: dict[str, Failure] = {}
    setting = draft.setting
    for resource_type, ids in wants.items():
        given, ids = handed.beside(resource_type, ids)
        held = tuple(assemble.records_of(given, resource_type, draft))
        if held or (ids is not None and not ids):
            records[resource_type] = held
        if ids is not None and not ids:
            continue
        if ability.lacks(resource_type):
            failures[resource_type], issue = not_offered(resource_type)
            draft.issues.append(issue)
            continue
        if ids is None:
            sent: tuple[Parameters, ...] = (simple_query(setting.source, setting.patient, "patient"),)
        else:
            sent = by_ids(setting.source, ids)
        try:
            found, missing = await requests.records(collector, resource_type, sent)
            records[resource_type] = (*held, *found)
            if missing is not None:
                failures[resource_type] = missing
        except CollectorError as error:
            failures[resource_type] = fault(draft, resource_type, error)
    return Beside(records, failures)

"""References within a source: the id of the record that one means, and the periods of the encounters referred to."""

from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

import msgspec

from collectors.reading.fhir_dates import read_time
from collectors.reading.fhir_types import Period
from collectors.reading.records import Record
from ontology.resources import Span


class Encounter(msgspec.Struct, gc=False):
    """An Encounter: only when it was."""

    id: str | None = None
    status: str | None = None
    period: Period | None = None


ENCOUNTER = msgspec.json.Decoder(Encounter)


def local_id(reference: str | None, resource_type: str, bases: tuple[str, ...]) -> str | None:
    """The id of the record of this type and source that a reference means; None where it means another, or none.

    ``bases``: the source's own base URLs (``Source.bases``).
    """
    if reference is None:
        return None
    target = reference.partition("/_history/")[0]
    starts = (f"{resource_type}/", "urn:uuid:", *(f"{base}/{resource_type}/" for base in bases))
    rest = next((target.removeprefix(start) for start in starts if target.startswith(start)), "")
    return rest if rest and "/" not in rest else None


def encounter_periods(records: Iterable[Record], zone: ZoneInfo) -> dict[str, Span]:
    """The periods of encounters that are over, by id.  One that is still under way dates nothing."""
    periods: dict[str, Span] = {}
    for record in records:
        try:
            encounter = ENCOUNTER.decode(record.raw)
            period = encounter.period
            if period is None or period.start is None or period.end is None:
                continue
            start, end = read_time(period.start, zone).start, read_time(period.end, zone).end
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError, OverflowError):
            continue
        if start <= end and encounter.status != "entered-in-error":
            periods[record.ref.id] = Span(start, end)
    return periods


def encounter_period(reference: str | None, periods: Mapping[str, Span], bases: tuple[str, ...]) -> Span | None:
    """The period of the encounter to which a record of this source refers."""
    encounter = local_id(reference, "Encounter", bases)
    return periods.get(encounter) if encounter is not None else None

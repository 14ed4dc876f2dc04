"""The draft orders that come with a question, out of the Bundle of a CDS Hooks context (``draftOrders``).

They are read as they come: a draft may have no id yet, and lack what a finished order needs.  Whatever cannot be read
is kept as a record that could be any order: it is never as if nothing were ordered.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from collectors.reading.readout import FHIR_ID
from collectors.reading.supplied import encode_resource

Json: TypeAlias = Mapping[str, Any]

ORDER, MEDICATION = "MedicationRequest", "Medication"
_URN = "urn:uuid:"
_UNREADABLE = b"null"
_UNNAMED = "unnamed-draft"


@dataclass(frozen=True, slots=True)
class DraftOrders:
    """The draft orders of a question, and the Medication records beside them, each with an id.

    An order without an id has that of its full URL, or else a name of ours (``unnamed-draft-1``), by which only this
    question knows it.
    """

    orders: tuple[bytes, ...] = ()
    medications: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of the Bundle: its full URL, its record, and the types and id by which it is referred to."""

    full_url: str | None
    record: Json
    type: str
    id: str

    @property
    def names(self) -> tuple[str, ...]:
        """What a reference to it says at its end (``_meant``)."""
        relative = f"{self.type}/{self.id}"
        return (relative,) if self.full_url is None else (relative, self.full_url)


def _meant(reference: str) -> tuple[str, str]:
    """What a reference may mean, without its version: a full URL, or a type and an id, which stand at its end."""
    target = reference.partition("/_history/")[0]
    return target, "/".join(target.rsplit("/", 2)[-2:])


def read_draft_orders(bundle: Json, selections: Sequence[str] | None = None) -> DraftOrders:
    """The orders of medications among the drafts, all or those that are selected; other types of order are left out.

    ``selections`` are references to entries of the Bundle; one that leads to none of them, and may be of a medication,
    counts as an order that cannot be read.
    """
    entries, unreadable = _read_entries(bundle.get("entry"))
    chosen = entries
    if selections is not None:
        # By sets: what is selected is looked up, and not compared with every entry.
        meant = {each: _meant(each) for each in selections}
        wanted = {name for names in meant.values() for name in names}
        known = {name for each in entries for name in each.names}
        chosen = [each for each in entries if not wanted.isdisjoint(each.names)]
        # What cannot be read may be what was selected.
        lost = [each for each, names in meant.items() if known.isdisjoint(names)]
        unreadable = sum(_may_be_of_medication(each) for each in lost)
    orders = [encode_resource(each.record) for each in chosen if each.type == ORDER]
    medications = [encode_resource(each) for entry in entries if entry.type == MEDICATION for each in _named(entry)]
    return DraftOrders((*orders, *(unreadable * (_UNREADABLE,))), tuple(medications))


def _read_entries(entries: Any) -> tuple[list[_Entry], int]:
    """The entries that say what they are, and how many others there are."""
    if entries is None:
        return [], 0
    if not isinstance(entries, list):
        return [], 1
    found, unreadable = [], 0
    for number, each in enumerate(entries, 1):
        record = each.get("resource") if isinstance(each, Mapping) else None
        kind = record.get("resourceType") if isinstance(record, Mapping) else None
        if not isinstance(record, Mapping) or not isinstance(kind, str):
            unreadable += 1
            continue
        url = each.get("fullUrl") if isinstance(each.get("fullUrl"), str) else None
        id_ = _readable_id(record.get("id")) or _readable_id(_last_part(url)) or f"{_UNNAMED}-{number}"
        found.append(_Entry(url, {**record, "id": id_}, kind, id_))
    return found, unreadable


def _named(entry: _Entry) -> Iterator[Json]:
    """A record under its id, and under that of its URN, where orders refer to it by that."""
    yield entry.record
    if entry.full_url is not None and entry.full_url.startswith(_URN):
        urn = _readable_id(entry.full_url.removeprefix(_URN))
        if urn is not None and urn != entry.id:
            yield {**entry.record, "id": urn}


def _readable_id(text: Any) -> str | None:
    return text if isinstance(text, str) and FHIR_ID.fullmatch(text) is not None else None


def _last_part(url: str | None) -> str | None:
    """The id in a full URL."""
    if url is None:
        return None
    return url.removeprefix(_URN) if url.startswith(_URN) else url.partition("/_history/")[0].rpartition("/")[2]


def _may_be_of_medication(reference: str) -> bool:
    """Whether a reference may lead to an order of a medication: it names that type, or none."""
    named = [part for part in reference.partition("/_history/")[0].split("/")[:-1] if part[:1].isupper()]
    return not named or named[-1] == ORDER

"""Whose records the entries of a Bundle are: references resolved by full URL, as FHIR says.

A relative reference (``Patient/p1``) is one of the server in whose address its own entry's full URL lies
(https://hl7.org/fhir/R4/bundle.html#references), so that two servers' records of one id are told apart.  Addresses that
differ by http and https alone are one.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from collectors.reading import fhir_types
from collectors.reading.fhir_types import MISSING_ELEMENT, UNDECODABLE, Reference
from collectors.reading.records import same_content
from collectors.reading.supplied import SuppliedEntry


class _Entry(msgspec.Struct, gc=False):
    """The elements of a record that say what it is, and of whom; ``subject`` may have another type in a damaged one."""

    resourceType: str | None = None  # noqa: N815  (FHIR's own name)
    id: str | None = None
    subject: msgspec.Raw = MISSING_ELEMENT
    patient: msgspec.Raw = MISSING_ELEMENT


_ENTRY = msgspec.json.Decoder(_Entry)
_REFERENCE = msgspec.json.Decoder(Reference)


@dataclass(frozen=True, slots=True)
class _Placed:
    """An entry with its address, that of its server (``root``; None: it has none), and the reference to its subject."""

    entry: SuppliedEntry
    type: str
    id: str
    address: str
    root: str | None
    subject: str | None


@dataclass(frozen=True, slots=True)
class PatientRecords:
    """The entries that may be of one patient, and the full URLs of the patient's own record.

    ``left_out`` counts, by type, the records of persons who are not in the Bundle.  ``refusal_reason``: why it cannot
    be told whose the records are.
    """

    entries: Sequence[SuppliedEntry]
    aliases: frozenset[str] = frozenset()
    left_out: Mapping[str, int] = field(default_factory=dict)
    refusal_reason: str | None = None


def records_of_patient(entries: Sequence[SuppliedEntry], patient: str) -> PatientRecords:
    """Leaves out the records whose references lead to another person than the patient with this id.

    Refused are two Patient records of this id, and two records of one type and id that may both be the patient's.
    """
    placed = {id(entry): found for entry in entries if (found := _place(entry)) is not None}
    own = [each for each in placed.values() if (each.type, each.id) == ("Patient", patient)]
    urls = frozenset(each.address for each in own)
    if len(urls) > 1:
        servers = ", ".join(sorted({each.root or each.address for each in own}))
        text = f"it holds {len(urls)} Patient records with the id that was asked for ({servers})"
        return PatientRecords((), refusal_reason=f"{text}; supply the records of one person")
    home = own[0].root if own else _only_server(placed.values(), patient)
    left_out: Counter[str] = Counter()
    kept: list[SuppliedEntry] = []
    for entry in entries:
        found = placed.get(id(entry))
        if found is None or found in own or _may_be_of_patient(found, home, urls):
            kept.append(entry)
        elif found.subject is not None:
            left_out[found.type] += 1
    refusal = _one_id_of_two_servers((placed[id(entry)] for entry in kept if id(entry) in placed), patient)
    aliases = frozenset(url for each in own if (url := each.entry.full_url))
    return PatientRecords(kept, aliases, left_out, refusal)


def _place(entry: SuppliedEntry) -> _Placed | None:
    """Where an entry lies by its full URL; None without one, or where it is not that of a record of its type."""
    if not entry.full_url:
        return None
    try:
        head = _ENTRY.decode(entry.record)
    except UNDECODABLE:
        return None
    if head.resourceType is None or head.id is None:
        return None
    address = _address(entry.full_url)
    root: str | None = None
    if address != entry.full_url:
        # Another id than the record's does not make it another server's.
        root, _, last = address.rpartition(f"/{head.resourceType}/")
        if not root or not last or "/" in last:
            return None
    subject = _reference(head.subject) or _reference(head.patient)
    return _Placed(entry, head.resourceType, head.id, address, root, subject)


def _address(url: str) -> str:
    """A URL without its scheme, and without a version; one that is not of http or https unchanged."""
    _, found, rest = url.partition("://")
    return rest.partition("/_history/")[0] if found and url.startswith(("http://", "https://")) else url


def _reference(raw: msgspec.Raw) -> str | None:
    try:
        return _REFERENCE.decode(raw).reference if raw else None
    except UNDECODABLE:
        return None


def _is_relative(reference: str) -> bool:
    return not reference.startswith(("http://", "https://", "urn:", "#"))


def _only_server(placed: Iterable[_Placed], patient: str) -> str | None:
    """The one server whose records refer to its patient of this id; None where there are several."""
    wanted = f"Patient/{patient}"
    roots = {each.root for each in placed if (each.subject or "").partition("/_history/")[0] == wanted and each.root}
    return roots.pop() if len(roots) == 1 else None


def _may_be_of_patient(found: _Placed, home: str | None, urls: frozenset[str]) -> bool:
    """Whether an entry may be of the patient, whose server is ``home`` and whose own record has one of ``urls``.

    Where its reference cannot be resolved here, reading decides.
    """
    if found.root is None:
        return True
    if found.subject is None:
        return home is None or found.root == home
    if _is_relative(found.subject):
        return found.root == home
    return _address(found.subject) in urls or home is None or found.root == home


def _one_id_of_two_servers(kept: Iterable[_Placed], patient: str) -> str | None:
    """A refusal where two different records have one type and id: only one of them would be read."""
    first: dict[tuple[str, str], _Placed] = {}
    for each in kept:
        if each.type == "Patient" and each.id != patient:
            continue
        before = first.setdefault((each.type, each.id), each)
        if before.address != each.address and not same_content(before.entry.record, each.entry.record):
            kind = fhir_types.printable_text(each.type)
            return f"it holds two {kind} records with one id and different full URLs; supply each server's on its own"
    return None

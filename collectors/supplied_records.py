"""Records supplied with a question: prefetch templates that ask a client for them, and which searches they answer.

CDS Hooks 2.0 allows tokens for fields of the hook's context and for the user's ids only: there is none for a date, so
the templates ask for all times.  "Supplied and empty" is an answer; "not supplied" is none.  In doubt a search counts
as not supplied: it is fetched then or, where nothing can be fetched, reported as unknown.  Records in a file are used
all the same where nothing can be fetched: as a part of the list, by which nothing is ruled out.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import quote

import msgspec

from collectors.errors import SuppliedRecordsError
from collectors.fetching.query import MOST_CODES, format_tokens
from collectors.reading import fhir_types
from collectors.reading.bundle_references import PatientRecords, records_of_patient
from collectors.reading.codes import is_prefix
from collectors.reading.draft_orders import MEDICATION, DraftOrders
from collectors.reading.prefetched import OF_ANOTHER, answer_fault, subject_fault
from collectors.reading.supplied import (
    SuppliedBundle,
    SuppliedEntry,
    encode_resource,
    read_supplied,
    supplied_from_records,
)
from collectors.search import Search
from collectors.settings import Source
from ontology.concepts import Origin
from ontology.resources import RecordRef

MOST_ENTRIES = 1000
"""``_count`` of each template: an answer as long as this may lack records."""

_CONTEXT_PATIENT = "{{context.patientId}}"


def search_templates(search: Search) -> Mapping[str, str]:
    """The templates that together bring what a search brings, by key: one, or one a hundred codes.

    A source's local codes are among them where the search is one that was prepared for it (``Terminology.written``).
    None for what is searched on request only, and none for draft orders, which no source is searched for.
    """
    description = search.description
    if description.on_request or description.comes_with_question:
        return {}
    if description.origin is Origin.PATIENT:
        return {"patient": f"Patient/{_CONTEXT_PATIENT}"}
    patient = f"{description.resource_type}?{description.patient_parameter}={_CONTEXT_PATIENT}"
    code = description.code_parameter
    # A value set that a terminology server works out may have codes that are not among these.
    unknown = not search.codes or any(concept.accepted_sets for concept in search.concepts)
    if code is None or unknown or any(map(is_prefix, search.codes)):
        return {description.id: f"{patient}&_count={MOST_ENTRIES}"}
    chunks = [search.codes[first : first + MOST_CODES] for first in range(0, len(search.codes), MOST_CODES)]
    made = [f"{patient}&{code}={quote(format_tokens(chunk), safe='|,:/')}&_count={MOST_ENTRIES}" for chunk in chunks]
    if len(made) == 1:
        return {description.id: made[0]}
    return {f"{description.id}-{number}": template for number, template in enumerate(made, 1)}


def reference_templates(search: Search) -> Mapping[str, str]:
    """The keys of the further resource types that may be needed to read the records, and which type each is."""
    return {f"all-{kind.lower()}": kind for kind in search.description.includes}


def type_template(resource_type: str) -> str:
    """All of the patient's records of a type."""
    return f"{resource_type}?patient={_CONTEXT_PATIENT}&_count={MOST_ENTRIES}"


OFFLINE = Source(id="handed-in", base_url="https://medtwin.example/handed-in")
"""The source of supplied records where none is configured.  It is never called."""

Json: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SuppliedRecords:
    """The records supplied with one question.

    ``answers``: the records of complete searches, by collector id.  ``complete_types``: all of the patient's records of
    a type.  ``all_records``: every record supplied, by type; enough where single records are looked for by id.
    ``aliases``: further references that mean the patient.  ``reasons``: why a search (by collector id) is not answered.
    ``part``: where nothing can be fetched, the records of a type that is not complete are used as a part of its list.
    ``failed_part``: a part of what was supplied failed, so that no type is complete.  ``left_out`` counts, by type,
    records of persons who are not among those supplied.  ``drafts``: the draft orders that are part of the question;
    they answer what asks for draft orders, and nothing else (None: there is no word of any).
    """

    answers: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    complete_types: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    all_records: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    aliases: frozenset[str] = frozenset()
    reasons: Mapping[str, str] = field(default_factory=dict)
    part: bool = False
    failed_part: str | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    drafts: DraftOrders | None = None

    def records_for(self, search: Search) -> tuple[bytes, ...] | None:
        """The records of a search, perhaps none; None where it was not supplied."""
        description = search.description
        if description.comes_with_question:
            return None if self.drafts is None else self.drafts.orders
        found = self.answers.get(description.id)
        return self.complete_types.get(description.resource_type) if found is None else found

    def partial_records(self, resource_type: str) -> tuple[bytes, ...]:
        """Records of a type that is not complete: what they state is stated, and what they lack may exist elsewhere.

        None of the type Patient: another person's record is no part of the patient's own.
        """
        if not self.part or resource_type == "Patient":
            return ()
        # A record that cannot even be named may be of any type.
        return (*self.all_records.get(resource_type, ()), *self.all_records.get("", ()))

    def find_references(
        self, resource_type: str, ids: frozenset[str] | None, of_drafts: bool = False
    ) -> tuple[tuple[bytes, ...], frozenset[str] | None]:
        """The supplied ones of the records that others refer to, and the ids that are still to be fetched.

        ``ids`` None: all of the patient's records of the type, here and in what is returned.  ``of_drafts``: draft
        orders refer to them, first of all to what came beside them.
        """
        if ids is None:
            complete = self.complete_types.get(resource_type)
            return ((), None) if complete is None else (complete, frozenset())
        beside = self.drafts.medications if of_drafts and self.drafts is not None else ()
        given: tuple[bytes, ...] = ()
        for records in (beside if resource_type == MEDICATION else (), self.all_records.get(resource_type, ())):
            found = {raw: fhir_types.HEAD.decode(raw).id for raw in records}
            given += tuple(raw for raw, id_ in found.items() if id_ in ids)
            ids -= {id_ for id_ in found.values() if id_}
        return given, ids

    def find_version(self, ref: RecordRef) -> bytes | None:
        """A supplied record of this type, id and version (None: whichever was supplied); None where there is none."""
        for raw in self.all_records.get(ref.type, ()):
            head = fhir_types.HEAD.decode(raw)
            version = head.meta.versionId if head.meta is not None else None
            if head.id == ref.id and ref.version in (None, version):
                return raw
        return None

    def missing_reason(self, search: Search) -> str:
        """Why a search is not answered by what was supplied."""
        found = self.reasons.get(search.description.id)
        return self.missing_type_reason(search.description.resource_type) if found is None else found

    def missing_type_reason(self, resource_type: str) -> str:
        """Why what was supplied is not all of the patient's records of a type; names the flag that states it."""
        if self.failed_part is not None:
            return self.failed_part
        if not self.part:
            return f"no complete set of {resource_type} records was supplied"
        if resource_type == "Patient":
            return "the patient's own record was not supplied"
        flag = f"--complete {resource_type}, or --complete all"
        if self.partial_records(resource_type):
            return f"those supplied are not stated to be complete ({flag})"
        return f"none was supplied, and it is not stated that there is none ({flag})"


def from_prefetch(
    prefetch: Mapping[str, bytes | Json | None],
    searches: Iterable[Search],
    patient: str,
    aliases: frozenset[str] = frozenset(),
) -> SuppliedRecords:
    """What a CDS Hooks prefetch answers, with the keys of ``search_templates`` and ``reference_templates``.

    ``null`` is taken as not supplied: clients send it for "nothing there" and for "unavailable" alike.  So is whatever
    cannot be the whole answer to its template, with the reason in words.  Other keys are passed over.  ``aliases``:
    absolute references that mean the patient, such as those under the base URLs of the source.
    """
    searches = tuple(searches)
    known = _prefetch_keys(searches)
    given = {
        key: _read_prefetched(value, known[key], patient)
        for key, value in prefetch.items()
        if value is not None and key in known
    }
    mine = _of_patient([entry for each in given.values() for entry in each.entries], patient)
    chosen, own_references = {id(entry) for entry in mine.entries}, aliases | mine.aliases
    read = {}
    for key, each in given.items():
        refusal = mine.refusal_reason
        if refusal is None and not all(id(entry) in chosen for entry in each.entries):
            refusal = OF_ANOTHER
        refusal = refusal or subject_fault(each.records, patient, own_references)
        read[key] = each if refusal is None else SuppliedBundle(refusal_reason=refusal)
    answers: dict[str, tuple[bytes, ...]] = {}
    types: dict[str, tuple[bytes, ...]] = {}
    why: dict[str, str] = {}
    for search in searches:
        wanted = search_templates(search)
        if not wanted:
            continue
        faults = [_prefetch_fault(key, prefetch, read, key == "patient") for key in wanted]
        found = next((fault for fault in faults if fault is not None), None)
        if found is None:
            answers[search.description.id] = tuple(raw for key in wanted for raw in read[key].records)
            if type_template(search.description.resource_type) in wanted.values():
                types[search.description.resource_type] = answers[search.description.id]
        else:
            why[search.description.id] = found
        for key, kind in reference_templates(search).items():
            if _prefetch_fault(key, prefetch, read, False) is None:
                types[kind] = read[key].records
    loose = _group_by_type(raw for each in read.values() for raw in each.records)
    return SuppliedRecords(answers, types, loose, own_references, why)


def _prefetch_keys(searches: Iterable[Search]) -> Mapping[str, str]:
    """Every key of the templates of these searches, and which type of record its answer holds."""
    known: dict[str, str] = {}
    for search in searches:
        known.update(dict.fromkeys(search_templates(search), search.description.resource_type))
        known.update(reference_templates(search) if not search.description.on_request else {})
    return known


def _read_prefetched(value: bytes | Json, resource_type: str, patient: str) -> SuppliedBundle:
    """What was supplied under a key; refused where it cannot be the whole answer to its template."""
    read = read_supplied(value, MOST_ENTRIES)
    if read.refusal_reason is not None:
        return read
    fault = answer_fault(read.records, resource_type, patient)
    return read if fault is None else SuppliedBundle(refusal_reason=fault)


def from_records(supplied: bytes | Iterable[Json | bytes], complete: Collection[str], patient: str) -> SuppliedRecords:
    """What one Bundle (of any type) or a JSON array of records answers.

    ``complete``: the resource types of which all of the patient's records are among them, or none exist.  The
    patient's own record need not be named.  The records of other types are used as a part of all: what is not among
    them is unknown.  Of a history the newest versions are used.  Raises SuppliedRecordsError where it is neither, is
    one page of several, or holds a record twice with different contents.
    """
    if isinstance(supplied, bytes):
        read = read_supplied(supplied, allow_array=True)
    else:
        read = supplied_from_records(
            tuple(each if isinstance(each, bytes) else encode_resource(each) for each in supplied)
        )
    if read.refusal_reason is not None:
        raise SuppliedRecordsError(f"the supplied records cannot be used: {read.refusal_reason}")
    mine = _of_patient(read.entries, patient)
    if mine.refusal_reason is not None:
        raise SuppliedRecordsError(f"the supplied records cannot be used: {mine.refusal_reason}")
    loose = _group_by_type(entry.record for entry in mine.entries)
    # A record that cannot even be named may be of any type: it is counted there, as one that cannot be read.
    types = {kind: (*loose.get(kind, ()), *loose.get("", ())) for kind in complete} if not read.missing_reason else {}
    own = tuple(raw for raw in loose.get("Patient", ()) if fhir_types.HEAD.decode(raw).id == patient)
    if own:
        types["Patient"] = own
    return SuppliedRecords(
        {}, types, loose, mine.aliases, part=True, failed_part=read.missing_reason, left_out=mine.left_out
    )


def _of_patient(entries: Sequence[SuppliedEntry], patient: str) -> PatientRecords:
    """The entries that may be of the patient; without full URLs there is one server, and all may be."""
    if not any(entry.full_url for entry in entries):
        return PatientRecords(entries)
    return records_of_patient(entries, patient)


def _prefetch_fault(
    key: str, prefetch: Mapping[str, bytes | Json | None], read: Mapping[str, SuppliedBundle], single: bool
) -> str | None:
    """Why what was supplied under a key does not answer its template."""
    if key not in prefetch:
        return f'"{key}" was not supplied'
    if key not in read:
        return f'"{key}" was supplied as null, which does not tell "none" from "not available"'
    if read[key].refusal_reason is not None:
        return f'"{key}" was not supplied completely: {read[key].refusal_reason}'
    if read[key].missing_reason is not None:
        return f'"{key}" was not supplied completely: {read[key].missing_reason}'
    if not single and not read[key].is_searchset:
        return f'"{key}" was not supplied completely: it is not a search set'
    return None


def _group_by_type(records: Iterable[bytes]) -> dict[str, tuple[bytes, ...]]:
    found: dict[str, list[bytes]] = {}
    for raw in records:
        try:
            kind = fhir_types.HEAD.decode(raw).resourceType
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            kind = None
        found.setdefault(kind or "", []).append(raw)
    return {kind: tuple(raws) for kind, raws in found.items()}

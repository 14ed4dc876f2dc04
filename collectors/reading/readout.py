"""The input and the output of reading: records, the patient's context, references, and the facts of a batch."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import msgspec

from collectors.errors import PatientNotFoundError
from collectors.facts import Failure
from collectors.reading import fhir_types
from collectors.reading.codes import NO_TRANSLATION, CodeKey, Translation
from collectors.reading.fhir_types import Period, read_time
from collectors.reading.records import CodedEntry, Fact, Record, exceeds_limits
from collectors.settings import Source
from ontology.evaluation import Issue, Severity
from ontology.resources import RecordRef, Span
from ontology.words.lists import count_words

# Ids and versions become parts of addresses and of names; some servers go a little beyond what FHIR allows in them.
_NAME = re.compile(r"[A-Za-z0-9\-._~]{1,128}")
FHIR_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
"""What FHIR allows as an id: only such ids are requested."""


def check_fhir_id(patient: str) -> str:
    """The id, if it can be a FHIR id at all (else PatientNotFoundError, which does not repeat it)."""
    if FHIR_ID.fullmatch(patient) is None:
        raise PatientNotFoundError("the patient's id is not a FHIR id (letters, digits, '-' and '.', at most 64)")
    return patient


@dataclass(frozen=True, slots=True)
class PatientContext:
    """The patient whose records are read, and the source.

    ``subject_references`` are the literal references that mean the patient, ``subject`` the relative one of them.
    """

    source: Source
    patient: str
    subject_references: frozenset[str]
    subject: str
    translation: Translation = NO_TRANSLATION

    @classmethod
    def for_patient(cls, source: Source, patient: str, translation: Translation = NO_TRANSLATION) -> "PatientContext":
        """The context, with every literal reference by which records of this source may refer to the patient."""
        absolute = (f"{base}/Patient/{patient}" for base in source.bases)
        ways = (f"Patient/{patient}", f"urn:uuid:{patient}", *absolute)
        return cls(source, patient, frozenset(ways), f"Patient/{patient}", translation)

    def refers_to_patient(self, reference: fhir_types.Reference | None) -> bool:
        """Whether a literal reference means the patient; False where that is unknown."""
        if reference is None or reference.reference is None:
            return False
        return reference.reference.partition("/_history/")[0] in self.subject_references

    def refers_to_another_patient(self, reference: fhir_types.Reference | None) -> bool:
        """Whether a literal reference certainly means another patient of this source.

        An address of another server may still mean this patient, since servers behind a proxy may use another base
        URL for themselves; so may a reference that cannot be resolved.
        """
        if reference is None or reference.reference is None or self.refers_to_patient(reference):
            return False
        target = reference.reference.partition("/_history/")[0]
        starts = (f"{base}/" for base in self.source.bases)
        own = next((target.removeprefix(start) for start in starts if target.startswith(start)), target)
        return own.startswith("Patient/") and _NAME.fullmatch(own.removeprefix("Patient/")) is not None

    def equivalent_codes(self, code: fhir_types.CodeableConcept | None) -> frozenset[CodeKey]:
        """The codes by which an entry can be read: its own, and those that the source's maps translate to."""
        if code is None:
            return frozenset()
        return self.translation.equivalent_codes(
            (each.system, each.code) for each in code.coding if each.system and each.code
        )


@dataclass(slots=True)
class Readout:
    """Facts by concept id, and the issues of reading one batch of records.

    ``wrong_subject_count`` counts records that do not name the patient, ``uncertain_subject_count`` those of them
    whose subject is unknown, ``unreadable_count`` records that could not be read at all.  ``coded_entries`` has every
    accepted entry, to distinguish "not recorded" from "recorded in unknown codes".  ``death``: when the patient died,
    if recorded here.  ``withdrawn``: records, by (type, id), that these records withdraw wherever they were read, each
    with a text for readers.  ``retrieval_failure``: why referenced records could not be retrieved.  ``sample_count``:
    samples of SampledData.
    """

    facts: dict[str, list[Fact]] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    wrong_subject_count: int = 0
    uncertain_subject_count: int = 0
    unreadable_count: int = 0
    coded_entries: list[CodedEntry] = field(default_factory=list)
    death: Span | None = None
    withdrawn: dict[tuple[str, str], str] = field(default_factory=dict)
    retrieval_failure: Failure | None = None
    sample_count: int = 0

    def add(self, fact: Fact) -> None:
        """Adds a fact under its concept."""
        self.facts.setdefault(fact.resource.concept, []).append(fact)

    def exclude_subject(self, subject: fhir_types.Reference | None, context: PatientContext) -> None:
        """Counts a record that does not name the patient by its subject."""
        self.wrong_subject_count += 1
        self.uncertain_subject_count += not context.refers_to_another_patient(subject)

    def batch_issues(self, resource_type: str) -> list[Issue]:
        """Issues about the whole batch: those of reading, and records excluded by subject or unreadable."""
        issues, kind = list(self.issues), f"{resource_type} record"
        if self.wrong_subject_count:
            text = f"{count_words(self.wrong_subject_count, kind)} left out: not naming this patient"
            issues.append(Issue(Severity.WARNING, "wrong-subject", text))
        if self.unreadable_count:
            text = f"{count_words(self.unreadable_count, kind)} left out: unreadable"
            issues.append(Issue(Severity.WARNING, "unreadable-record", text))
        return issues


def parse_record(raw: bytes, source: Source) -> Record | None:
    """A record with its reference; None where it has no readable type or id, or exceeds the limits.

    A version that is not valid in an address is ignored: the record is then named without it.
    """
    if exceeds_limits(raw):
        return None
    try:
        head = fhir_types.HEAD.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if head.resourceType is None or head.id is None or _NAME.fullmatch(head.id) is None:
        return None
    meta = head.meta
    version = meta.versionId if meta else None
    if version is not None and _NAME.fullmatch(version) is None:
        version = None
    return Record(
        RecordRef(source.id, source.base_url, head.resourceType, head.id, version),
        raw,
        meta.lastUpdated if meta else None,
    )


def is_operation_outcome(raw: bytes) -> bool:
    """Whether an entry is an OperationOutcome: a message of the server, not a record."""
    try:
        return fhir_types.HEAD.decode(raw).resourceType == "OperationOutcome"
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def record_iri(ref: RecordRef, part: str | None = None) -> str:
    """The IRI of a record's version, or of a part of it."""
    version = f"/_history/{ref.version}" if ref.version else ""
    return f"{ref.url}{version}{'#' + part if part else ''}"


class Encounter(msgspec.Struct, gc=False):
    """An Encounter: status and period only."""

    id: str | None = None
    status: str | None = None
    period: Period | None = None


ENCOUNTER = msgspec.json.Decoder(Encounter)


def local_id(reference: str | None, resource_type: str, bases: tuple[str, ...]) -> str | None:
    """The id of the record of this type and source that a reference means; None for any other reference.

    ``bases``: the source's own base URLs (``Source.bases``).
    """
    if reference is None:
        return None
    target = reference.partition("/_history/")[0]
    starts = (f"{resource_type}/", "urn:uuid:", *(f"{base}/{resource_type}/" for base in bases))
    rest = next((target.removeprefix(start) for start in starts if target.startswith(start)), "")
    return rest if rest and "/" not in rest else None


def encounter_periods(records: Iterable[Record], zone: ZoneInfo) -> dict[str, Span]:
    """The periods of encounters that have ended, by id.  An encounter in progress dates nothing."""
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
        if record.conflicting:
            continue
        if start <= end and encounter.status != "entered-in-error":
            periods[record.ref.id] = Span(start, end)
    return periods


def encounter_period(reference: str | None, periods: Mapping[str, Span], bases: tuple[str, ...]) -> Span | None:
    """The period of the encounter to which a record of this source refers."""
    encounter = local_id(reference, "Encounter", bases)
    return periods.get(encounter) if encounter is not None else None

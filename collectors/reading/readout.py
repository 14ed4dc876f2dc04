"""What reading a batch of records gives, and what every reader needs to know."""

import re
from dataclasses import dataclass, field

import msgspec

from collectors.facts import Failure
from collectors.reading import wire
from collectors.reading.nesting import too_deep
from collectors.reading.records import CodedEntry, Fact, Record
from collectors.reading.translation import NOTHING, Translation
from collectors.settings import Source
from ontology.evaluation import Issue, Severity
from ontology.resources import RecordRef
from ontology.times import Span

# Ids and versions become parts of addresses and of names; some servers go a little beyond what FHIR allows in them.
_NAME = re.compile(r"[A-Za-z0-9\-._~]{1,128}")


@dataclass(frozen=True, slots=True)
class Setting:
    """Whose records are read, from where."""

    source: Source
    patient: str
    subjects: frozenset[str]
    subject: str
    translation: Translation = NOTHING

    @classmethod
    def of(cls, source: Source, patient: str, translation: Translation = NOTHING) -> "Setting":
        """The setting, with every way in which a record of this source may refer to the patient."""
        absolute = (f"{base}/Patient/{patient}" for base in source.bases)
        ways = (f"Patient/{patient}", f"urn:uuid:{patient}", *absolute)
        return cls(source, patient, frozenset(ways), f"Patient/{patient}", translation)

    def concerns(self, reference: wire.Reference | None) -> bool:
        """Whether a literal reference means the patient.  What cannot be told is not the patient's."""
        if reference is None or reference.reference is None:
            return False
        return reference.reference.partition("/_history/")[0] in self.subjects

    def of_another(self, reference: wire.Reference | None) -> bool:
        """Whether a literal reference means another patient of this source for sure.

        An address of another server may mean this patient all the same, since servers behind a proxy name themselves
        otherwise than they are called; so may a reference that cannot be followed.
        """
        if reference is None or reference.reference is None or self.concerns(reference):
            return False
        target = reference.reference.partition("/_history/")[0]
        starts = (f"{base}/" for base in self.source.bases)
        own = next((target.removeprefix(start) for start in starts if target.startswith(start)), target)
        return own.startswith("Patient/") and _NAME.fullmatch(own.removeprefix("Patient/")) is not None

    def systems(self, code: wire.CodeableConcept | None) -> frozenset[str]:
        """The code systems in which an entry can be read, by itself or by what the source's maps say of its codes."""
        if code is None:
            return frozenset()
        return self.translation.systems_of(
            (each.system, each.code) for each in code.coding if each.system and each.code
        )


@dataclass(slots=True)
class Readout:
    """Facts by concept id, and what the reader of any answer must know of the reading.

    ``strangers`` counts records that do not name the patient, ``unsure`` those among them of which it cannot be told
    whose they are, ``unnamed`` such as could not be read at all.
    ``coded`` has every entry of the type that counts, so that "not recorded" can be told from "recorded in codes that
    are not known here".  ``death``: when the patient died, if these records say so.  ``withdrawn`` are records, by type
    and id, that do not count by what these records say, each with a text for readers: wherever they were read.
    ``hindered``: why a part of what is needed to read them could not be had.  ``samples`` counts those of courses.
    """

    facts: dict[str, list[Fact]] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    strangers: int = 0
    unsure: int = 0
    unnamed: int = 0
    coded: list[CodedEntry] = field(default_factory=list)
    death: Span | None = None
    withdrawn: dict[tuple[str, str], str] = field(default_factory=dict)
    hindered: Failure | None = None
    samples: int = 0

    def add(self, fact: Fact) -> None:
        """Files a fact under its concept."""
        self.facts.setdefault(fact.resource.concept, []).append(fact)

    def leave_out(self, subject: wire.Reference | None, setting: Setting) -> None:
        """Counts a record that does not name the patient by its subject."""
        self.strangers += 1
        self.unsure += not setting.of_another(subject)

    def closing_issues(self, resource_type: str) -> list[Issue]:
        """Issues about the batch as a whole."""
        told = list(self.issues)
        if self.strangers:
            text = f"{self.strangers} {resource_type} record(s) that do not name this patient were left out"
            told.append(Issue(Severity.WARNING, "wrong-subject", text))
        if self.unnamed:
            text = f"{self.unnamed} {resource_type} record(s) could not be read at all and were left out"
            told.append(Issue(Severity.WARNING, "unreadable-record", text))
        return told


def record_of(raw: bytes, source: Source) -> Record | None:
    """A record with its reference, or None where it has no type or id that can be read.

    A version that can be no part of an address is passed over: the record is then named without it.
    """
    if too_deep(raw):
        return None
    try:
        head = wire.HEAD.decode(raw)
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


def is_outcome(raw: bytes) -> bool:
    """Whether an entry is an OperationOutcome: a remark of the server, not a record."""
    try:
        return wire.HEAD.decode(raw).resourceType == "OperationOutcome"
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def record_iri(ref: RecordRef, part: str | None = None) -> str:
    """The version of a record (and a part of it) as an IRI."""
    version = f"/_history/{ref.version}" if ref.version else ""
    return f"{ref.url}{version}{'#' + part if part else ''}"

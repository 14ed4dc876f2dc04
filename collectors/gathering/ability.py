"""What is known of a source while one question is put to it, and what the question's own records may teach of it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from collectors.capability.capability import Capability, Known
from collectors.capability.learned import Learned
from collectors.facts import Failure
from collectors.needs import Search
from collectors.reading.placed import placed
from collectors.reading.readout import Setting
from collectors.reading.records import Record
from collectors.strategy.proof import Evidence
from collectors.strategy.strategy import Way, candidates, way_of
from ontology.concepts import Origin
from ontology.evaluation import Issue, Severity
from ontology.values import AbsentReason

CROWD = 2_000
"""More records than these are not laid out to prove anything: it would take the time of a question."""


@dataclass(slots=True)
class Ability:
    """The capability of a source as far as it is known, and what it was seen to do."""

    known: Known = field(default_factory=Known)
    learned: Learned = field(default_factory=Learned)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    evidence: list[tuple[tuple[Way, ...], Evidence]] = field(default_factory=list)

    @property
    def capability(self) -> Capability | None:
        """What the source declares, where that can be relied on."""
        return self.known.capability

    def lacks(self, resource_type: str) -> bool:
        """Whether a type is not offered.  Patient is asked for in any case: without it there is no answer at all."""
        return self.capability is not None and not self.capability.offers(resource_type) and resource_type != "Patient"

    def way(self, search: Search, at: datetime) -> Way:
        """How a search is sent."""
        return way_of(search, at, self.now, self.capability, self.learned)

    def distrust(self, way: Way) -> None:
        """Notes that a way which was seen to work does not, so that it is not taken again."""
        (self.learned.lastn if way is Way.LASTN else self.learned.sort).shown = False

    def witness(self, search: Search, at: datetime, setting: Setting, records: list[Record]) -> None:
        """Keeps the records of a search that was answered in full until the question is, where they may show a way."""
        if self.capability is None or len(records) > CROWD:
            return
        ways = candidates(search, at, self.now, self.capability)
        proofs = [self.learned.lastn if way is Way.LASTN else self.learned.sort for way in ways]
        if not any(proof.open for proof in proofs) or proofs[0].shown:
            return
        known = tuple(placed(record, setting.source.zone) for record in records)
        evidence = Evidence(search, setting.source, setting.patient, at, self.capability, known)
        self.evidence.append((ways, evidence))


def not_offered(resource_type: str) -> tuple[Failure, Issue]:
    """What is told where a source does not have a resource type at all."""
    text = f"The source does not offer {resource_type}."
    return Failure(AbsentReason.NOT_QUERIED, text), Issue(Severity.INFORMATION, "not-offered", text)


def refused(source: str, refusal: str) -> tuple[Failure, Issue]:
    """What is told where a source must not be asked, being of another version of FHIR."""
    text = f"Source {source} was not asked: {refusal}."
    return Failure(AbsentReason.NOT_QUERIED, text), Issue(Severity.ERROR, "source-version", text)


def is_patient(search: Search) -> bool:
    """Whether a search is for the patient's own record."""
    return search.description.origin is Origin.PATIENT

"""What came of computing an exported argument again: plain objects, whatever was wrong with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from ontology.evaluation import Evaluation
from ontology.inputs import Consumed
from server.catalog.descriptions import Description
from server.explain.replay.said import Said, SaidStep


class Kind(StrEnum):
    """What a finding is about."""

    MODULE = "module"
    """There is no such module here."""
    VERSION = "version"
    """The module has another version here."""
    DESCRIPTION = "description"
    """The module is described otherwise here."""
    CODE = "code"
    """The module's code is another here."""
    ENVIRONMENT = "environment"
    """Interpreter, ontology or libraries are others here."""
    FORMAT = "format"
    """Fingerprints have another form here."""
    SLOT = "slot"
    """What fills the slots does not fit the module."""
    LINK = "link"
    """An input does not come from where it must."""
    INPUT = "input"
    """An input is not what the step before it gives here."""
    TIME = "time"
    """Times do not fit each other, or cannot be reckoned with."""
    FINGERPRINT = "fingerprint"
    """The digest does not fit what the step says."""
    KEY = "key"
    """The fingerprint is not the one that this installation gives."""
    VALUE = "value"
    """Another value comes out here."""
    BOUNDS = "bounds"
    """Other limits of the value come out here."""
    INTERVAL = "interval"
    """Another uncertainty comes out here."""
    CONTRIBUTIONS = "contributions"
    """What each input added does not come out."""
    FAILED = "failed"
    """The module fails here."""
    NOT_COMPUTED = "not-computed"
    """It cannot be computed here, for reasons that other findings give."""
    ANSWER = "answer"
    """The answer is not what its last step gave."""
    STATUS = "status"
    """The status does not fit the steps."""
    ATTRIBUTION = "attribution"
    """What moved the answer does not come out."""
    SEAL = "seal"
    """The seal does not fit."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that differs, is missing or could not be computed; ``text`` says both sides."""

    kind: Kind
    text: str
    slot: str | None = None


@dataclass(frozen=True, slots=True)
class ReplayedStep:
    """A step, computed again.  ``description`` is None where there is no such module, ``evaluation`` where it could not
    be computed; ``inputs`` is what it was computed from."""

    said: SaidStep
    description: Description | None
    inputs: dict[str, Consumed]
    evaluation: Evaluation | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """An answer, computed again.  ``findings`` are those of the answer as a whole, ``notes`` what was not looked at."""

    said: Said
    steps: tuple[ReplayedStep, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether nothing was found."""
        return not any(self.all_findings())

    def all_findings(self) -> Iterator[Finding]:
        """The findings of the steps, and those of the answer."""
        for step in self.steps:
            yield from step.findings
        yield from self.findings

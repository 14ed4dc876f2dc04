"""What a Bundle tells: a result, or a step that it rests on, with its names and with references to its grounds."""

from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from ontology.resources import RecordRef
from server.catalog.descriptions import Description
from server.explain.fhir.elements import MODULES
from server.explain.results import AnswerResult, Status, StepView


@dataclass(frozen=True)
class Part:
    """One step, or a fact that was read, told as an answer of its own.

    ``records`` are all that it rests on; ``upstream`` the steps in the Bundle that it takes from; ``grounds`` the
    resource types and addresses of what its value was made from.  ``tags`` say what must be minded before it is used.
    """

    result: AnswerResult
    step: StepView | None
    as_of: datetime
    goal: bool
    url: str
    records: tuple[RecordRef, ...]
    upstream: tuple[str, ...]
    grounds: tuple[tuple[str, str], ...]
    tags: tuple[str, ...]
    preliminary: bool
    left_out: tuple[str, ...]

    @property
    def kind(self) -> str:
        """The resource type as which it is told: a risk that has no value is an Observation that says why."""
        return "Observation" if self.result.risk is None else "RiskAssessment"

    @property
    def status(self) -> str:
        """The status that both resource types have."""
        if self.result.status is Status.FAILED:
            return "cancelled"
        return "preliminary" if self.preliminary else "final"

    @property
    def device(self) -> str:
        """The name of the Device: one for each version of a module."""
        return urn("device", canonical(self.step.module) if self.step is not None else MODULES)

    @property
    def provenance(self) -> str:
        """The name of its Provenance."""
        return urn("provenance", self.url)


def canonical(module: Description) -> str:
    """What names one version of a module."""
    return f"{module.iri}|{module.version}"


def urn(*named: str) -> str:
    """A name that is the same for the same answer about the same patient from the same records."""
    return f"urn:uuid:{uuid5(NAMESPACE_URL, ' '.join(named))}"

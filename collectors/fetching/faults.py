"""The errors of a source, each naming the source and the fault, and never an address or anything out of an answer."""

from dataclasses import dataclass

from collectors.errors import SourceAnswerError, SourceRefusedError, SourceUnreachableError
from collectors.fetching.access import Access

CLOSED = "it is asked for nothing more, since the engine is being closed"
"""Why a question that outlasts its engine gets nothing."""


class NotThereError(SourceAnswerError):
    """The source answered 404 or 410, as a FHIR server does."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Makes the errors of one source, asked as ``access`` authorises it."""

    source: str
    access: Access

    def status(self, status: int, fhir: bool) -> SourceUnreachableError | SourceRefusedError | SourceAnswerError:
        """For a status that is no answer; ``fhir``: its body is labelled as JSON."""
        if status in (401, 403):
            return self.refused(status)
        if status in (404, 410):
            if fhir:
                return NotThereError(f"source {self.source}: there is nothing at that address ({status})")
            # No FHIR server says so: this must not be taken for "no such patient".
            return self.unfit(f"there is no FHIR at that address ({status}); check base_url")
        if status >= 500:
            return self.unreachable(f"an error of the server ({status})")
        if status >= 400:
            return self.unfit(f"the request is refused as wrong ({status})")
        return self.unfit(f"an answer of status {status} is none to a search")

    def refused(self, status: int) -> SourceRefusedError:
        """The request is not permitted, and what to do about it."""
        text = f"the request is not permitted ({status}): {self.access.advice(status)}"
        return SourceRefusedError(f"source {self.source}: {text}")

    def unfit(self, text: str) -> SourceAnswerError:
        """What came is of no use."""
        return SourceAnswerError(f"source {self.source}: {text}")

    def unreachable(self, text: str) -> SourceUnreachableError:
        """Nothing came."""
        return SourceUnreachableError(f"source {self.source}: {text}")

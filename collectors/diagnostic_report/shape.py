"""The parts of a DiagnosticReport that are read."""

import msgspec

from collectors.reading.records import Record
from collectors.reading.wire import NONE, Meta, Period, Reference

COUNTED = frozenset({"final", "amended", "corrected", "appended"})
EARLY = frozenset({"preliminary", "partial"})
VOID = {"entered-in-error": "was entered in error", "cancelled": "was cancelled"}


class DiagnosticReport(msgspec.Struct, gc=False):
    """A DiagnosticReport."""

    id: str | None = None
    meta: Meta | None = None
    implicitRules: str | None = None  # noqa: N815  (FHIR's own names, here and below)
    modifierExtension: msgspec.Raw = NONE  # noqa: N815
    status: str | None = None
    subject: Reference | None = None
    effectiveDateTime: str | None = None  # noqa: N815
    effectivePeriod: Period | None = None  # noqa: N815
    issued: str | None = None
    result: list[Reference] = []
    contained: msgspec.Raw = NONE


class Report(msgspec.Struct, gc=False):
    """A report of this patient with its record."""

    record: Record
    content: DiagnosticReport

    @property
    def early(self) -> bool:
        """Whether its results are not settled yet."""
        return self.content.status in EARLY

    @property
    def counts(self) -> bool:
        """Whether its results are read."""
        return self.early or self.content.status in COUNTED

    @property
    def void(self) -> str | None:
        """Why its results do not count, in words."""
        return VOID.get(self.content.status or "")


REPORT = msgspec.json.Decoder(DiagnosticReport)

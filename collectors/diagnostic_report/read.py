"""Diagnostic reports into facts: their results, accepted and preliminary as the report is.

Contained Observations take the report's subject and time where they have none of their own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from collectors.collector import NeededReferences, ReadingInProgress, ReferencedRecords
from collectors.observation.read import read_observations
from collectors.reading.codes import CodeIndex
from collectors.reading.fhir_types import MISSING_ELEMENT, Meta, Period, Reference, printable_text
from collectors.reading.r4_validation import invalid_element
from collectors.reading.readout import PatientContext, Readout, local_id
from collectors.reading.records import OUR_TAG, Fact, Record
from collectors.search import Search
from ontology.evaluation import Issue, Severity
from ontology.values import Absent, AbsentReason

ACCEPTED_STATUSES = frozenset({"final", "amended", "corrected", "appended"})
PRELIMINARY_STATUSES = frozenset({"preliminary", "partial"})
VOID_STATUSES = {"entered-in-error": "was entered in error", "cancelled": "was cancelled"}


class DiagnosticReport(msgspec.Struct, gc=False):
    """A DiagnosticReport."""

    id: str | None = None
    meta: Meta | None = None
    implicitRules: str | None = None  # noqa: N815  (FHIR's own names, here and below)
    modifierExtension: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    status: str | None = None
    subject: Reference | None = None
    effectiveDateTime: str | None = None  # noqa: N815
    effectivePeriod: Period | None = None  # noqa: N815
    issued: str | None = None
    result: list[Reference] = []
    contained: msgspec.Raw = MISSING_ELEMENT


class PatientReport(msgspec.Struct, gc=False):
    """A report of this patient, with its record."""

    record: Record
    content: DiagnosticReport

    @property
    def is_preliminary(self) -> bool:
        """Whether its results are preliminary."""
        return self.content.status in PRELIMINARY_STATUSES

    @property
    def is_accepted(self) -> bool:
        """Whether its results are read."""
        return self.is_preliminary or self.content.status in ACCEPTED_STATUSES

    @property
    def void_reason(self) -> str | None:
        """Why its results do not count, in words; None where it is not void."""
        return VOID_STATUSES.get(self.content.status or "")


REPORT = msgspec.json.Decoder(DiagnosticReport)


_OWN_TIME = ("effectiveDateTime", "effectivePeriod", "effectiveInstant", "effectiveTiming")
_INHERITED_TIME = ("effectiveDateTime", "effectivePeriod")
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def contained_facts(report: PatientReport, index: CodeIndex, context: PatientContext) -> Iterator[Fact]:
    """The facts of the Observations that the report contains as its results.  ValueError: it cannot be decoded."""
    references = [each.reference for each in report.content.result if each.reference is not None]
    wanted = {each.removeprefix("#") for each in references if each.startswith("#")}
    if not wanted:
        return
    content = report.record.json()
    contained = content.get("contained")
    for each in contained if isinstance(contained, list) else ():
        if not isinstance(each, Mapping) or each.get("resourceType") != "Observation" or each.get("id") not in wanted:
            continue
        completed = _with_report_elements(each, content)
        record = Record(replace(report.record.ref, type="Observation"), _ENCODER.encode(completed))
        found: Readout = read_observations([record], index, context)
        facts = [fact for facts in found.facts.values() for fact in facts]
        element = invalid_element(record) if facts else None
        for fact in facts:
            yield _as_report_fact(fact, report.record, str(each["id"]), element)


def _with_report_elements(observation: Mapping[str, Any], report: Mapping[str, Any]) -> dict[str, Any]:
    """The contained Observation with subject, times and issued taken from its report where missing."""
    inherited = {"subject": report.get("subject")} if "subject" not in observation else {}
    if not any(name in observation for name in _OWN_TIME):
        inherited |= {name: report[name] for name in _INHERITED_TIME if name in report}
    if "issued" not in observation and "issued" in report:
        inherited["issued"] = report["issued"]
    return {**observation, **inherited}


def _as_report_fact(fact: Fact, record: Record, inner: str, element: str | None) -> Fact:
    """The fact as part of the report's record; unreadable where the contained Observation is invalid (``element``)."""
    part = fact.resource.iri.partition("#")[2]
    base = f"{record.ref.url}{f'/_history/{record.ref.version}' if record.ref.version else ''}"
    resource = replace(
        fact.resource, iri=f"{base}#{printable_text(inner)}{f'-{part}' if part else ''}", source=record.ref
    )
    if element is not None:
        problem = f"its element {element} is not valid FHIR"
        resource = replace(resource, value=Absent(AbsentReason.UNCONVERTIBLE), problem=problem)
    return msgspec.structs.replace(fact, resource=resource, record=record)


_PRELIMINARY = "The report that names the result is not final."


@dataclass(slots=True)
class _ReadingInProgress:
    index: CodeIndex
    context: PatientContext
    reports: list[PatientReport] = field(default_factory=list)
    readout: Readout = field(default_factory=Readout)

    def add_report(self, record: Record) -> None:
        """Adds a report of this patient that is not our own and whose meaning is known."""
        try:
            content = REPORT.decode(record.raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.readout.unreadable_count += 1
            return
        tags = content.meta.tag if content.meta is not None else ()
        if any((tag.system, tag.code) == OUR_TAG for tag in tags):
            return
        if not self.context.refers_to_patient(content.subject):
            self.readout.exclude_subject(content.subject, self.context)
        elif content.implicitRules is not None or content.modifierExtension:
            self.readout.unreadable_count += 1
        else:
            self.reports.append(PatientReport(record, content))

    def reports_by_result(self, *, accepted: bool, preliminary: bool | None = None) -> dict[str, PatientReport]:
        """The reports by the id of each result in this source: accepted (or preliminary) ones, or void ones."""
        bases = self.context.source.bases
        return {
            identity: report
            for report in self.reports
            if (report.is_accepted if accepted else report.void_reason is not None)
            and preliminary in (None, report.is_preliminary)
            for each in report.content.result
            if (identity := local_id(each.reference, "Observation", bases)) is not None
        }

    @property
    def needed_references(self) -> NeededReferences:
        """The ids of results that are not contained."""
        ids = frozenset(self.reports_by_result(accepted=True))
        return {"Observation": ids} if ids else {}

    def finish(self, references: ReferencedRecords) -> Readout:
        readout = self.readout
        final = self.reports_by_result(accepted=True, preliminary=False)
        preliminary_ids = self.reports_by_result(accepted=True, preliminary=True).keys() - final.keys()
        for identity, report in self.reports_by_result(accepted=False).items():
            if identity not in final and identity not in preliminary_ids:
                text = f"Observation/{identity} was left out, since {report.record.name}, whose result it is, "
                readout.withdrawn["Observation", identity] = f"{text}{report.void_reason}."
        named = [
            each
            for each in references.records.get("Observation", ())
            if each.ref.id in final or each.ref.id in preliminary_ids
        ]
        results = read_observations(named, self.index, self.context)
        readout.wrong_subject_count += results.wrong_subject_count
        readout.uncertain_subject_count += results.uncertain_subject_count
        readout.unreadable_count += results.unreadable_count
        readout.withdrawn.update(results.withdrawn)
        readout.retrieval_failure = references.failures.get("Observation")
        for facts in results.facts.values():
            for fact in facts:
                readout.add(_as_preliminary(fact) if fact.record.ref.id in preliminary_ids else fact)
        for report in self.reports:
            if not report.is_accepted:
                continue
            try:
                contained = tuple(contained_facts(report, self.index, self.context))
            except ValueError:
                readout.unreadable_count += 1
                continue
            for fact in contained:
                readout.add(_as_preliminary(fact) if report.is_preliminary else fact)
        return readout


def begin(records: list[Record], search: Search, context: PatientContext) -> ReadingInProgress:
    """Parses the reports; the Observations that they name as results are needed."""
    reading = _ReadingInProgress(CodeIndex(search.concepts), context)
    for record in records:
        reading.add_report(record)
    return reading


def _as_preliminary(fact: Fact) -> Fact:
    """The fact as a preliminary one."""
    if fact.preliminary:
        return fact
    issue = Issue(Severity.WARNING, "preliminary", _PRELIMINARY)
    resource = replace(fact.resource, notes=(*fact.resource.notes, _PRELIMINARY))
    return msgspec.structs.replace(fact, resource=resource, preliminary=True, issues=(*fact.issues, issue))

"""Diagnostic reports into facts: their results, which count no more than their report does.

Observations that a report contains have its patient and, where they have none, its time.
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
    """A report of this patient with its record."""

    record: Record
    content: DiagnosticReport

    @property
    def is_preliminary(self) -> bool:
        """Whether its results are not settled yet."""
        return self.content.status in PRELIMINARY_STATUSES

    @property
    def is_accepted(self) -> bool:
        """Whether its results are read."""
        return self.is_preliminary or self.content.status in ACCEPTED_STATUSES

    @property
    def void_reason(self) -> str | None:
        """Why its results do not count, in words."""
        return VOID_STATUSES.get(self.content.status or "")


REPORT = msgspec.json.Decoder(DiagnosticReport)


_OWN_TIME = ("effectiveDateTime", "effectivePeriod", "effectiveInstant", "effectiveTiming")
_INHERITED_TIME = ("effectiveDateTime", "effectivePeriod")
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def contained_facts(report: PatientReport, index: CodeIndex, setting: PatientContext) -> Iterator[Fact]:
    """The facts of the Observations that the report contains as its results."""
    content = report.record.json()
    references = [each.reference for each in report.content.result if each.reference is not None]
    wanted = {each.removeprefix("#") for each in references if each.startswith("#")}
    held = content.get("contained")
    for each in held if isinstance(held, list) else ():
        if not isinstance(each, Mapping) or each.get("resourceType") != "Observation" or each.get("id") not in wanted:
            continue
        completed = _with_report_elements(each, content)
        record = Record(replace(report.record.ref, type="Observation"), _ENCODER.encode(completed))
        found: Readout = read_observations([record], index, setting)
        facts = [fact for facts in found.facts.values() for fact in facts]
        element = invalid_element(record) if facts else None
        for fact in facts:
            yield _as_report_fact(fact, report.record, str(each["id"]), element)


def _with_report_elements(observation: Mapping[str, Any], report: Mapping[str, Any]) -> dict[str, Any]:
    """The Observation with what it takes from its report."""
    lent = {"subject": report.get("subject")} if "subject" not in observation else {}
    if not any(name in observation for name in _OWN_TIME):
        lent |= {name: report[name] for name in _INHERITED_TIME if name in report}
    if "issued" not in observation and "issued" in report:
        lent["issued"] = report["issued"]
    return {**observation, **lent}


def _as_report_fact(fact: Fact, record: Record, inner: str, element: str | None) -> Fact:
    """The fact as one of the report's record; unreadable where the contained one breaks FHIR's rules."""
    part = fact.resource.iri.partition("#")[2]
    base = f"{record.ref.url}{f'/_history/{record.ref.version}' if record.ref.version else ''}"
    resource = replace(
        fact.resource, iri=f"{base}#{printable_text(inner)}{f'-{part}' if part else ''}", source=record.ref
    )
    if element is not None:
        problem = f"its element {element} is not as FHIR requires"
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
        """Sorts in one report: of this patient, not our own, and of a meaning that is known."""
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
        """The Observations of this source that reports of such a standing name, by id."""
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
        """The results that are not contained."""
        ids = frozenset(self.reports_by_result(accepted=True))
        return {"Observation": ids} if ids else {}

    def finish(self, references: ReferencedRecords) -> Readout:
        readout = self.readout
        settled = self.reports_by_result(accepted=True, preliminary=False)
        early = self.reports_by_result(accepted=True, preliminary=True).keys() - settled.keys()
        for identity, report in self.reports_by_result(accepted=False).items():
            if identity not in settled and identity not in early:
                text = f"Observation/{identity} was left out, since {report.record.name}, whose result it is, "
                readout.withdrawn["Observation", identity] = f"{text}{report.void_reason}."
        named = [
            each for each in references.records.get("Observation", ()) if each.ref.id in settled or each.ref.id in early
        ]
        results = read_observations(named, self.index, self.context)
        readout.wrong_subject_count += results.wrong_subject_count
        readout.uncertain_subject_count += results.uncertain_subject_count
        readout.unreadable_count += results.unreadable_count
        readout.withdrawn.update(results.withdrawn)
        readout.retrieval_failure = references.failures.get("Observation")
        for facts in results.facts.values():
            for fact in facts:
                readout.add(_as_preliminary(fact) if fact.record.ref.id in early else fact)
        for report in self.reports:
            if report.is_accepted:
                for fact in contained_facts(report, self.index, self.context):
                    readout.add(_as_preliminary(fact) if report.is_preliminary else fact)
        return readout


def begin(records: list[Record], search: Search, setting: PatientContext) -> ReadingInProgress:
    """The Observations that reports name are needed."""
    begun = _ReadingInProgress(CodeIndex(search.concepts), setting)
    for record in records:
        begun.add_report(record)
    return begun


def _as_preliminary(fact: Fact) -> Fact:
    """The fact as a preliminary one."""
    if fact.preliminary:
        return fact
    told = Issue(Severity.WARNING, "preliminary", _PRELIMINARY)
    resource = replace(fact.resource, notes=(*fact.resource.notes, _PRELIMINARY))
    return msgspec.structs.replace(fact, resource=resource, preliminary=True, issues=(*fact.issues, told))

"""Diagnostic reports into facts: their results, which count no more than their report does."""

from dataclasses import dataclass, field, replace

import msgspec

from collectors.collector import Begun, Beside, Wants
from collectors.diagnostic_report.contained import contained_facts
from collectors.diagnostic_report.shape import REPORT, Report
from collectors.needs import Search
from collectors.observation.read import read
from collectors.reading.codes import CodeIndex
from collectors.reading.readout import Readout, Setting
from collectors.reading.records import OUR_TAG, Fact, Record
from collectors.reading.references import local_id
from ontology.evaluation import Issue, Severity

_EARLY = "The report that names the result is not final."


@dataclass(slots=True)
class _Begun:
    index: CodeIndex
    setting: Setting
    reports: list[Report] = field(default_factory=list)
    readout: Readout = field(default_factory=Readout)

    def take(self, record: Record) -> None:
        """Sorts in one report: of this patient, not our own, and of a meaning that is known."""
        try:
            content = REPORT.decode(record.raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.readout.unnamed += 1
            return
        tags = content.meta.tag if content.meta is not None else ()
        if any((tag.system, tag.code) == OUR_TAG for tag in tags):
            return
        if not self.setting.concerns(content.subject):
            self.readout.leave_out(content.subject, self.setting)
        elif content.implicitRules is not None or content.modifierExtension:
            self.readout.unnamed += 1
        else:
            self.reports.append(Report(record, content))

    def named(self, *, counts: bool, early: bool | None = None) -> dict[str, Report]:
        """The Observations of this source that reports of such a standing name, by id."""
        bases = self.setting.source.bases
        return {
            identity: report
            for report in self.reports
            if (report.counts if counts else report.void is not None) and early in (None, report.early)
            for each in report.content.result
            if (identity := local_id(each.reference, "Observation", bases)) is not None
        }

    @property
    def wants(self) -> Wants:
        """The results that are not contained."""
        ids = frozenset(self.named(counts=True))
        return {"Observation": ids} if ids else {}

    def finish(self, beside: Beside) -> Readout:
        readout = self.readout
        settled = self.named(counts=True, early=False)
        early = self.named(counts=True, early=True).keys() - settled.keys()
        for identity, report in self.named(counts=False).items():
            if identity not in settled and identity not in early:
                text = f"Observation/{identity} was left out, since {report.record.name}, whose result it is, "
                readout.withdrawn["Observation", identity] = f"{text}{report.void}."
        named = [
            each for each in beside.records.get("Observation", ()) if each.ref.id in settled or each.ref.id in early
        ]
        results = read(named, self.index, self.setting)
        readout.strangers += results.strangers
        readout.unsure += results.unsure
        readout.unnamed += results.unnamed
        readout.withdrawn.update(results.withdrawn)
        readout.hindered = beside.failures.get("Observation")
        for facts in results.facts.values():
            for fact in facts:
                readout.add(_early(fact) if fact.record.ref.id in early else fact)
        for report in self.reports:
            if report.counts:
                for fact in contained_facts(report, self.index, self.setting):
                    readout.add(_early(fact) if report.early else fact)
        return readout


def begin(records: list[Record], search: Search, setting: Setting) -> Begun:
    """The Observations that reports name are needed."""
    begun = _Begun(CodeIndex(search.concepts), setting)
    for record in records:
        begun.take(record)
    return begun


def _early(fact: Fact) -> Fact:
    """The fact as a preliminary one."""
    if fact.preliminary:
        return fact
    told = Issue(Severity.WARNING, "preliminary", _EARLY)
    resource = replace(fact.resource, notes=(*fact.resource.notes, _EARLY))
    return msgspec.structs.replace(fact, resource=resource, preliminary=True, issues=(*fact.issues, told))

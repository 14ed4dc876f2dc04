"""Conditions into facts: which count, for which concepts, from when to when."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from collectors.collector import Begun, Beside, Wants
from collectors.condition.dating import began, ended, ended_undated, needs_encounter
from collectors.condition.shape import CONDITION, Condition, codes
from collectors.needs import Search
from collectors.reading.codes import CodeIndex
from collectors.reading.readout import Readout, Setting, record_iri
from collectors.reading.records import OUR_TAG, CodedEntry, Fact, Record
from collectors.reading.references import encounter_periods
from collectors.reading.timing import read_time
from collectors.reading.wire import text_of
from ontology.evaluation import Issue, Severity
from ontology.resources import Resource
from ontology.times import Span
from ontology.values import Absent, AbsentReason, Value

NEVER = "entered-in-error"
REFUTED = "refuted"
DOUBTED = frozenset({"unconfirmed", "provisional", "differential"})
INACTIVE = frozenset({"inactive", "remission", "resolved"})


@dataclass(frozen=True, slots=True)
class Parsed:
    """A condition of this patient that may count, with its record."""

    record: Record
    condition: Condition


@dataclass(frozen=True, slots=True)
class _Begun:
    parsed: list[Parsed]
    readout: Readout
    search: Search
    setting: Setting

    @property
    def wants(self) -> Wants:
        return {"Encounter": None} if undated(self.parsed) else {}

    def finish(self, beside: Beside) -> Readout:
        periods = encounter_periods(beside.records.get("Encounter", ()), self.setting.source.zone)
        read(self.parsed, periods, CodeIndex(self.search.concepts), self.setting, self.readout)
        return self.readout


def begin(records: list[Record], search: Search, setting: Setting) -> Begun:
    """Encounters are needed where only they date a condition."""
    readout = Readout()
    return _Begun(parse(records, setting, readout), readout, search, setting)


def parse(records: Iterable[Record], setting: Setting, readout: Readout) -> list[Parsed]:
    """The conditions that are this patient's and not entered in error or our own.

    One that cannot be decoded may be any diagnosis: it is counted as unnamed, and nothing is ruled out then.
    """
    parsed: list[Parsed] = []
    for record in records:
        try:
            condition = CONDITION.decode(record.raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            readout.unnamed += 1
            continue
        tags = condition.meta.tag if condition.meta is not None else ()
        if NEVER in codes(condition.verificationStatus) or any((tag.system, tag.code) == OUR_TAG for tag in tags):
            continue
        if not setting.concerns(condition.subject):
            readout.leave_out(condition.subject, setting)
            continue
        parsed.append(Parsed(record, condition))
    return parsed


def undated(parsed: Iterable[Parsed]) -> bool:
    """Whether encounters are needed to date one of them."""
    return any(needs_encounter(each.condition) and not _refuted(each.condition) for each in parsed)


def _refuted(condition: Condition) -> bool:
    """Whether it was ruled out: it does not count, and is told."""
    return REFUTED in codes(condition.verificationStatus)


def read(
    parsed: Iterable[Parsed], periods: Mapping[str, Span], index: CodeIndex, setting: Setting, readout: Readout
) -> None:
    """Adds a fact for each concept that a condition is coded as, and the code systems of all of them."""
    for each in parsed:
        condition = each.condition
        problem: str | None = None
        effective: Span | None = None
        over: Span | None = None
        try:
            effective = began(condition, periods, setting.source.zone, setting.source.bases)
            over = ended(condition, setting.source.zone)
            recorded = read_time(condition.recordedDate, setting.source.zone) if condition.recordedDate else None
        except (ValueError, OverflowError):
            problem, recorded = "a date of the condition is not a date", None
        doubted = next(iter(codes(condition.verificationStatus) & DOUBTED), None)
        negated = REFUTED if _refuted(condition) else None
        if doubted is None and negated is None:
            since = effective.start if effective is not None else None
            readout.coded.append(CodedEntry(setting.systems(condition.code), since))
        if condition.implicitRules is not None or condition.modifierExtension:
            problem = "modifierExtension or implicitRules change the meaning in a way that is not known here"
        elif problem is None and effective is None:
            problem = "neither onset[x], recordedDate nor an encounter that is over places it in time"
        ceased = ended_undated(condition) or bool(codes(condition.clinicalStatus) & INACTIVE)
        # It is on record: an absence that would read as "not there" must not stand for it.
        value: Value = True if problem is None else Absent(AbsentReason.UNCONVERTIBLE)
        for known, accepted in index.find(condition.code):
            issues = (Issue(Severity.WARNING, "code-caution", accepted.caution),) if accepted.caution else ()
            resource = Resource(
                record_iri(each.record.ref),
                known.concept.id,
                value,
                effective,
                setting.subject,
                each.record.ref,
                status=_status(condition),
                issued=recorded.end if recorded is not None else None,
                recorded=text_of(condition.code),
                problem=problem,
                notes=tuple(issue.text for issue in issues),
            )
            readout.add(
                Fact(
                    resource,
                    each.record,
                    None,
                    accepted.rank,
                    False,
                    issues,
                    None if accepted.ever else over,
                    # "History of" says by its code that it is over, whatever the status of the entry.
                    accepted.ever or (over is None and ceased),
                    doubted,
                    recorded.start if recorded is not None else None,
                    negated=negated,
                )
            )


def _status(condition: Condition) -> str | None:
    """Clinical and verification status as one text."""
    told = sorted(codes(condition.clinicalStatus)) + sorted(codes(condition.verificationStatus))
    return ", ".join(told) or None

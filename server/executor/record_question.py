"""A question for one record itself: the original that an answer rests on, or one that is named by its address."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from collectors.auth.authorisations import NO_CALLER, Caller
from collectors.settings import Source
from ontology.resources import RecordRef
from server.errors import QuestionError
from server.executor.budget import Budget
from server.executor.trace import Trace

MOST_RECORDS = 50
"""Of one request."""
# What an answer can name as a record; not of dots alone, which would be another address.
_NAME = r"((?!\.+(?:/|\Z))[A-Za-z0-9\-._~]{1,128})"
_ADDRESS = re.compile(rf"/([A-Z][A-Za-z]{{0,63}})/{_NAME}(?:/_history/{_NAME})?")


@dataclass(frozen=True, slots=True)
class RecordQuestion:
    """A record in the version that it names (None: the current one), as the caller may read it.

    ``patient`` (FHIR id) of ``source`` (id; None: that of the record) is the patient in question: the record must be
    one of theirs.  None is for the operator alone, who may read whatever the source gives.  ``subject`` is the
    patient's FHIR id in the record's own source, where an answer about the patient found it to be another one; without
    it no record of another source than ``source`` is the patient's.

    ``referenced_by``: a record of the patient in the same source.  If that one refers to the record asked for, it may
    be about nobody: a drug, a practitioner.  ``budget`` is that of the request.
    """

    record: RecordRef
    patient: str | None
    source: str | None = None
    subject: str | None = None
    referenced_by: RecordRef | None = None
    caller: Caller = field(default=NO_CALLER, repr=False)
    budget: Budget | None = field(default=None, repr=False, compare=False)


def record_at(address: str, sources: Iterable[Source]) -> RecordRef:
    """The record that an address names, with or without a version, in one of the configured sources.

    Raises QuestionError, whose text does not repeat it.
    """
    inside = False
    for source in sources:
        for base in source.bases:
            if address.startswith(f"{base}/"):
                inside = True
                if found := _ADDRESS.fullmatch(address, len(base)):
                    return RecordRef(source.id, source.base_url, found[1], found[2], found[3])
    if inside:
        text = "the address is not that of a record: BASE/Type/id, or BASE/Type/id/_history/version"
        raise QuestionError("record-address", text)
    text = "the address is of no configured source: it begins with the base_url, or an alias, of one"
    raise QuestionError("unknown-source", text)


def records_of_trace(trace: Trace, caller: Caller) -> dict[RecordRef, RecordQuestion]:
    """The questions for all records that a trace, and the runs that it is compared with, rest on."""
    found: dict[RecordRef, RecordQuestion] = {}
    runs = (trace, *trace.earlier_traces.values(), *((trace.without_assumptions,) if trace.without_assumptions else ()))
    for run in runs:
        inputs = [given for each in run.executions for given in each.inputs.values()]
        inputs += [each.leaf for each in run.answers if each.leaf is not None]
        for resource in (resource for given in inputs for resource in given.resources):
            if (ref := resource.source) is not None and ref not in found:
                subject = resource.subject.rpartition("/")[2]
                found[ref] = RecordQuestion(ref, trace.patient, trace.source, subject, caller=caller)
    return found

"""Questionnaire responses into facts: the answers to those items that concepts name.

A concept names an item by its questionnaire's canonical address (with a version, ``url|2.0``, that version only) and
its ``linkId``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec

from collectors.collector import NO_REFERENCES, NeededReferences, ReadingInProgress, ReferencedRecords
from collectors.questionnaire_response.answers import (
    RESPONSE,
    RESPONSE_HEAD,
    QuestionnaireResponse,
    ResponseHead,
    all_items,
    read_item,
)
from collectors.reading.codes import CodeIndex, ConceptReader
from collectors.reading.fhir_types import CodeableConcept, Coding, printable_text, read_time
from collectors.reading.quantities import ReadValue, unreadable_value
from collectors.reading.readout import PatientContext, Readout, record_iri
from collectors.reading.records import OUR_TAG, Fact, Record
from collectors.search import Search
from ontology.concepts import AcceptedCode
from ontology.evaluation import Issue, Severity
from ontology.resources import Resource, Span

ACCEPTED_STATUSES = frozenset({"completed", "amended"})
PRELIMINARY_NOTES = {
    "in-progress": "The questionnaire is not filled in to its end.",
    "stopped": "The questionnaire was stopped before its end.",
}


@dataclass(frozen=True, slots=True)
class _ReadingInProgress:
    readout: Readout
    needed_references: NeededReferences

    def finish(self, references: ReferencedRecords) -> Readout:
        return self.readout


def begin(records: list[Record], search: Search, context: PatientContext) -> ReadingInProgress:
    """Reads the records; no referenced records are needed, since an item is known by its linkId."""
    readout = Readout()
    index = CodeIndex(search.concepts)
    for record in records:
        try:
            response = RESPONSE.decode(record.raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            _add_undecodable(record, index, context, readout)
            continue
        if _is_accepted(response, context, readout):
            _add_facts(record, response, index, context, readout)
    return _ReadingInProgress(readout, NO_REFERENCES)


def _is_accepted(response: ResponseHead, context: PatientContext, readout: Readout) -> bool:
    tags = response.meta.tag if response.meta is not None else ()
    if response.status not in ACCEPTED_STATUSES and response.status not in PRELIMINARY_NOTES:
        return False
    if any((tag.system, tag.code) == OUR_TAG for tag in tags):
        return False
    if not context.refers_to_patient(response.subject):
        readout.exclude_subject(response.subject, context)
        return False
    return True


def _add_facts(
    record: Record, response: QuestionnaireResponse, index: CodeIndex, context: PatientContext, readout: Readout
) -> None:
    unusable: ReadValue | None = None
    if response.implicitRules is not None or response.modifierExtension:
        unusable = unreadable_value("modifierExtension or implicitRules change its meaning in an unknown way")
    counts: dict[tuple[str, str], int] = {}
    for item in all_items(response.item):
        for known, accepted in index.find(_item_code(response.questionnaire, item.linkId)):
            for reading in [unusable] if unusable else read_item(item, known, accepted.needs_unit):
                # An item may repeat, and have several answers: each fact has a part name of its own.
                key = (known.concept.id, accepted.coding.code)
                counts[key] = counts.get(key, -1) + 1
                part = f"{printable_text(accepted.coding.code)}{f'-{counts[key]}' if counts[key] else ''}"
                readout.add(_build_fact(record, response, known, accepted, reading, context, part))


def _item_code(questionnaire: str | None, link: str | None) -> CodeableConcept | None:
    """An item as a code, in its questionnaire with and without version; None without questionnaire or linkId."""
    if questionnaire is None or link is None:
        return None
    canonical = questionnaire.partition("#")[0]
    return CodeableConcept([Coding(each, link) for each in dict.fromkeys((canonical, canonical.partition("|")[0]))])


def _build_fact(
    record: Record,
    response: ResponseHead,
    known: ConceptReader,
    accepted: AcceptedCode,
    reading: ReadValue,
    context: PatientContext,
    part: str,
) -> Fact:
    authored, issued = _authored_span(response, context)
    if response.authored is not None and authored is None:
        reading = unreadable_value("authored is not a time")
    issues = []
    early = PRELIMINARY_NOTES.get(response.status or "")
    if early is not None:
        issues.append(Issue(Severity.WARNING, "preliminary", early))
    if accepted.caution is not None:
        issues.append(Issue(Severity.WARNING, "code-caution", accepted.caution))
    resource = Resource(
        record_iri(record.ref, part),
        known.concept.id,
        reading.value,
        authored,
        context.subject,
        record.ref,
        status=response.status,
        issued=issued,
        recorded=reading.recorded,
        problem=reading.problem,
        notes=tuple(issue.text for issue in issues),
    )
    return Fact(resource, record, reading.recorded_quantity, accepted.rank, early is not None, tuple(issues))


def _authored_span(response: ResponseHead, context: PatientContext) -> tuple[Span | None, datetime | None]:
    if response.authored is None:
        return None, None
    try:
        span = read_time(response.authored, context.source.zone)
    except ValueError:
        return None, None
    return span, span.end


def _add_undecodable(record: Record, index: CodeIndex, context: PatientContext, readout: Readout) -> None:
    """Adds unreadable facts of a response with an element of the wrong type, for all concepts of its questionnaire."""
    try:
        head = RESPONSE_HEAD.decode(record.raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        readout.unreadable_count += 1
        return
    if not _is_accepted(head, context, readout):
        return
    unusable = unreadable_value("an element of the questionnaire's response is not of the type that FHIR says")
    for known, accepted in _concepts_of(head.questionnaire, index):
        readout.add(_build_fact(record, head, known, accepted, unusable, context, printable_text(accepted.coding.code)))


def _concepts_of(questionnaire: str | None, index: CodeIndex) -> Iterator[tuple[ConceptReader, AcceptedCode]]:
    """The concepts read from items of a questionnaire, with their accepted codes."""
    canonical = (questionnaire or "").partition("#")[0]
    named = {canonical, canonical.partition("|")[0]}
    for known in index.readers:
        yield from ((known, accepted) for accepted in known.concept.accepted if accepted.coding.system in named)

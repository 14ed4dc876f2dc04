"""Questionnaire responses into facts: the answers to those items that concepts name.

A concept names an item by its questionnaire's canonical address (with a version, ``url|2.0``, that version only) and
its ``linkId``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec

from collectors.collector import NOTHING, Begun, Beside, Wants
from collectors.needs import Search
from collectors.questionnaire_response.answers import everywhere, read_item
from collectors.questionnaire_response.shape import HEAD, RESPONSE, Head, QuestionnaireResponse
from collectors.reading.codes import CodeIndex, Reader
from collectors.reading.quantities import Reading, unreadable
from collectors.reading.readout import Readout, Setting, record_iri
from collectors.reading.records import OUR_TAG, Fact, Record
from collectors.reading.timing import read_time
from collectors.reading.wire import CodeableConcept, Coding, plain
from ontology.concepts import Accepted
from ontology.evaluation import Issue, Severity
from ontology.resources import Resource
from ontology.times import Span

COUNTED = frozenset({"completed", "amended"})
EARLY = {
    "in-progress": "The questionnaire is not filled in to its end.",
    "stopped": "The questionnaire was stopped before its end.",
}


@dataclass(frozen=True, slots=True)
class _Begun:
    readout: Readout
    wants: Wants

    def finish(self, beside: Beside) -> Readout:
        return self.readout


def begin(records: list[Record], search: Search, setting: Setting) -> Begun:
    """Nothing else is needed: an item is known by its linkId."""
    readout = Readout()
    index = CodeIndex(search.concepts)
    for record in records:
        try:
            response = RESPONSE.decode(record.raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            _broken(record, index, setting, readout)
            continue
        if _counts(response, setting, readout):
            _facts(record, response, index, setting, readout)
    return _Begun(readout, NOTHING)


def _counts(response: Head, setting: Setting, readout: Readout) -> bool:
    tags = response.meta.tag if response.meta is not None else ()
    if response.status not in COUNTED and response.status not in EARLY:
        return False
    if any((tag.system, tag.code) == OUR_TAG for tag in tags):
        return False
    if not setting.concerns(response.subject):
        readout.leave_out(response.subject, setting)
        return False
    return True


def _facts(
    record: Record, response: QuestionnaireResponse, index: CodeIndex, setting: Setting, readout: Readout
) -> None:
    hindered: Reading | None = None
    if response.implicitRules is not None or response.modifierExtension:
        hindered = unreadable("modifierExtension or implicitRules change the meaning in a way that is not known here")
    met: dict[tuple[str, str], int] = {}
    for item in everywhere(response.item):
        for known, accepted in index.find(_code(response.questionnaire, item.linkId)):
            for reading in [hindered] if hindered else read_item(item, known, accepted.needs_unit):
                # An item may be there again and again, and have many answers: each has a name of its own.
                key = (known.concept.id, accepted.coding.code)
                met[key] = met.get(key, -1) + 1
                part = f"{plain(accepted.coding.code)}{f'-{met[key]}' if met[key] else ''}"
                readout.add(_fact(record, response, known, accepted, reading, setting, part))


def _code(questionnaire: str | None, link: str | None) -> CodeableConcept | None:
    """An item as a code: in the questionnaire as it is named, and whatever its version."""
    if questionnaire is None or link is None:
        return None
    canonical = questionnaire.partition("#")[0]
    return CodeableConcept([Coding(each, link) for each in dict.fromkeys((canonical, canonical.partition("|")[0]))])


def _fact(
    record: Record,
    response: Head,
    known: Reader,
    accepted: Accepted,
    reading: Reading,
    setting: Setting,
    part: str,
) -> Fact:
    authored, issued = _authored(response, setting)
    if response.authored is not None and authored is None:
        reading = unreadable("authored is not a time")
    issues = []
    early = EARLY.get(response.status or "")
    if early is not None:
        issues.append(Issue(Severity.WARNING, "preliminary", early))
    if accepted.caution is not None:
        issues.append(Issue(Severity.WARNING, "code-caution", accepted.caution))
    resource = Resource(
        record_iri(record.ref, part),
        known.concept.id,
        reading.value,
        authored,
        setting.subject,
        record.ref,
        status=response.status,
        issued=issued,
        recorded=reading.recorded,
        problem=reading.problem,
        notes=tuple(issue.text for issue in issues),
    )
    return Fact(resource, record, reading.written, accepted.rank, early is not None, tuple(issues))


def _authored(response: Head, setting: Setting) -> tuple[Span | None, datetime | None]:
    if response.authored is None:
        return None, None
    try:
        span = read_time(response.authored, setting.source.zone)
    except ValueError:
        return None, None
    return span, span.end


def _broken(record: Record, index: CodeIndex, setting: Setting, readout: Readout) -> None:
    """A response with an element of the wrong type: unreadable for every concept of its questionnaire."""
    try:
        head = HEAD.decode(record.raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        readout.unnamed += 1
        return
    if not _counts(head, setting, readout):
        return
    hindered = unreadable("an element of the questionnaire's response is not of the type that FHIR says")
    for known, accepted in _of(head.questionnaire, index):
        readout.add(_fact(record, head, known, accepted, hindered, setting, plain(accepted.coding.code)))


def _of(questionnaire: str | None, index: CodeIndex) -> Iterator[tuple[Reader, Accepted]]:
    """The concepts that items of a questionnaire answer."""
    canonical = (questionnaire or "").partition("#")[0]
    named = {canonical, canonical.partition("|")[0]}
    for known in index.readers:
        yield from ((known, accepted) for accepted in known.concept.accepted if accepted.coding.system in named)

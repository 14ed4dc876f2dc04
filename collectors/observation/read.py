"""Observations into facts: status, subject, time, and a fact for each concept in the record or its components.

One that cannot be decoded gives unreadable facts of the concepts that it names, so that none is skipped silently.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from collectors.collector import NeededReferences, ReadingInProgress, ReferencedRecords
from collectors.observation.acceptance import (
    DeviceLookup,
    find_exclusion,
    has_unclear_status,
    is_about_something_else,
    is_accepted,
    is_pending,
    replaced_ids,
)
from collectors.observation.elements import OBSERVATION, OBSERVATION_HEAD, Observation, ValueElements
from collectors.observation.fact_builder import FactBuilder
from collectors.observation.values import has_value, read_value, value_text
from collectors.reading.codes import CodeIndex, CodeKey, ConceptReader, coded_part, deciding_systems
from collectors.reading.fhir_types import (
    UNDECODABLE,
    CodeableConcept,
    Coding,
    concept_text,
    element_path,
    entry_words,
    printable_text,
    read_time,
)
from collectors.reading.quantities import ReadValue, unreadable_value
from collectors.reading.readout import PatientContext, Readout
from collectors.reading.records import CodedEntry, Record
from collectors.search import Search
from ontology.concepts import AcceptedCode, Concept
from ontology.resources import Span
from ontology.values import Absent, AbsentReason


def add_undecodable(
    record: Record, error: Exception, index: CodeIndex, context: PatientContext, readout: Readout
) -> None:
    """Adds unreadable facts of a record with an element of the wrong type, for the concepts that it names.

    A record that does not name any is counted as unreadable.
    """
    try:
        head = OBSERVATION_HEAD.decode(record.raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        readout.unreadable_count += 1
        return
    if not is_accepted(head) and not has_unclear_status(head):
        return
    if not context.refers_to_patient(head.subject):
        readout.exclude_subject(head.subject, context)
        return
    where = element_path(error) if isinstance(error, msgspec.ValidationError) else "the record itself"
    shell = Observation(status=head.status, code=head.code, issued=_decode_issued(record))
    builder = FactBuilder(record, shell, context)
    builder.effective = _decode_effective(record, context)
    unusable = ReadValue(Absent(AbsentReason.UNCONVERTIBLE), None, None, f"{where} is not of the type that FHIR says")
    named = _add_unusable(builder, head.code, unusable, shell, index, readout)
    if not (named or isinstance(error, msgspec.ValidationError)):
        # Its bytes are damaged: what else they were cannot be known.
        readout.unreadable_count += 1


def _add_unusable(
    builder: FactBuilder,
    code: CodeableConcept | None,
    unusable: ReadValue,
    observation: Observation,
    index: CodeIndex,
    readout: Readout,
) -> bool:
    """Adds unusable facts of the concepts that the code names, also as those of a panel; whether there are any."""
    found = index.find(code)
    for known, accepted in found:
        readout.add(builder.build(known, accepted, unusable, observation, None))
    named = {known.concept.id for known, _ in found}
    panels = [known for known in index.panels(code) if known.concept.id not in named]
    for known in panels:
        readout.add(builder.build(known, None, unusable, observation, known.concept.id))
    return bool(found or panels)


LOINC = "http://loinc.org"
# As no other code system writes its codes: with a check digit.
_LOINC_CODE = re.compile(r"\d{3,7}-\d")
_LIKE_LOINC = re.compile(r".*loinc.*|.*\b2\.16\.840\.1\.113883\.6\.1|", re.IGNORECASE | re.DOTALL)


def _add_in_unknown_system(
    record: Record, observation: Observation, index: CodeIndex, context: PatientContext, readout: Readout
) -> bool:
    """Adds unusable facts where a code is LOINC's but for its system ("LOINC", or none); whether there are any.

    It is not read: nobody says that it is LOINC's.  But an older value must not stand as the newest beside it.
    """
    codes = [code for code in (observation.code, *(part.code for part in observation.component)) if code is not None]
    aliases = index.system_aliases
    if any(aliases.get(each.system or "", each.system) == LOINC for code in codes for each in code.coding):
        return False
    for code in codes:
        like = [
            each
            for each in code.coding
            if _LIKE_LOINC.fullmatch(each.system or "") and _LOINC_CODE.fullmatch(each.code or "")
        ]
        meant = CodeableConcept([Coding(LOINC, each.code) for each in like])
        if not index.find(meant) and not index.panels(meant):
            continue
        written = next((f'"{printable_text(each.system)}"' for each in like if each.system), "missing")
        problem = f"its code {like[0].code} is LOINC's but for the code system, which is {written}"
        builder = FactBuilder(record, observation, context)
        return _add_unusable(builder, meant, unreadable_value(problem), observation, index, readout)
    return False


class _Issued(msgspec.Struct):
    issued: str | None = None


_ISSUED = msgspec.json.Decoder(_Issued)


def _decode_issued(record: Record) -> str | None:
    try:
        return _ISSUED.decode(record.raw).issued
    except UNDECODABLE:
        return None


class _Times(msgspec.Struct):
    effectiveDateTime: str | None = None  # noqa: N815
    effectiveInstant: str | None = None  # noqa: N815


_TIMES = msgspec.json.Decoder(_Times)


def _decode_effective(record: Record, context: PatientContext) -> Span | None:
    """The effective time of a record whose other elements cannot be decoded; None where it cannot be read."""
    try:
        times = _TIMES.decode(record.raw)
        text = times.effectiveDateTime or times.effectiveInstant
        return None if text is None else read_time(text, context.source.zone)
    except (msgspec.DecodeError, ValueError):
        return None


MAX_SAMPLES_IN_SEARCH = 50_000
"""Samples of SampledData in one search: more would take seconds, during which no other request is served, and 1 GB."""


@dataclass(frozen=True, slots=True)
class _ReadingInProgress:
    readout: Readout
    devices: DeviceLookup

    @property
    def needed_references(self) -> NeededReferences:
        return self.devices.needed_references

    def finish(self, references: ReferencedRecords) -> Readout:
        self.devices.apply_to(self.readout, references.records)
        return self.readout


def begin(records: list[Record], search: Search, context: PatientContext) -> ReadingInProgress:
    """Reads the records; devices are needed where records refer to them."""
    devices = DeviceLookup(context)
    readout = read_observations(records, CodeIndex(search.concepts), context, devices, search)
    return _ReadingInProgress(readout, devices)


def read_observations(
    records: Iterable[Record],
    index: CodeIndex,
    context: PatientContext,
    devices: DeviceLookup | None = None,
    search: Search | None = None,
) -> Readout:
    """Every fact in these Observations about the concepts of the index, readable or not.

    ``devices`` collects the devices that measured them.  ``search``: an entry is made of each record that is in no
    code system of its concepts, so that it could mean one of them.
    """
    readout = Readout()
    decided = _common_systems(search.concepts) if search is not None else frozenset()
    for record in records:
        try:
            observation = OBSERVATION.decode(record.raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            add_undecodable(record, error, index, context, readout)
            continue
        if not is_accepted(observation) and not has_unclear_status(observation):
            if is_pending(observation) and context.refers_to_patient(observation.subject):
                _add_without_value(record, observation, index, context, readout, pending=True)
            elif is_about_something_else(observation) and context.refers_to_patient(observation.subject):
                _add_without_value(record, observation, index, context, readout, doubted="of something else")
            continue
        if not context.refers_to_patient(observation.subject):
            readout.exclude_subject(observation.subject, context)
            continue
        for each in replaced_ids(record, observation, context) if observation.extension else ():
            text = f"Observation/{each} was left out, since {record.name} replaces it."
            readout.withdrawn["Observation", each] = text
        if _add_facts(record, observation, index, context, readout):
            if devices is not None and observation.device:
                devices.register(record, observation)
        elif _add_in_unknown_system(record, observation, index, context, readout):
            continue
        elif search is not None and not _systems_of(observation) & decided:
            readout.coded_entries.append(_unread_entry(record, observation, context, search))
    return readout


def _common_systems(concepts: Iterable[Concept]) -> frozenset[str]:
    """The code systems that decide all of these concepts."""
    systems = [deciding_systems(each) for each in concepts]
    return frozenset[str].intersection(*systems) if systems else frozenset()


def _systems_of(observation: Observation) -> set[str | None]:
    codes = (observation.code, *(component.code for component in observation.component))
    return {coding.system for code in codes if code is not None for coding in code.coding}


def _unread_entry(record: Record, observation: Observation, context: PatientContext, search: Search) -> CodedEntry:
    """The record as an entry, by its codes and those of its components, and when it was observed."""
    codes = [each for each in (observation.code, *(part.code for part in observation.component)) if each is not None]
    keys = frozenset[CodeKey]().union(*(context.equivalent_codes(code) for code in codes))
    effective = _decode_effective(record, context)
    return CodedEntry(
        coded_part(keys, search.named),
        effective.start if effective is not None else None,
        record_name=record.name,
        words=entry_words(observation.code),
        window=search.window,
    )


def _add_without_value(
    record: Record,
    observation: Observation,
    index: CodeIndex,
    context: PatientContext,
    readout: Readout,
    pending: bool = False,
    doubted: str | None = None,
) -> None:
    """Adds a fact for each concept in the record that is only reported: it is pending, or does not count."""
    parts = [observation.code, *(component.code for component in observation.component)]
    named = [(known, code) for code in parts for known, _ in index.find(code)]
    named += [(known, observation.code) for known in index.panels(observation.code)]
    found = {}
    for known, code in named:
        exclusion = find_exclusion(known, code, observation)
        if exclusion is None or exclusion.text is None:
            found[known.concept.id] = known
    if not found:
        return
    builder = FactBuilder(record, observation, context)
    for known in found.values():
        fact = builder.build(
            known, None, ReadValue(Absent(AbsentReason.RECORDED_UNKNOWN)), observation, known.concept.id
        )
        readout.add(msgspec.structs.replace(fact, pending=pending, doubted=doubted))


def _add_facts(
    record: Record, observation: Observation, index: CodeIndex, context: PatientContext, readout: Readout
) -> bool:
    """Adds the facts of one record; returns whether there are any."""
    top = index.find(observation.code)
    parts = [
        (position, component, known, accepted)
        for position, component in enumerate(observation.component)
        for known, accepted in index.find(component.code)
    ]
    without_value: list[ConceptReader] = []
    unplaced: dict[str, tuple[ConceptReader, ReadValue]] = {}
    if not top and not observation.hasMember and (panels := index.panels(observation.code)):
        read = {known.concept.id for _, _, known, _ in parts}
        missing = [
            known
            for known in panels
            if known.concept.id not in read and not index.has_own_value(observation.code, known)
        ]
        # Of a panel, the absent reason applies to all of it; of a value with components (SpO2) to that value only.
        without_value = missing if observation.dataAbsentReason is not None else []
        unplaced = {} if without_value else _unplaced_values(observation, missing, context)
    if not (top or parts or without_value or unplaced):
        return False
    builder = FactBuilder(record, observation, context)
    for known, accepted in top:
        reading = builder.why_unusable(known) or _read_limited_value(observation, known, accepted, "", readout)
        exclusion = find_exclusion(known, observation.code, observation)
        readout.add(builder.build(known, accepted, reading, observation, None, exclusion))
    firsts: dict[str, int] = {}
    for position, component, known, accepted in parts:
        where = f"component[{position}]."
        reading = builder.why_unusable(known) or _read_limited_value(component, known, accepted, where, readout)
        # A panel may hold several values of one concept: each fact has a part name of its own.
        repeated = firsts.setdefault(known.concept.id, position) < position
        part = f"{accepted.coding.code}-{position}" if repeated else accepted.coding.code
        exclusion = find_exclusion(known, component.code, observation)
        readout.add(builder.build(known, accepted, reading, component, part, exclusion))
    for known in without_value:
        reading = builder.why_unusable(known) or read_value(observation, known, False)
        exclusion = find_exclusion(known, None, observation)
        readout.add(builder.build(known, None, reading, observation, known.concept.id, exclusion))
    for known, reading in unplaced.values():
        reading = builder.why_unusable(known) or reading
        exclusion = find_exclusion(known, None, observation)
        readout.add(builder.build(known, None, reading, observation, known.concept.id, exclusion))
    return True


def _unplaced_values(
    panel: Observation, missing: Iterable[ConceptReader], context: PatientContext
) -> dict[str, tuple[ConceptReader, ReadValue]]:
    """By concept, of those that a panel should hold and does not: what it holds that may be their value."""
    found: dict[str, tuple[ConceptReader, ReadValue]] = {}
    for known in missing:
        if has_value(panel):
            problem = "the value stands at the panel, not in a component"
            found[known.concept.id] = known, unreadable_value(problem, value_text(panel))
            continue
        systems = deciding_systems(known.concept)
        for position, each in enumerate(panel.component):
            # In a system that the concept is read in, another code says that it is something else.
            if has_value(each) and not any(system in systems for system, _ in context.equivalent_codes(each.code)):
                shown = " ".join(text for text in (concept_text(each.code), value_text(each)) if text)
                problem = f"component[{position}] has no code that says what it is"
                found[known.concept.id] = known, unreadable_value(problem, shown or None)
                break
    return found


def _read_limited_value(
    content: ValueElements, known: ConceptReader, accepted: AcceptedCode, where: str, readout: Readout
) -> ReadValue:
    """The value as read; SampledData is refused once MAX_SAMPLES_IN_SEARCH samples were read."""
    if content.valueSampledData and readout.sample_count >= MAX_SAMPLES_IN_SEARCH:
        text = f"{where}valueSampledData comes after more samples than are read in one search"
        return unreadable_value(f"{text} ({MAX_SAMPLES_IN_SEARCH})")
    reading = read_value(content, known, accepted.needs_unit, where, accepted.asserts)
    readout.sample_count += len(reading.samples)
    return reading

"""One record as its layout describes it: elements by path, the meaning of its states, its codes and references."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from collectors.reading import fhir_types
from collectors.reading.readout import local_id
from collectors.reading.records import OUR_TAG, Record
from collectors.search import Layout, Meaning

JsonObject: TypeAlias = Mapping[str, Any]


def values_at(record: JsonObject, path: str) -> list[Any]:
    """All values under a path, through lists; none where the path leads nowhere."""
    *steps, last = path.split(".")
    found = (parent.get(last) for parent in _walk(record, steps) if parent is not None)
    return [each for value in found for each in _as_list(value)]


def parents_at(record: JsonObject, path: str) -> tuple[str, list[JsonObject | None]]:
    """The last name of a path, and the elements in which it would stand; None for each branch that ends before."""
    *steps, last = path.split(".")
    return last, list(_walk(record, steps))


def _walk(record: JsonObject, steps: list[str]) -> Iterator[JsonObject | None]:
    if not steps:
        yield record
        return
    found = _as_list(record.get(steps[0]))
    if not found:
        yield None
    for each in found:
        if isinstance(each, Mapping):
            yield from _walk(each, steps[1:])
        else:
            yield None


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return [each for each in value if each is not None] if isinstance(value, list) else [value]


def coded_values(value: Any) -> frozenset[str]:
    """What an element of a small set of values says: a code, a truth value, or the codes of a CodeableConcept.

    A CodeableConcept without a code says "" (something that cannot be told).
    """
    if isinstance(value, bool):
        return frozenset({"true" if value else "false"})
    if isinstance(value, str):
        return frozenset({value})
    if isinstance(value, Mapping):
        codings = _as_list(value.get("coding")) or [value]
        codes = {each["code"] for each in codings if isinstance(each, Mapping) and isinstance(each.get("code"), str)}
        return frozenset(codes or {""})
    return frozenset({""})


_NO_RECORD: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class DescribedRecord:
    """A record of this patient that is not to be passed over.

    ``states`` are the words of its states, ``word`` that of the gravest.  ``named`` is the reference to the record
    that has its code, if that is how it is coded.  ``malformed``: an element in which a code stands is none.
    """

    record: Record
    content: JsonObject
    meaning: Meaning
    gravest_state: str
    states: tuple[str, ...]
    code: fhir_types.CodeableConcept
    code_reference: str | None
    has_malformed_code: bool


def decode_object(raw: bytes) -> JsonObject | None:
    """A record as plain values, or None where it is no object of JSON."""
    try:
        content = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def parse_described(record: Record, content: JsonObject, layout: Layout) -> DescribedRecord:
    """What a record says, of whomever it is."""
    meaning, word, states = _gravest_meaning(content, layout)
    code, malformed = code_at(content, layout.codes)
    named = reference_at(content, layout.referenced_code.path) if layout.referenced_code is not None else None
    return DescribedRecord(record, content, meaning, word, states, code, named, malformed)


def is_ours(content: JsonObject) -> bool:
    """Whether we wrote it ourselves."""
    tags = (tag for tag in values_at(content, "meta.tag") if isinstance(tag, Mapping))
    return any((tag.get("system"), tag.get("code")) == OUR_TAG for tag in tags)


def subject_reference(content: JsonObject, layout: Layout) -> fhir_types.Reference | None:
    """Whom it is about."""
    text = reference_at(content, layout.subject)
    return fhir_types.Reference(text) if text is not None else None


def reference_at(content: JsonObject, path: str) -> str | None:
    """A literal reference."""
    found = [
        each["reference"] for each in values_at(content, path) if isinstance(each, Mapping) and "reference" in each
    ]
    return found[0] if len(found) == 1 and isinstance(found[0], str) else None


def _gravest_meaning(content: JsonObject, layout: Layout) -> tuple[Meaning, str, tuple[str, ...]]:
    """The gravest meaning of all states, the word that has it, and every word."""
    gravest, word = Meaning.COUNTS, ""
    told: list[str] = []
    for state in layout.states:
        met = sorted({each for value in values_at(content, state.path) for each in coded_values(value)})
        told += [each for each in met if each and each not in ("true", "false")]
        if not met and not state.optional:
            met = [""]
        for each in met:
            meaning = state.meanings.get(each, Meaning.UNCLEAR)
            if meaning > gravest:
                gravest = meaning
                word = state.path if each == "true" else f"without {state.path}" if each == "" else each
    return gravest, fhir_types.printable_text(word), tuple(fhir_types.printable_text(each) for each in told)


def code_at(content: JsonObject, paths: tuple[str, ...]) -> tuple[fhir_types.CodeableConcept, bool]:
    """All codings under the paths as one CodeableConcept, and whether one of them is not what FHIR says."""
    codings: list[fhir_types.Coding] = []
    texts: list[str] = []
    malformed = False
    for path in paths:
        for value in values_at(content, path):
            try:
                concept = _to_concept(value)
            except msgspec.ValidationError:
                malformed = True
                continue
            codings += concept.coding
            text = fhir_types.concept_text(concept)
            if text is not None:
                texts.append(text)
    return fhir_types.CodeableConcept(codings, "; ".join(dict.fromkeys(texts)) or None), malformed


def _to_concept(value: Any) -> fhir_types.CodeableConcept:
    """A CodeableConcept, or a Coding as one."""
    if isinstance(value, Mapping) and "coding" not in value and "code" in value:
        return fhir_types.CodeableConcept([msgspec.convert(value, fhir_types.Coding)])
    return msgspec.convert(value, fhir_types.CodeableConcept)


def contained_record(content: JsonObject, reference: str) -> JsonObject | None:
    """The record inside this one that ``#id`` means."""
    wanted = reference.removeprefix("#")
    held = (each for each in values_at(content, "contained") if isinstance(each, Mapping))
    return next((each for each in held if each.get("id") == wanted), None)


def code_record_id(entry: DescribedRecord, layout: Layout, bases: tuple[str, ...]) -> str | None:
    """The id of the record of the source that has the code; None where it is contained, or of another source."""
    if layout.referenced_code is None or entry.code_reference is None or entry.code_reference.startswith("#"):
        return None
    return local_id(entry.code_reference, layout.referenced_code.resource_type, bases)


def referenced_code(
    entry: DescribedRecord, layout: Layout, fetched: Mapping[str, Record], bases: tuple[str, ...]
) -> tuple[fhir_types.CodeableConcept, bool]:
    """The code in the record that is referred to; none where that cannot be had, or says itself that it is an error."""
    named = layout.referenced_code
    if named is None or entry.code_reference is None:
        return fhir_types.CodeableConcept(), False
    content: JsonObject | None
    if entry.code_reference.startswith("#"):
        content = contained_record(entry.content, entry.code_reference)
    else:
        record = fetched.get(local_id(entry.code_reference, named.resource_type, bases) or "")
        content = decode_object(record.raw) if record is not None else None
    content = content if content is not None else _NO_RECORD
    if content.get("resourceType") != named.resource_type or changes_meaning(content):
        return fhir_types.CodeableConcept(), False
    if content.get("status") == "entered-in-error":
        return fhir_types.CodeableConcept(), False
    return code_at(content, (named.code_path,))


def changes_meaning(content: JsonObject) -> bool:
    """Whether the record says that it means something else in a way that is not known here."""
    return content.get("implicitRules") is not None or bool(content.get("modifierExtension"))

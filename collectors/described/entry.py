"""One record as its layout describes it: what its states say, in which codes it is, and when it was."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from collectors.described.paths import Json, values, words
from collectors.layout import Layout, Meaning
from collectors.reading import wire
from collectors.reading.records import OUR_TAG, Record
from collectors.reading.references import local_id

_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Entry:
    """A record of this patient that is not to be passed over.

    ``states`` are the words of its states, ``word`` that of the gravest.  ``named`` is the reference to the record
    that has its code, if that is how it is coded.  ``malformed``: an element in which a code stands is none.
    """

    record: Record
    content: Json
    meaning: Meaning
    word: str
    states: tuple[str, ...]
    code: wire.CodeableConcept
    named: str | None
    malformed: bool


def decoded(raw: bytes) -> Json | None:
    """A record as plain values, or None where it is no object of JSON."""
    try:
        content = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def entry_of(record: Record, content: Json, layout: Layout) -> Entry:
    """What a record says, of whomever it is."""
    meaning, word, states = _meaning(content, layout)
    code, malformed = code_at(content, layout.codes)
    named = reference_at(content, layout.named.path) if layout.named is not None else None
    return Entry(record, content, meaning, word, states, code, named, malformed)


def is_ours(content: Json) -> bool:
    """Whether we wrote it ourselves."""
    tags = (tag for tag in values(content, "meta.tag") if isinstance(tag, Mapping))
    return any((tag.get("system"), tag.get("code")) == OUR_TAG for tag in tags)


def subject_of(content: Json, layout: Layout) -> wire.Reference | None:
    """Whom it is about."""
    text = reference_at(content, layout.subject)
    return wire.Reference(text) if text is not None else None


def reference_at(content: Json, path: str) -> str | None:
    """A literal reference."""
    found = [each["reference"] for each in values(content, path) if isinstance(each, Mapping) and "reference" in each]
    return found[0] if len(found) == 1 and isinstance(found[0], str) else None


def _meaning(content: Json, layout: Layout) -> tuple[Meaning, str, tuple[str, ...]]:
    """The gravest meaning of all states, the word that has it, and every word."""
    gravest, word = Meaning.COUNTS, ""
    told: list[str] = []
    for state in layout.states:
        met = sorted({each for value in values(content, state.path) for each in words(value)})
        told += [each for each in met if each and each not in ("true", "false")]
        if not met and not state.optional:
            met = [""]
        for each in met:
            meaning = state.meanings.get(each, Meaning.UNCLEAR)
            if meaning > gravest:
                gravest = meaning
                word = state.path if each == "true" else f"without {state.path}" if each == "" else each
    return gravest, wire.plain(word), tuple(wire.plain(each) for each in told)


def code_at(content: Json, paths: tuple[str, ...]) -> tuple[wire.CodeableConcept, bool]:
    """All codings under the paths as one CodeableConcept, and whether one of them is not what FHIR says."""
    codings: list[wire.Coding] = []
    texts: list[str] = []
    malformed = False
    for path in paths:
        for value in values(content, path):
            try:
                concept = _concept(value)
            except msgspec.ValidationError:
                malformed = True
                continue
            codings += concept.coding
            text = wire.text_of(concept)
            if text is not None:
                texts.append(text)
    return wire.CodeableConcept(codings, "; ".join(dict.fromkeys(texts)) or None), malformed


def _concept(value: Any) -> wire.CodeableConcept:
    """A CodeableConcept, or a Coding as one."""
    if isinstance(value, Mapping) and "coding" not in value and "code" in value:
        return wire.CodeableConcept([msgspec.convert(value, wire.Coding)])
    return msgspec.convert(value, wire.CodeableConcept)


def contained(content: Json, reference: str) -> Json | None:
    """The record inside this one that ``#id`` means."""
    wanted = reference.removeprefix("#")
    held = (each for each in values(content, "contained") if isinstance(each, Mapping))
    return next((each for each in held if each.get("id") == wanted), None)


def named_id(entry: Entry, layout: Layout, bases: tuple[str, ...]) -> str | None:
    """The id of the record of the source that has the code; None where it is contained, or of another source."""
    if layout.named is None or entry.named is None or entry.named.startswith("#"):
        return None
    return local_id(entry.named, layout.named.resource_type, bases)


def named_code(
    entry: Entry, layout: Layout, fetched: Mapping[str, Record], bases: tuple[str, ...]
) -> tuple[wire.CodeableConcept, bool]:
    """The code in the record that is referred to; none where that cannot be had, or says itself that it is an error."""
    named = layout.named
    if named is None or entry.named is None:
        return wire.CodeableConcept(), False
    content: Json | None
    if entry.named.startswith("#"):
        content = contained(entry.content, entry.named)
    else:
        record = fetched.get(local_id(entry.named, named.resource_type, bases) or "")
        content = decoded(record.raw) if record is not None else None
    content = content if content is not None else _NOTHING
    if content.get("resourceType") != named.resource_type or changes_meaning(content):
        return wire.CodeableConcept(), False
    if content.get("status") == "entered-in-error":
        return wire.CodeableConcept(), False
    return code_at(content, (named.code_path,))


def changes_meaning(content: Json) -> bool:
    """Whether the record says that it means something else in a way that is not known here."""
    return content.get("implicitRules") is not None or bool(content.get("modifierExtension"))

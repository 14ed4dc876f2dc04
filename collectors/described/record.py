"""One record as its layout describes it: elements by path, the meaning of its states, its codes and references."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from collectors.reading import fhir_types
from collectors.reading.readout import local_id
from collectors.reading.records import OUR_TAG, Record
from collectors.search import Layout, Meaning, ReferencedCode

JsonObject: TypeAlias = Mapping[str, Any]


def values_at(record: JsonObject, path: str) -> list[Any]:
    """All values at a path, through lists; empty where the path does not exist."""
    *steps, last = path.split(".")
    found = (parent.get(last) for parent in _walk(record, steps) if parent is not None)
    return [each for value in found for each in _as_list(value)]


def parents_at(record: JsonObject, path: str) -> tuple[str, list[JsonObject | None]]:
    """The last name of a path, and its parent elements; None for each branch where the parent is missing."""
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
    """The codes of a status-like element: a code, "true" or "false", or the codes of a CodeableConcept.

    A CodeableConcept without a code, or an element of another type, gives "" (unknown).
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
    """A record with its states, codes and references as its layout describes them.

    ``states`` are its status codes; ``gravest_state`` is the one that decides ``meaning``.  ``code_reference`` refers
    to a record with its code.  ``has_malformed_code``: an element for a code is no CodeableConcept.
    ``confirmed``: that it ever was so is certain, though it is unclear whether it goes on.
    """

    record: Record
    content: JsonObject
    meaning: Meaning
    gravest_state: str
    states: tuple[str, ...]
    code: fhir_types.CodeableConcept
    code_reference: str | None
    has_malformed_code: bool
    confirmed: bool = False


def decode_object(raw: bytes) -> JsonObject | None:
    """A record as plain values; None where it is not a JSON object."""
    try:
        content = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def parse_described(record: Record, content: JsonObject, layout: Layout) -> DescribedRecord:
    """Parses a record by its layout, whoever its subject is."""
    meaning, gravest_state, states = _gravest_meaning(content, layout)
    code, malformed = code_at(content, layout.codes)
    code_reference = reference_at(content, layout.referenced_code.path) if layout.referenced_code is not None else None
    confirmed = meaning is Meaning.UNCLEAR and _is_confirmed(content, layout)
    return DescribedRecord(record, content, meaning, gravest_state, states, code, code_reference, malformed, confirmed)


def is_ours(content: JsonObject) -> bool:
    """Whether we wrote it ourselves."""
    tags = (tag for tag in values_at(content, "meta.tag") if isinstance(tag, Mapping))
    return any((tag.get("system"), tag.get("code")) == OUR_TAG for tag in tags)


def subject_reference(content: JsonObject, layout: Layout) -> fhir_types.Reference | None:
    """The reference to its subject; None where it is missing or ambiguous."""
    text = reference_at(content, layout.subject)
    return fhir_types.Reference(text) if text is not None else None


def reference_at(content: JsonObject, path: str) -> str | None:
    """The literal reference at a path; None where there is none, or several."""
    found = [
        each["reference"] for each in values_at(content, path) if isinstance(each, Mapping) and "reference" in each
    ]
    return found[0] if len(found) == 1 and isinstance(found[0], str) else None


def _gravest_meaning(content: JsonObject, layout: Layout) -> tuple[Meaning, str, tuple[str, ...]]:
    """The gravest meaning of all states, the state that has it (for readers), and every state."""
    gravest, gravest_state = Meaning.COUNTS, ""
    states: list[str] = []
    for state in layout.states:
        codes = sorted({each for value in values_at(content, state.path) for each in _state_codes(value)})
        states += [each for each in codes if each and each not in ("true", "false")]
        if not codes and not state.optional:
            codes = [""]
        for each in codes:
            meaning = state.meanings.get(each, Meaning.UNCLEAR)
            if meaning > gravest:
                gravest = meaning
                gravest_state = _state_words(content, state.path, each)
    return gravest, fhir_types.printable_text(gravest_state), tuple(fhir_types.printable_text(each) for each in states)


def _is_confirmed(content: JsonObject, layout: Layout) -> bool:
    """Whether only states of now are unclear, by listed values, and another state says that the record counts."""
    confirmed = False
    for state in layout.states:
        codes = {each for value in values_at(content, state.path) for each in _state_codes(value)}
        meanings = {state.meanings.get(each) for each in codes}
        if state.of_now and None not in meanings:
            continue
        if meanings - {Meaning.COUNTS} or not (codes or state.optional):
            return False
        confirmed = confirmed or bool(codes)
    return confirmed


_HL7_SYSTEMS = ("http://terminology.hl7.org/CodeSystem/", "http://hl7.org/fhir/")


def _state_codes(value: Any) -> frozenset[str]:
    """The codes of a state.  One of HL7's own systems, to which states are bound, speaks for those beside it."""
    codings = _as_list(value.get("coding")) if isinstance(value, Mapping) else []
    bound = [each for each in codings if isinstance(each, Mapping) and str(each.get("system")).startswith(_HL7_SYSTEMS)]
    return coded_values({"coding": bound} if bound else value)


def _state_words(content: JsonObject, path: str, code: str) -> str:
    """The state for readers: its code, or the text that stands in its place."""
    if code == "true":
        return path
    if code:
        return code
    texts = [each.get("text") for each in values_at(content, path) if isinstance(each, Mapping)]
    text = next((each for each in texts if isinstance(each, str) and each), None)
    return f'{path} "{text}", as text only' if text is not None else f"without {path}"


def code_at(content: JsonObject, paths: tuple[str, ...]) -> tuple[fhir_types.CodeableConcept, bool]:
    """All codings at the paths as one CodeableConcept, and whether one of the elements is malformed."""
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
    """The contained record with the id of a reference ``#id``; None where there is none."""
    wanted = reference.removeprefix("#")
    contained = (each for each in values_at(content, "contained") if isinstance(each, Mapping))
    return next((each for each in contained if each.get("id") == wanted), None)


def code_record_id(entry: DescribedRecord, layout: Layout, bases: tuple[str, ...]) -> str | None:
    """The id of the source's record that holds the code; None where it is contained, or of another source."""
    if layout.referenced_code is None or entry.code_reference is None or entry.code_reference.startswith("#"):
        return None
    return local_id(entry.code_reference, layout.referenced_code.resource_type, bases)


@dataclass(frozen=True, slots=True)
class EntryCodes:
    """The codes of a record and of the record that it refers to, the codes of the parts of that, and its own words.

    ``names``: everything that the record and its parts are called.  ``malformed``: an element for a code is none.
    """

    whole: fhir_types.CodeableConcept
    parts: tuple[fhir_types.CodeableConcept, ...]
    words: str | None
    names: tuple[str, ...]
    malformed: bool

    @property
    def all(self) -> fhir_types.CodeableConcept:
        """All codes as those of one element."""
        codings = [*self.whole.coding, *(each for part in self.parts for each in part.coding)]
        return fhir_types.CodeableConcept(codings, self.whole.text)


def entry_codes(
    entry: DescribedRecord, layout: Layout, fetched: Mapping[str, Record], bases: tuple[str, ...]
) -> EntryCodes:
    """What a record is coded as, with the record that it refers to.

    That adds nothing where it cannot be retrieved, is of another type, or was entered in error.
    """
    named, malformed, display = fhir_types.CodeableConcept(), False, None
    parts: tuple[fhir_types.CodeableConcept, ...] = ()
    if layout.referenced_code is not None:
        content = _referenced_content(entry, layout.referenced_code, fetched, bases)
        if content is not None:
            named, malformed = code_at(content, (layout.referenced_code.code_path,))
            parts = _part_codes(content, entry.content, layout.referenced_code)
        shown = values_at(entry.content, f"{layout.referenced_code.path}.display")
        display = shown[0] if len(shown) == 1 and isinstance(shown[0], str) else None
    whole = fhir_types.CodeableConcept([*entry.code.coding, *named.coding], entry.code.text or named.text)
    words = fhir_types.entry_words(whole) or (fhir_types.printable_text(display) if display else None)
    words = words or ", ".join(each for part in parts if (each := fhir_types.entry_words(part))) or None
    called = [each for code in (entry.code, named, *parts) for each in _names_of(code)]
    names = tuple(dict.fromkeys([*called, display] if display else called))
    return EntryCodes(whole, parts, words, names, entry.has_malformed_code or malformed)


def _names_of(code: fhir_types.CodeableConcept) -> Iterator[str]:
    """What a code is called in a record: its text, and the displays of its codings."""
    if code.text:
        yield code.text
    yield from (coding.display for coding in code.coding if coding.display)


def _referenced_content(
    entry: DescribedRecord, named: ReferencedCode, fetched: Mapping[str, Record], bases: tuple[str, ...]
) -> JsonObject | None:
    """The referenced record; None where it is missing, of another type, in error, or of changed meaning."""
    if entry.code_reference is None:
        return None
    content: JsonObject | None
    if entry.code_reference.startswith("#"):
        content = contained_record(entry.content, entry.code_reference)
    else:
        record = fetched.get(local_id(entry.code_reference, named.resource_type, bases) or "")
        content = decode_object(record.raw) if record is not None else None
    if content is None or content.get("resourceType") != named.resource_type or changes_meaning(content):
        return None
    return None if content.get("status") == "entered-in-error" else content


def _part_codes(
    content: JsonObject, holder: JsonObject, named: ReferencedCode
) -> tuple[fhir_types.CodeableConcept, ...]:
    """The codes of the parts that count, in the record or in one contained beside it; empty for an unreadable one."""
    if named.parts is None:
        return ()
    found = []
    for part in values_at(content, named.parts.path):
        if not isinstance(part, Mapping) or part.get(named.parts.active_path) is False:
            continue
        code, _ = code_at(part, (named.parts.code_path,))
        reference = reference_at(part, named.parts.reference_path)
        if reference is not None and reference.startswith("#"):
            inside = contained_record(content, reference) or contained_record(holder, reference) or _NO_RECORD
            inner, _ = code_at(inside, (named.code_path,))
            code = fhir_types.CodeableConcept([*code.coding, *inner.coding], code.text or inner.text)
        found.append(code)
    return tuple(found)


def changes_meaning(content: JsonObject) -> bool:
    """Whether implicitRules or modifierExtension change the record's meaning in an unknown way."""
    return content.get("implicitRules") is not None or bool(content.get("modifierExtension"))

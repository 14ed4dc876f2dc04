"""FHIR's data types and envelopes as msgspec structs: unknown elements are skipped, not refused.

Numbers stay raw until they are needed, so that decimals are kept as they were written.
"""

import re

import msgspec

MISSING_ELEMENT = msgspec.Raw()
"""An element that is not there, of those that are kept raw."""

_MAX_TEXT_LENGTH = 300
_PATH = re.compile(r"at `\$\.?([^`]*)`")


class Link(msgspec.Struct, gc=False):
    """A link of a Bundle."""

    relation: str | None = None
    url: str | None = None


class EntrySearch(msgspec.Struct, gc=False):
    """How an entry came into a search set."""

    mode: str | None = None


class BundleEntry(msgspec.Struct, gc=False):
    """An entry of a Bundle: the record is decoded later, on its own."""

    resource: msgspec.Raw = MISSING_ELEMENT
    search: EntrySearch | None = None


class Bundle(msgspec.Struct, gc=False):
    """A search set."""

    resourceType: str  # noqa: N815  (FHIR's own name)
    type: str | None = None
    total: msgspec.Raw = MISSING_ELEMENT
    link: list[Link] = []
    entry: list[BundleEntry] = []


class Coding(msgspec.Struct, gc=False):
    """A Coding as it is written."""

    system: str | None = None
    code: str | None = None
    display: str | None = None


class CodeableConcept(msgspec.Struct, gc=False):
    """A CodeableConcept as it is written."""

    coding: list[Coding] = []
    text: str | None = None


class Meta(msgspec.Struct, gc=False):
    """What is needed of ``meta``."""

    versionId: str | None = None  # noqa: N815
    lastUpdated: str | None = None  # noqa: N815
    tag: list[Coding] = []


class Reference(msgspec.Struct, gc=False):
    """A literal reference."""

    reference: str | None = None


class Period(msgspec.Struct, gc=False):
    """A Period as it is written."""

    start: str | None = None
    end: str | None = None


class Quantity(msgspec.Struct, gc=False):
    """A Quantity as it is written; ``value`` keeps its digits."""

    value: msgspec.Raw = MISSING_ELEMENT
    comparator: str | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class ResourceHead(msgspec.Struct, gc=False):
    """What every record has: enough to name it, even where the rest cannot be decoded."""

    resourceType: str | None = None  # noqa: N815
    id: str | None = None
    meta: Meta | None = None


BUNDLE = msgspec.json.Decoder(Bundle)
HEAD = msgspec.json.Decoder(ResourceHead)


def element_path(error: msgspec.ValidationError) -> str:
    """The path of the element that could not be decoded, without its content ("valueQuantity.unit")."""
    found = _PATH.search(str(error))
    return found.group(1) if found and found.group(1) else "the record itself"


def printable_text(text: str) -> str:
    """A text out of a record for readers: one line, without control characters, and not without end.

    What is shown in a terminal or among other lines must neither act there nor pass for one of them.
    """
    if len(text) > _MAX_TEXT_LENGTH:
        text = text[:_MAX_TEXT_LENGTH] + "…"
    if text.isprintable():
        return text
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def concept_text(concept: CodeableConcept | None) -> str | None:
    """A CodeableConcept for readers: its text, a display, or a code."""
    if concept is None:
        return None
    text = concept.text or next((shown for coding in concept.coding if (shown := _coding_text(coding))), None)
    return printable_text(text) if text is not None else None


def _coding_text(coding: Coding) -> str | None:
    return coding.display or coding.code

"""What is told to a reader, without what belongs to the server that it was read from: two servers must tell the same.

Left out: the server, the versions of its records, and zeros that end a decimal (JavaScript's numbers have none: 1.10 is
sent as 1.1, with the same value).
"""

import re
from dataclasses import fields, is_dataclass
from typing import Any

from ontology.concepts import Concept
from ontology.resources import RecordRef
from ontology.slots import Slot
from server.catalog.descriptions import Description
from server.explain.results import AnswerResult

OWN = {
    "reference",
    "source",
    "subject",
    "fingerprint",
    "reused",
    "reason",
    "make_chain",
    "make_issues",
    "make_part",
    "under",
}
"""Fields of results that say where from and how they were had, not what they are."""

_DECIMAL = re.compile(r"\d+\.\d+")


def reported_fields(result: AnswerResult) -> dict[str, Any]:
    """All that a result tells, chain and issues too, as plain values that can be compared."""
    told = {field.name: comparable(getattr(result, field.name)) for field in fields(result) if field.name not in OWN}
    return told | {"chain": comparable(result.chain), "issues": comparable(result.issues)}


def comparable(thing: Any) -> Any:
    """A value without what is the server's own."""
    if isinstance(thing, RecordRef):
        return thing.type, thing.id
    if isinstance(thing, Description | Concept | Slot):
        return thing.name if isinstance(thing, Slot) else thing.id
    if isinstance(thing, str):
        return _DECIMAL.sub(lambda found: found[0].rstrip("0").rstrip("."), thing)
    if isinstance(thing, tuple | list):
        return tuple(comparable(each) for each in thing)
    if is_dataclass(thing):
        return {field.name: comparable(getattr(thing, field.name)) for field in fields(thing) if field.name not in OWN}
    return thing


def differences(one: AnswerResult, other: AnswerResult) -> list[str]:
    """The fields in which two results differ, each with what both say."""
    first, second = reported_fields(one), reported_fields(other)
    return [f"{name}: {first[name]!r} against {second[name]!r}" for name in first if first[name] != second[name]]

"""Elements of a decoded record by their path."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

Json: TypeAlias = Mapping[str, Any]


def values(record: Json, path: str) -> list[Any]:
    """All values under a path, through lists; none where the path leads nowhere."""
    *steps, last = path.split(".")
    found = (parent.get(last) for parent in _parents(record, steps) if parent is not None)
    return [each for value in found for each in _each(value)]


def parents(record: Json, path: str) -> tuple[str, list[Json | None]]:
    """The last name of a path, and the elements in which it would stand; None for each branch that ends before."""
    *steps, last = path.split(".")
    return last, list(_parents(record, steps))


def _parents(record: Json, steps: list[str]) -> Iterator[Json | None]:
    if not steps:
        yield record
        return
    found = _each(record.get(steps[0]))
    if not found:
        yield None
    for each in found:
        if isinstance(each, Mapping):
            yield from _parents(each, steps[1:])
        else:
            yield None


def _each(value: Any) -> list[Any]:
    if value is None:
        return []
    return [each for each in value if each is not None] if isinstance(value, list) else [value]


def words(value: Any) -> frozenset[str]:
    """What an element of a small set of values says: a code, a truth value, or the codes of a CodeableConcept.

    A CodeableConcept without a code says "" (something that cannot be told).
    """
    if isinstance(value, bool):
        return frozenset({"true" if value else "false"})
    if isinstance(value, str):
        return frozenset({value})
    if isinstance(value, Mapping):
        codings = _each(value.get("coding")) or [value]
        codes = {each["code"] for each in codings if isinstance(each, Mapping) and isinstance(each.get("code"), str)}
        return frozenset(codes or {""})
    return frozenset({""})

"""Expansions: the codes that they list, and whether those are all."""

from collections.abc import Iterator

from collectors.terminology.codeset import Codes
from collectors.terminology.errors import DefinitionError
from collectors.terminology.shape import Contained, Expansion

# An expansion says by these that it is a part only; both mean the same, one of them from later than R4.
_INCOMPLETE = frozenset(
    {
        "http://hl7.org/fhir/StructureDefinition/valueset-toocostly",
        "http://hl7.org/fhir/StructureDefinition/valueset-unclosed",
    }
)
# Made with one of these, an expansion is a part of the set.
_NARROWING = frozenset({"filter", "context"})
_DEEPEST = 100


def entries(expansion: Expansion) -> Iterator[Contained]:
    """Every entry, those above before those below (DefinitionError where they are nested without end)."""
    pending = [(entry, 1) for entry in reversed(expansion.contains)]
    while pending:
        entry, depth = pending.pop()
        if depth > _DEEPEST:
            raise DefinitionError("its expansion is nested too deep")
        yield entry
        pending.extend((each, depth + 1) for each in reversed(entry.contains))


def listed(expansion: Expansion) -> tuple[dict[tuple[str, str], str | None], int]:
    """The codes of one expansion or page, and how many of its entries count towards ``total``.

    Entries that are abstract or have no code group others: they are no members.
    """
    codes: dict[tuple[str, str], str | None] = {}
    count = 0
    for entry in entries(expansion):
        if entry.code is None:
            continue
        count += 1
        if entry.abstract:
            continue
        if not entry.system:
            raise DefinitionError("its expansion lists a code without a system")
        codes[entry.system, entry.code] = entry.display
    return codes, count


def told_incomplete(expansion: Expansion) -> str | None:
    """Why the expansion says itself that it is a part only; None where it does not."""
    if any(each.url in _INCOMPLETE and each.valueBoolean is not False for each in expansion.extension):
        return "its expansion is marked as incomplete (too costly, or unclosed)"
    narrowed = sorted({each.name for each in expansion.parameter if each.name in _NARROWING} - {None})
    if narrowed:
        return f"its expansion was narrowed by the parameter {narrowed[0]}"
    return None


def whole(expansion: Expansion) -> Codes:
    """The codes of an expansion that is there as one (DefinitionError where it is only a part of the set)."""
    if (reason := told_incomplete(expansion)) is not None:
        raise DefinitionError(reason)
    codes, count = listed(expansion)
    if expansion.offset:
        raise DefinitionError(f"its expansion starts at {expansion.offset}: it is a page of a longer one")
    if expansion.total is not None and expansion.total != count:
        raise DefinitionError(f"its expansion says that it has {expansion.total} entries, and has {count}")
    return codes

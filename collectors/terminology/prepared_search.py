"""A search as it can be sent: its codes, or why they cannot be retrieved; and the codes that its records have."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from collectors.errors import CollectorError, SourceRefusedError, SourceUnreachableError
from collectors.facts import Failure
from collectors.reading.codes import CodeKey
from collectors.reading.records import Record
from collectors.search import Search
from ontology.concepts import Concept
from ontology.values import AbsentReason, Coding


@dataclass(frozen=True, slots=True)
class PreparedSearch:
    """A search as it can be sent to one source.

    ``search`` has the concepts whose codes are known, with the source's local codes; ``failures`` has, by concept id,
    why the codes of the others could not be retrieved.  ``open_sets`` are value sets too large to expand: only codes
    that occur in the records are validated (``Terminology.resolve_open_sets``), so the search is sent without codes.
    """

    search: Search
    failures: Mapping[str, Failure] = field(default_factory=dict)
    open_sets: frozenset[str] = frozenset()


def search_codes(search: Search, concepts: Iterable[Concept]) -> tuple[Coding, ...]:
    """The codes to search these concepts by, in a stable order; none where the type is searched without codes."""
    if search.description.code_parameter is None:
        return ()
    codes = {
        (each.system, each.code): each for concept in concepts for each in concept.codes_in(search.description.origin)
    }
    return tuple(codes[key] for key in sorted(codes))


def deadline_error() -> SourceUnreachableError:
    """The error of a question whose deadline passed before the terminology server answered."""
    return SourceUnreachableError("the terminology server gave no answer before the question's deadline")


def retrieval_failure(concept: Concept, error: CollectorError) -> Failure:
    """The failure of a concept without codes: UNREACHABLE without a response, NOT_PERMITTED if refused, else
    NOT_QUERIED."""
    if isinstance(error, SourceUnreachableError):
        reason = AbsentReason.UNREACHABLE
    elif isinstance(error, SourceRefusedError):
        reason = AbsentReason.NOT_PERMITTED
    else:
        reason = AbsentReason.NOT_QUERIED
    return Failure(reason, f"The codes of {concept.display} could not be retrieved: {error}.")


def codes_in_records(records: Iterable[Record]) -> frozenset[CodeKey]:
    """Every (system, code) anywhere in the records; records that cannot be decoded are ignored."""
    found: set[CodeKey] = set()
    for record in records:
        try:
            found.update(_codes_below(json.loads(record.raw)))
        except (ValueError, RecursionError):
            continue
    return frozenset(found)


def _codes_below(node: object) -> Iterator[CodeKey]:
    if isinstance(node, dict):
        system, code = node.get("system"), node.get("code")
        # Quantities are skipped: their system and code are those of a unit.
        if isinstance(system, str) and isinstance(code, str) and "value" not in node:
            yield system, code
        for each in node.values():
            yield from _codes_below(each)
    elif isinstance(node, list):
        for each in node:
            yield from _codes_below(each)

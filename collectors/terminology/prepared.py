"""A search as it can be sent, and why a concept cannot be searched for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from collectors.errors import CollectorError, SourceRefusedError, SourceUnreachableError
from collectors.facts import Failure
from collectors.needs import Search
from ontology.concepts import Concept
from ontology.values import AbsentReason, Coding


@dataclass(frozen=True, slots=True)
class Prepared:
    """A search as it can be sent to one source.

    ``search`` has the concepts whose codes are known, with the source's local ones; ``failures`` says of the others
    (by concept id) why they are not.  ``open`` are value sets that are too large to be known in full: of these only
    the codes that the records turn out to have are asked for (``Terminology.settled``), so the search has no codes.
    """

    search: Search
    failures: Mapping[str, Failure] = field(default_factory=dict)
    open: frozenset[str] = frozenset()


def codes_for(search: Search, concepts: Iterable[Concept]) -> tuple[Coding, ...]:
    """The codes by which these concepts are searched for, in a stable order; none where the type is searched whole."""
    if search.description.code_parameter is None:
        return ()
    codes = {
        (each.system, each.code): each
        for concept in concepts
        for each in (*(accepted.coding for accepted in concept.accepted), *concept.panels)
    }
    return tuple(codes[key] for key in sorted(codes))


def too_late() -> SourceUnreachableError:
    """The question ended before the terminology server answered."""
    return SourceUnreachableError("the terminology server gave no answer before the question's deadline")


def failure_of(concept: Concept, error: CollectorError) -> Failure:
    """UNREACHABLE where the server did not answer, NOT_PERMITTED where it refused, else NOT_QUERIED."""
    if isinstance(error, SourceUnreachableError):
        reason = AbsentReason.UNREACHABLE
    elif isinstance(error, SourceRefusedError):
        reason = AbsentReason.NOT_PERMITTED
    else:
        reason = AbsentReason.NOT_QUERIED
    return Failure(reason, f"The codes of {concept.display} could not be had: {error}.")

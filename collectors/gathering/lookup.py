"""The query by which a patient is looked up in another source."""

from collections.abc import Iterable

from collectors.fetching.search import Parameters, tokens
from collectors.gathering.identity import Identifier
from collectors.settings import Source
from ontology.values import Coding


def identifier_query(source: Source, identifiers: Iterable[Identifier]) -> Parameters:
    """All patients of a source who carry one of the identifiers, in one request."""
    wanted = tokens([Coding(system, value) for system, value in sorted(identifiers)])
    return (("identifier", wanted), ("_count", str(source.page_size)))

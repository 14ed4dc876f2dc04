"""Which module computes a concept."""

from ontology.concepts import Concept
from server.catalog.descriptions import Description
from server.catalog.load import Catalog
from server.errors import AmbiguousProducerError, NoProducerError


class Producers:
    """Modules by the concept that they produce."""

    def __init__(self, catalog: Catalog) -> None:
        self._by_concept: dict[str, list[Description]] = {}
        for description in catalog.modules.values():
            self._by_concept.setdefault(description.produces.iri, []).append(description)

    def of(self, concept: Concept) -> Description:
        """The only producer, or the preferred one.

        Raises NoProducerError, or AmbiguousProducerError naming all of them.
        """
        found = self._by_concept.get(concept.iri, [])
        if not found:
            raise NoProducerError(f"no module computes {concept.id}")
        if len(found) == 1:
            return found[0]
        preferred = [d for d in found if d.preferred]
        if len(preferred) == 1:
            return preferred[0]
        names = ", ".join(sorted(d.id for d in found))
        raise AmbiguousProducerError(f"{concept.id} is computed by {names}, and {len(preferred)} of them are preferred")

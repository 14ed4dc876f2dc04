"""What of a plan's needs a source can feed, as far as it declares: for those who add a source."""

from dataclasses import dataclass

from collectors.capability.capability import Capability
from collectors.needs import Search


@dataclass(frozen=True, slots=True)
class Offer:
    """One search of a plan at one source.

    ``concepts`` are the ids that it feeds.  ``offered`` None: nothing is known of it.  ``sent`` are the parameters that
    narrow it there, ``missing`` those that would and are not declared: more comes then, and is sorted out here.
    ``newest`` are the declared ways to ask for the newest records only, each used once it was seen to work.
    """

    resource_type: str
    concepts: tuple[str, ...]
    offered: bool | None
    sent: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    newest: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The offer in words."""
        if self.offered is None:
            return f"{self.resource_type}: not known, since nothing that can be relied on is declared"
        if not self.offered:
            return f"{self.resource_type}: not offered"
        words = f"{self.resource_type}: searched by {', '.join(self.sent)}"
        if self.missing:
            words += f"; {', '.join(self.missing)} not declared, so that more comes than is needed"
        if self.newest:
            words += f"; may give the newest only ({', '.join(self.newest)})"
        return words


def offers(capability: Capability | None, searches: tuple[Search, ...]) -> tuple[Offer, ...]:
    """What of these searches a source declares to answer, in the order given."""
    return tuple(_offer(capability, search) for search in searches)


def _offer(capability: Capability | None, search: Search) -> Offer:
    description = search.description
    kind, concepts = description.resource_type, tuple(concept.id for concept in search.concepts)
    if capability is None:
        return Offer(kind, concepts, None)
    if not capability.offers(kind):
        return Offer(kind, concepts, False)
    patient = description.patient_parameter
    if not capability.knows(kind, patient) and capability.knows(kind, "subject"):
        patient = "subject"
    dated = description.date_parameter if search.window is not None else None
    wanted = [name for name in (patient, description.code_parameter, dated) if name is not None]
    newest = []
    if kind == "Observation":
        if "lastn" in capability.types[kind].operations:
            newest.append("$lastn")
        newest.append("_sort in a batch" if capability.batch else "_sort, for one concept at a time")
    return Offer(
        kind,
        concepts,
        True,
        tuple(name for name in wanted if name == patient or capability.knows(kind, name)),
        tuple(name for name in wanted if name != patient and not capability.knows(kind, name)),
        tuple(newest),
    )

"""What a source can do: what it declares, what it was observed to do, and which searches of a plan it offers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from collectors.search import Search


@dataclass(frozen=True, slots=True)
class TypeCapability:
    """What is declared of one resource type.

    ``parameters`` are the search parameters by name, with their types.  ``includes`` as they are written
    ("Observation:subject", "*").  ``operations`` are names without ``$``.  ``versioned``: records carry a version.
    ``etags``: a record may be asked for with ``If-None-Match``.
    """

    readable: bool = False
    searchable: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)
    includes: frozenset[str] = frozenset()
    operations: frozenset[str] = frozenset()
    versioned: bool = False
    etags: bool = False


@dataclass(frozen=True, slots=True)
class Smart:
    """How a source says that callers are authorised.

    ``auth_methods`` are those of the token endpoint (``private_key_jwt``), ``algorithms`` those in which an assertion
    may be signed; both empty where they are not stated.
    """

    token_endpoint: str | None = None
    auth_methods: frozenset[str] = frozenset()
    algorithms: frozenset[str] = frozenset()
    grants: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    capabilities: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Capability:
    """What a source of FHIR R4 or R4B declares.  ``types`` is never empty, and has Patient in it.

    ``software`` is what it calls itself.  ``formats`` are empty where it states none.
    """

    version: str
    types: Mapping[str, TypeCapability]
    formats: frozenset[str] = frozenset()
    batch: bool = False
    software: str | None = None
    smart: Smart | None = None

    def offers_type(self, resource_type: str) -> bool:
        """Whether records of this type can be searched for, as far as is declared."""
        declared = self.types.get(resource_type)
        return declared is not None and declared.searchable

    def knows_parameter(self, resource_type: str, parameter: str) -> bool:
        """Whether a search parameter is declared.  Of a type for which none at all is, any may be known."""
        declared = self.types.get(resource_type)
        return declared is None or not declared.parameters or parameter in declared.parameters


@dataclass(frozen=True, slots=True)
class KnownCapability:
    """What could be learned of a source's capability.

    ``capability`` None: nothing that can be relied on, and ``remark`` says why; the source is then asked in the way
    that every server understands.  ``refusal``: it must not be asked at all, since it is of another FHIR version, and
    what an integrator should do.  ``notes`` are what struck on reading one that can be relied on.
    """

    capability: Capability | None = None
    remark: str | None = None
    refusal: str | None = None
    notes: tuple[str, ...] = ()


UNKNOWN_CAPABILITY = KnownCapability(remark="its capability is not known yet")


NEWEST_COUNT = 10
"""How many of the newest records are asked for, a code or a concept, where older ones cannot matter."""
MOST_ATTEMPTS = 3
"""How often it is tried to prove a way of searching, before it is left alone until the capability is read anew."""


@dataclass(slots=True)
class BehaviourProof:
    """Whether a way of searching was seen to work.  ``shown`` None: not seen yet."""

    proven: bool | None = None
    attempts: int = 0

    @property
    def worth_trying(self) -> bool:
        """Whether it should still be tried."""
        return self.proven is None and self.attempts < MOST_ATTEMPTS


@dataclass(slots=True)
class ObservedBehaviour:
    """What was seen of one source.

    ``lastn``: ``$lastn`` gives the ``NEWEST_COUNT`` newest records of each code.  ``sort``: ``_sort`` by date orders
    across all that matches.  ``ignored`` are parameters that had no effect, as (resource type, name).
    """

    lastn: BehaviourProof = field(default_factory=BehaviourProof)
    sort: BehaviourProof = field(default_factory=BehaviourProof)
    ignored_parameters: set[tuple[str, str]] = field(default_factory=set)


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
    sent_parameters: tuple[str, ...] = ()
    missing_parameters: tuple[str, ...] = ()
    newest_ways: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The offer in words."""
        if self.offered is None:
            return f"{self.resource_type}: not known, since nothing that can be relied on is declared"
        if not self.offered:
            return f"{self.resource_type}: not offered"
        words = f"{self.resource_type}: searched by {', '.join(self.sent_parameters)}"
        if self.missing_parameters:
            words += f"; {', '.join(self.missing_parameters)} not declared, so that more comes than is needed"
        if self.newest_ways:
            words += f"; may give the newest only ({', '.join(self.newest_ways)})"
        return words


def offers_for(capability: Capability | None, searches: tuple[Search, ...]) -> tuple[Offer, ...]:
    """What of these searches a source declares to answer, in the order given."""
    return tuple(_offer_for(capability, search) for search in searches)


def _offer_for(capability: Capability | None, search: Search) -> Offer:
    description = search.description
    kind, concepts = description.resource_type, tuple(concept.id for concept in search.concepts)
    if capability is None:
        return Offer(kind, concepts, None)
    if not capability.offers_type(kind):
        return Offer(kind, concepts, False)
    patient = description.patient_parameter
    if not capability.knows_parameter(kind, patient) and capability.knows_parameter(kind, "subject"):
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
        tuple(name for name in wanted if name == patient or capability.knows_parameter(kind, name)),
        tuple(name for name in wanted if name != patient and not capability.knows_parameter(kind, name)),
        tuple(newest),
    )

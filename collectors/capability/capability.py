"""The capability of a source: what it declares, what it was observed to do, and which searches of a plan it offers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from collectors.search import Search


@dataclass(frozen=True, slots=True)
class TypeCapability:
    """The declared capability of one resource type.

    ``parameters`` are the search parameters by name, with their types.  ``includes`` are as written
    ("Observation:subject", "*").  ``operations`` are names without ``$``.  ``versioned``: records carry a version.
    ``etags``: a record may be read with ``If-None-Match``.
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
    """How a source declares that callers are authorised.

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
    """The declared capability of a source of FHIR R4 or R4B.  ``types`` is never empty, and includes Patient.

    ``software`` is its declared name.  ``formats`` are empty where it declares none.
    """

    version: str
    types: Mapping[str, TypeCapability]
    formats: frozenset[str] = frozenset()
    batch: bool = False
    software: str | None = None
    smart: Smart | None = None

    def offers_type(self, resource_type: str) -> bool:
        """Whether search is declared for this type."""
        declared = self.types.get(resource_type)
        return declared is not None and declared.searchable

    def knows_parameter(self, resource_type: str, parameter: str) -> bool:
        """Whether a search parameter is declared; also True for a type that declares none at all."""
        declared = self.types.get(resource_type)
        return declared is None or not declared.parameters or parameter in declared.parameters


@dataclass(frozen=True, slots=True)
class KnownCapability:
    """The capability of a source, or why it is unknown.

    ``capability`` None: unknown, for the reason in ``remark``; the source is then searched by parameters that every
    server supports.  ``refusal``: it must not be searched, since it has another FHIR version, and what an integrator
    should do.  ``notes`` are warnings about a usable capability.
    """

    capability: Capability | None = None
    remark: str | None = None
    refusal: str | None = None
    notes: tuple[str, ...] = ()


UNKNOWN_CAPABILITY = KnownCapability(remark="its capability is not known yet")


NEWEST_COUNT = 10
"""Newest records requested for each code or concept, where older ones are not needed."""
MOST_ATTEMPTS = 3
"""Attempts to prove a search strategy, until the capability is read again."""


@dataclass(slots=True)
class BehaviourProof:
    """Whether a search strategy was proven to work.  ``proven`` None: not proven yet."""

    proven: bool | None = None
    attempts: int = 0

    @property
    def worth_trying(self) -> bool:
        """Whether another attempt should be made."""
        return self.proven is None and self.attempts < MOST_ATTEMPTS


@dataclass(slots=True)
class ObservedBehaviour:
    """The observed behaviour of one source.

    ``lastn``: ``$lastn`` returns the ``NEWEST_COUNT`` newest records of each code.  ``sort``: ``_sort`` by date orders
    all matches.  ``ignored_parameters`` had no effect, as (resource type, name).
    """

    lastn: BehaviourProof = field(default_factory=BehaviourProof)
    sort: BehaviourProof = field(default_factory=BehaviourProof)
    ignored_parameters: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Offer:
    """One search of a plan, as offered by one source.

    ``concepts`` are the ids of the concepts searched.  ``offered`` None: unknown.  ``sent_parameters`` restrict the
    search, ``missing_parameters`` would but are not declared: more records are retrieved then, and filtered here.
    ``newest_ways`` are the declared ways to retrieve the newest records only, each used once it was proven.
    """

    resource_type: str
    concepts: tuple[str, ...]
    offered: bool | None
    sent_parameters: tuple[str, ...] = ()
    missing_parameters: tuple[str, ...] = ()
    newest_ways: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The offer in words, for integrators."""
        if self.offered is None:
            return f"{self.resource_type}: unknown, since no usable capability is declared"
        if not self.offered:
            return f"{self.resource_type}: not offered"
        words = f"{self.resource_type}: searched by {', '.join(self.sent_parameters)}"
        if self.missing_parameters:
            words += f"; {', '.join(self.missing_parameters)} not declared, so that more is retrieved than is needed"
        if self.newest_ways:
            words += f"; may give the newest only ({', '.join(self.newest_ways)})"
        return words


def offers_for(capability: Capability | None, searches: tuple[Search, ...]) -> tuple[Offer, ...]:
    """The offer for each of these searches, in their order."""
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

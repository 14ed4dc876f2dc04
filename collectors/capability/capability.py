"""What a source says that it can do.  What it does is another matter: see ``learned``."""

from collections.abc import Mapping
from dataclasses import dataclass, field


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

    def offers(self, resource_type: str) -> bool:
        """Whether records of this type can be searched for, as far as is declared."""
        declared = self.types.get(resource_type)
        return declared is not None and declared.searchable

    def knows(self, resource_type: str, parameter: str) -> bool:
        """Whether a search parameter is declared.  Of a type for which none at all is, any may be known."""
        declared = self.types.get(resource_type)
        return declared is None or not declared.parameters or parameter in declared.parameters


@dataclass(frozen=True, slots=True)
class Known:
    """What could be learned of a source's capability.

    ``capability`` None: nothing that can be relied on, and ``remark`` says why; the source is then asked in the way
    that every server understands.  ``refusal``: it must not be asked at all, since it is of another FHIR version, and
    what an integrator should do.  ``notes`` are what struck on reading one that can be relied on.
    """

    capability: Capability | None = None
    remark: str | None = None
    refusal: str | None = None
    notes: tuple[str, ...] = ()


UNKNOWN = Known(remark="its capability is not known yet")

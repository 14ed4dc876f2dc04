"""The parts of a CapabilityStatement and of a smart-configuration that are read."""

import msgspec

from collectors.reading.fhir_types import MISSING_ELEMENT


class Parameter(msgspec.Struct, gc=False):
    """A search parameter that a server says it knows."""

    name: str | None = None
    type: str | None = None


class Interaction(msgspec.Struct, gc=False):
    """What a server says it does, by code (``read``, ``search-type``, ``batch``)."""

    code: str | None = None


class Operation(msgspec.Struct, gc=False):
    """An operation, by name (without its ``$``, though some write it) and definition."""

    name: str | None = None
    definition: str | None = None


class Resource(msgspec.Struct, gc=False):
    """What a server says of one resource type."""

    type: str | None = None
    interaction: list[Interaction] = []
    versioning: str | None = None
    conditionalRead: str | None = None  # noqa: N815  (FHIR's own names, here and below)
    searchInclude: list[str] = []  # noqa: N815
    searchParam: list[Parameter] = []  # noqa: N815
    operation: list[Operation] = []


class Extension(msgspec.Struct, gc=False):
    """An extension, and those within it; only such as hold an address are of interest."""

    url: str | None = None
    valueUri: str | None = None  # noqa: N815
    extension: "list[Extension]" = []


class Security(msgspec.Struct, gc=False):
    """How a server says it is to be authorised."""

    extension: list[Extension] = []


class Rest(msgspec.Struct, gc=False):
    """What a server says of its REST interface."""

    mode: str | None = None
    security: Security | None = None
    resource: list[Resource] = []
    interaction: list[Interaction] = []
    searchParam: list[Parameter] = []  # noqa: N815


class Software(msgspec.Struct, gc=False):
    """What a server is called."""

    name: str | None = None
    version: str | None = None


class Statement(msgspec.Struct, gc=False):
    """A CapabilityStatement; of DSTU2, where it had another name, only that name is looked at."""

    resourceType: str | None = None  # noqa: N815
    fhirVersion: str | None = None  # noqa: N815
    software: Software | None = None
    format: list[str] = []
    rest: list[Rest] = []


class Titled(msgspec.Struct, gc=False):
    """What is tried where the whole cannot be decoded: which kind of thing it is, in which version of FHIR."""

    resourceType: str | None = None  # noqa: N815
    fhirVersion: str | None = None  # noqa: N815
    rest: msgspec.Raw = MISSING_ELEMENT


class SmartConfiguration(msgspec.Struct, gc=False):
    """A ``.well-known/smart-configuration``."""

    token_endpoint: str | None = None
    token_endpoint_auth_methods_supported: list[str] = []
    token_endpoint_auth_signing_alg_values_supported: list[str] = []
    grant_types_supported: list[str] = []
    scopes_supported: list[str] = []
    capabilities: list[str] = []


STATEMENT = msgspec.json.Decoder(Statement)
TITLED = msgspec.json.Decoder(Titled)
SMART = msgspec.json.Decoder(SmartConfiguration)

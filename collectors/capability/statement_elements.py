"""The parts of a CapabilityStatement and of a smart-configuration that are read."""

import msgspec

from collectors.reading.fhir_types import MISSING_ELEMENT


class Parameter(msgspec.Struct, gc=False):
    """A declared search parameter."""

    name: str | None = None
    type: str | None = None


class Interaction(msgspec.Struct, gc=False):
    """A declared interaction, by code (``read``, ``search-type``, ``batch``)."""

    code: str | None = None


class Operation(msgspec.Struct, gc=False):
    """An operation, by name (without its ``$``, though some write it) and definition."""

    name: str | None = None
    definition: str | None = None


class Resource(msgspec.Struct, gc=False):
    """The declaration of one resource type."""

    type: str | None = None
    interaction: list[Interaction] = []
    versioning: str | None = None
    conditionalRead: str | None = None  # noqa: N815  (FHIR's own names, here and below)
    searchInclude: list[str] = []  # noqa: N815
    searchParam: list[Parameter] = []  # noqa: N815
    operation: list[Operation] = []


class Extension(msgspec.Struct, gc=False):
    """An extension, and those nested in it; only ``valueUri`` is read."""

    url: str | None = None
    valueUri: str | None = None  # noqa: N815
    extension: "list[Extension]" = []


class Security(msgspec.Struct, gc=False):
    """The declared security of a REST interface."""

    extension: list[Extension] = []


class Rest(msgspec.Struct, gc=False):
    """The declaration of a REST interface."""

    mode: str | None = None
    security: Security | None = None
    resource: list[Resource] = []
    interaction: list[Interaction] = []
    searchParam: list[Parameter] = []  # noqa: N815


class Software(msgspec.Struct, gc=False):
    """The name and version of the server's software."""

    name: str | None = None
    version: str | None = None


class Statement(msgspec.Struct, gc=False):
    """A CapabilityStatement; of DSTU2, where it has another name, only that name is read."""

    resourceType: str | None = None  # noqa: N815
    fhirVersion: str | None = None  # noqa: N815
    software: Software | None = None
    format: list[str] = []
    rest: list[Rest] = []


class Titled(msgspec.Struct, gc=False):
    """Decoded where the complete statement cannot be: its resource type and FHIR version."""

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

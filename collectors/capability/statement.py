"""A CapabilityStatement and a smart-configuration, read into a ``Capability``."""

import re

import msgspec

from collectors.capability import statement_elements as elements
from collectors.capability.capability import Capability, KnownCapability, Smart, TypeCapability
from collectors.reading.fhir_types import element_path, printable_text

_ACCEPTED_VERSIONS = re.compile(r"4\.[013](\.\d+)?(-\w+)?")
_OTHER_VERSIONS = (
    ("6.", "R6"),
    ("5.", "R5"),
    ("4.", "a draft of R5"),
    ("3.", "STU3"),
    ("1.", "DSTU2"),
    ("0.", "DSTU1"),
)
_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_SEARCH_INTERACTIONS = frozenset({"search-type"})
_READ_INTERACTIONS = frozenset({"read", "vread"})


def read_statement(body: bytes, smart: Smart | None = None) -> KnownCapability:
    """The capability that a statement declares; a remark where it is unusable, a refusal for another FHIR version."""
    try:
        statement = elements.STATEMENT.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _undecodable(body, error)
    if (known := _check_title(statement.resourceType, statement.fhirVersion)) is not None:
        return known
    servers = [rest for rest in statement.rest if rest.mode in ("server", None)]
    if not servers:
        return KnownCapability(remark="its CapabilityStatement describes no server")
    notes: list[str] = []
    types: dict[str, TypeCapability] = {}
    for rest in servers:
        common = [each for each in rest.searchParam if each.name]
        for resource in rest.resource:
            if resource.type:
                declared = _type_capability(resource, common)
                if resource.type in types:
                    notes.append(f"{resource.type} is declared more than once: the declarations are combined")
                    declared = _combine(types[resource.type], declared)
                types[resource.type] = declared
    if not types:
        return KnownCapability(remark="its CapabilityStatement declares no resource type")
    if "Patient" not in types:
        return KnownCapability(remark="its CapabilityStatement does not declare Patient, so it cannot be complete")
    if not any(declared.searchable for declared in types.values()):
        return KnownCapability(remark="its CapabilityStatement declares no search, so it cannot be complete")
    formats = frozenset(statement.format)
    if formats and not any("json" in each for each in formats):
        notes.append("it does not declare JSON, which is requested nevertheless")
    system = {each.code for rest in servers for each in rest.interaction}
    return KnownCapability(
        Capability(
            version=statement.fhirVersion or "",
            types=types,
            formats=formats,
            batch="batch" in system,
            software=_software_name(statement.software),
            smart=smart or _declared_token_endpoint(servers),
        ),
        notes=tuple(dict.fromkeys(notes)),
    )


def read_smart(body: bytes) -> Smart | None:
    """The content of a smart-configuration; None where it cannot be read, or is empty."""
    try:
        written = elements.SMART.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if written.token_endpoint is None and not written.capabilities:
        return None
    return Smart(
        written.token_endpoint,
        frozenset(written.token_endpoint_auth_methods_supported),
        frozenset(written.token_endpoint_auth_signing_alg_values_supported),
        frozenset(written.grant_types_supported),
        frozenset(written.scopes_supported),
        frozenset(written.capabilities),
    )


def _check_title(resource_type: str | None, version: str | None) -> KnownCapability | None:
    """The remark or refusal by type and version alone: no CapabilityStatement, or another FHIR version; else None."""
    if resource_type == "Conformance":
        return KnownCapability(refusal=_refusal_text("DSTU2"))
    if resource_type != "CapabilityStatement":
        return KnownCapability(remark="its metadata is no CapabilityStatement")
    if not version:
        return KnownCapability(remark="its CapabilityStatement does not say which version of FHIR it speaks")
    if _ACCEPTED_VERSIONS.fullmatch(version):
        return None
    name = next((name for start, name in _OTHER_VERSIONS if version.startswith(start)), None)
    if name is None:
        return KnownCapability(remark="its CapabilityStatement names a version of FHIR that does not exist")
    return KnownCapability(refusal=_refusal_text(f"{name}, version {printable_text(version[:20])}"))


def _refusal_text(version: str) -> str:
    return (
        f"it speaks FHIR {version}; only R4 and R4B (4.0, 4.1 and 4.3) are read here. Give the base_url of its R4"
        " endpoint, which servers often have beside the others, or put a converter to R4 before it"
    )


def _undecodable(body: bytes, error: Exception) -> KnownCapability:
    try:
        titled = elements.TITLED.decode(body)
    except msgspec.ValidationError:
        return _check_title(None, None) or KnownCapability()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return KnownCapability(remark="its CapabilityStatement is not readable JSON")
    if (known := _check_title(titled.resourceType, titled.fhirVersion)) is not None:
        return known
    where = element_path(error) if isinstance(error, msgspec.ValidationError) else "an element"
    return KnownCapability(remark=f"in its CapabilityStatement {where} is not of the type that FHIR says")


def _type_capability(resource: elements.Resource, common: list[elements.Parameter]) -> TypeCapability:
    interactions = frozenset(each.code for each in resource.interaction if each.code)
    parameters = {each.name: each.type or "" for each in (*common, *resource.searchParam) if each.name}
    has_own = any(each.name for each in resource.searchParam)
    return TypeCapability(
        # Many statements list no interactions at all, which says nothing; a list without "search-type" says something.
        readable=not interactions or bool(interactions & _READ_INTERACTIONS),
        searchable=not interactions or bool(interactions & _SEARCH_INTERACTIONS),
        parameters=parameters if has_own else {},
        includes=frozenset(resource.searchInclude),
        operations=frozenset(name for each in resource.operation for name in _operation_names(each)),
        versioned=resource.versioning in ("versioned", "versioned-update"),
        etags=resource.conditionalRead in ("not-match", "full-support"),
    )


def _combine(one: TypeCapability, other: TypeCapability) -> TypeCapability:
    return TypeCapability(
        one.readable or other.readable,
        one.searchable or other.searchable,
        {**one.parameters, **other.parameters} if one.parameters and other.parameters else {},
        one.includes | other.includes,
        one.operations | other.operations,
        one.versioned or other.versioned,
        one.etags or other.etags,
    )


def _operation_names(written: elements.Operation) -> set[str]:
    """An operation's name as written, without a ``$``, and by its definition ("Observation-lastn")."""
    tail = (written.definition or "").partition("|")[0].rpartition("/")[2]
    return {(written.name or "").rpartition("$")[2], tail.partition("-")[2]} - {""}


def _software_name(written: elements.Software | None) -> str | None:
    if written is None or not written.name:
        return None
    return printable_text(f"{written.name} {written.version or ''}".strip()[:80])


def _declared_token_endpoint(servers: list[elements.Rest]) -> Smart | None:
    """The token endpoint in the statement itself, as in SMART before the smart-configuration; None without one."""
    for rest in servers:
        for extension in rest.security.extension if rest.security is not None else ():
            for part in extension.extension if extension.url == _OAUTH_URIS else ():
                if part.url == "token" and part.valueUri:
                    return Smart(part.valueUri)
    return None

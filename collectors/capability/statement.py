"""A CapabilityStatement and a smart-configuration, read into a ``Capability``."""

import re

import msgspec

from collectors.capability import shape
from collectors.capability.capability import Capability, Known, Smart, TypeCapability
from collectors.reading.wire import element_path, plain

_ACCEPTED = re.compile(r"4\.[013](\.\d+)?(-\w+)?")
_OTHERS = (("6.", "R6"), ("5.", "R5"), ("4.", "a draft of R5"), ("3.", "STU3"), ("1.", "DSTU2"), ("0.", "DSTU1"))
_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_SEARCHED_SO = frozenset({"search-type"})
_READ_SO = frozenset({"read", "vread"})


def read_statement(body: bytes, smart: Smart | None = None) -> Known:
    """What a statement declares; a remark where it cannot be relied on, a refusal where it is of another version."""
    try:
        statement = shape.STATEMENT.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _broken(body, error)
    if (known := _titled(statement.resourceType, statement.fhirVersion)) is not None:
        return known
    servers = [rest for rest in statement.rest if rest.mode in ("server", None)]
    if not servers:
        return Known(remark="its CapabilityStatement describes no server")
    notes: list[str] = []
    types: dict[str, TypeCapability] = {}
    for rest in servers:
        common = [each for each in rest.searchParam if each.name]
        for resource in rest.resource:
            if resource.type:
                declared = _type(resource, common)
                if resource.type in types:
                    notes.append(f"{resource.type} is declared more than once: what either says is taken")
                    declared = _both(types[resource.type], declared)
                types[resource.type] = declared
    if not types:
        return Known(remark="its CapabilityStatement declares no resource type")
    if "Patient" not in types:
        return Known(remark="its CapabilityStatement does not declare Patient, so it cannot be complete")
    if not any(declared.searchable for declared in types.values()):
        return Known(remark="its CapabilityStatement declares no search, so it cannot be complete")
    formats = frozenset(statement.format)
    if formats and not any("json" in each for each in formats):
        notes.append("it does not declare JSON, which is asked for all the same")
    system = {each.code for rest in servers for each in rest.interaction}
    return Known(
        Capability(
            version=statement.fhirVersion or "",
            types=types,
            formats=formats,
            batch="batch" in system,
            software=_software(statement.software),
            smart=smart or _declared_token(servers),
        ),
        notes=tuple(dict.fromkeys(notes)),
    )


def read_smart(body: bytes) -> Smart | None:
    """What a smart-configuration says; None where it is none that can be read."""
    try:
        written = shape.SMART.decode(body)
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


def _titled(resource_type: str | None, version: str | None) -> Known | None:
    """What the title alone decides: that it is no statement, or one of another version of FHIR."""
    if resource_type == "Conformance":
        return Known(refusal=_refusal("DSTU2"))
    if resource_type != "CapabilityStatement":
        return Known(remark="what it gives as its capability is no CapabilityStatement")
    if not version:
        return Known(remark="its CapabilityStatement does not say which version of FHIR it speaks")
    if _ACCEPTED.fullmatch(version):
        return None
    name = next((name for start, name in _OTHERS if version.startswith(start)), None)
    if name is None:
        return Known(remark="its CapabilityStatement names a version of FHIR that does not exist")
    return Known(refusal=_refusal(f"{name}, version {plain(version[:20])}"))


def _refusal(version: str) -> str:
    return (
        f"it speaks FHIR {version}; only R4 and R4B (4.0, 4.1 and 4.3) are read here. Give the base_url of its R4"
        " endpoint, which servers often have beside the others, or put a converter to R4 before it"
    )


def _broken(body: bytes, error: Exception) -> Known:
    try:
        titled = shape.TITLED.decode(body)
    except msgspec.ValidationError:
        return _titled(None, None) or Known()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Known(remark="its CapabilityStatement is not readable JSON")
    if (known := _titled(titled.resourceType, titled.fhirVersion)) is not None:
        return known
    where = element_path(error) if isinstance(error, msgspec.ValidationError) else "an element"
    return Known(remark=f"in its CapabilityStatement {where} is not of the type that FHIR says")


def _type(resource: shape.Resource, common: list[shape.Parameter]) -> TypeCapability:
    done = frozenset(each.code for each in resource.interaction if each.code)
    named = {each.name: each.type or "" for each in (*common, *resource.searchParam) if each.name}
    own = any(each.name for each in resource.searchParam)
    return TypeCapability(
        # Many statements list no interactions at all, which says nothing; a list without "search-type" says something.
        readable=not done or bool(done & _READ_SO),
        searchable=not done or bool(done & _SEARCHED_SO),
        parameters=named if own else {},
        includes=frozenset(resource.searchInclude),
        operations=frozenset(name for each in resource.operation for name in _names(each)),
        versioned=resource.versioning in ("versioned", "versioned-update"),
        etags=resource.conditionalRead in ("not-match", "full-support"),
    )


def _both(one: TypeCapability, other: TypeCapability) -> TypeCapability:
    return TypeCapability(
        one.readable or other.readable,
        one.searchable or other.searchable,
        {**one.parameters, **other.parameters} if one.parameters and other.parameters else {},
        one.includes | other.includes,
        one.operations | other.operations,
        one.versioned or other.versioned,
        one.etags or other.etags,
    )


def _names(written: shape.Operation) -> set[str]:
    """An operation's name as it is written, without a ``$``, and as its definition has it ("Observation-lastn")."""
    tail = (written.definition or "").partition("|")[0].rpartition("/")[2]
    return {(written.name or "").rpartition("$")[2], tail.partition("-")[2]} - {""}


def _software(written: shape.Software | None) -> str | None:
    if written is None or not written.name:
        return None
    return plain(f"{written.name} {written.version or ''}".strip()[:80])


def _declared_token(servers: list[shape.Rest]) -> Smart | None:
    """The token endpoint that a statement names itself, as SMART had it before there was a configuration."""
    for rest in servers:
        for extension in rest.security.extension if rest.security is not None else ():
            for part in extension.extension if extension.url == _OAUTH_URIS else ():
                if part.url == "token" and part.valueUri:
                    return Smart(part.valueUri)
    return None

"""Small CapabilityStatements in the manner of six servers: what they declare differs, and how they write it."""

from typing import Any

OAUTH = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


def statement_resource(kind: str, names: str, **more: Any) -> dict[str, Any]:
    """One resource of a statement, with its search parameters."""
    parameters = [{"name": name, "type": "token", "documentation": "…"} for name in names.split()]
    return {"type": kind, "searchParam": parameters, "interaction": [{"code": "read"}, {"code": "search-type"}], **more}


def rest_section(*resources: dict[str, Any], **rest: Any) -> list[dict[str, Any]]:
    return [{"mode": "server", "resource": list(resources), **rest}]


# In the manner of six servers: what they declare differs, and so does how they write it.
HAPI = {
    "resourceType": "CapabilityStatement",
    "fhirVersion": "4.0.1",
    "software": {"name": "HAPI FHIR Server", "version": "8.2.0"},
    "format": ["application/fhir+xml", "xml", "application/fhir+json", "json"],
    "rest": rest_section(
        statement_resource("Patient", "_id _lastUpdated identifier"),
        statement_resource(
            "Observation",
            "_id category code combo-code date patient subject status",
            versioning="versioned-update",
            conditionalRead="full-support",
            searchInclude=["*", "Observation:subject"],
            operation=[{"name": "lastn", "definition": "http://fhir.example/OperationDefinition/Observation-it-lastn"}],
        ),
        statement_resource("Condition", "_id code patient"),
        interaction=[{"code": "transaction"}, {"code": "batch"}, {"code": "search-system"}],
        operation=[{"name": "export", "definition": "http://fhir.example/OperationDefinition/-s-export"}],
    ),
}
EPIC = {
    "resourceType": "CapabilityStatement",
    "fhirVersion": "4.0.1",
    "software": {"name": "Epic", "version": "May 2025"},
    "format": ["xml", "json"],
    "rest": rest_section(
        statement_resource("Patient", "_id identifier family given birthdate"),
        statement_resource("Observation", "_id category code date focus patient subject"),
        statement_resource("Condition", "_id category clinical-status encounter patient subject"),
        {"type": "Binary", "interaction": [{"code": "read"}]},
        security={
            "extension": [
                {"url": OAUTH, "extension": [{"url": "token", "valueUri": "https://fhir.example/oauth2/token"}]}
            ]
        },
        interaction=[],
    ),
}
ORACLE = {
    "resourceType": "CapabilityStatement",
    "fhirVersion": "4.0.1",
    "format": ["json"],
    "rest": rest_section(
        statement_resource("Patient", "_id identifier name", versioning="versioned"),
        statement_resource(
            "Observation", "_id category code date patient subject _lastUpdated _count", versioning="versioned"
        ),
        statement_resource("Condition", "_id patient clinical-status category"),
    ),
}
MEDPLUM = {
    "resourceType": "CapabilityStatement",
    "fhirVersion": "4.0.1",
    "software": {"name": "medplum", "version": "4.5.2"},
    "format": ["json"],
    "rest": rest_section(
        {"type": "Patient", "searchParam": [{"name": "_id"}]},
        {"type": "Observation", "searchParam": [{"name": "code"}, {"name": "subject"}, {"name": "date"}]},
        {"type": "Condition", "searchParam": [{"name": "subject"}]},
        interaction=[{"code": "batch"}],
    ),
}
AIDBOX = {
    "resourceType": "CapabilityStatement",
    "fhirVersion": "4.0.1",
    "rest": rest_section(
        statement_resource("Patient", ""),
        statement_resource(
            "Observation", "", operation=[{"name": "$lastn", "definition": "/OperationDefinition/observation-lastn"}]
        ),
        statement_resource("Condition", ""),
        searchParam=[{"name": "_id", "type": "token"}],
    ),
}
SEKMET = {
    "resourceType": "CapabilityStatement",
    "fhirVersion": "4.0.1",
    "software": {"name": "Sekmet", "version": "0.1.0"},
    "format": ["application/fhir+json", "json"],
    "rest": rest_section(
        statement_resource("Patient", "_id identifier"),
        statement_resource("Observation", "_id code date patient subject", versioning="versioned-update"),
        statement_resource("Condition", "_id code patient"),
        interaction=[{"code": "transaction"}, {"code": "batch"}],
    ),
}

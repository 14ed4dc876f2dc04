"""What servers declare of themselves, each in its own manner, and what is made of it."""

from typing import Any

import msgspec
import pytest

from collectors.capability.capability import Capability, KnownCapability, offers_for
from collectors.capability.statement import read_smart, read_statement
from tests.support.capability_statements import (
    AIDBOX,
    EPIC,
    HAPI,
    MEDPLUM,
    ORACLE,
    SEKMET,
    rest_section,
    statement_resource,
)
from tests.support.collector_inputs import CREATININE, FIBRILLATION, SEX, searches
from tests.support.searching_server import capability_statement


def read(written: Any) -> KnownCapability:
    return read_statement(msgspec.json.encode(written))


def good(written: Any) -> Capability:
    known = read(written)
    assert known.capability is not None, known
    assert (known.remark, known.refusal) == (None, None)
    return known.capability


@pytest.mark.parametrize(
    ("written", "lastn", "batch", "versioned", "software", "patient"),
    [
        (HAPI, True, True, True, "HAPI FHIR Server 8.2.0", "patient"),
        (EPIC, False, False, False, "Epic May 2025", "patient"),
        (ORACLE, False, False, True, None, "patient"),
        (MEDPLUM, False, True, False, "medplum 4.5.2", "subject"),
        (AIDBOX, True, False, False, None, "patient"),
        (SEKMET, False, True, True, "Sekmet 0.1.0", "patient"),
    ],
    ids=["HAPI", "Epic", "Oracle Health", "Medplum", "Aidbox", "sekmet"],
)
def test_what_servers_declare(
    written: Any, lastn: bool, batch: bool, versioned: bool, software: str | None, patient: str
) -> None:
    capability = good(written)
    observations = capability.types["Observation"]
    assert ("lastn" in observations.operations) is lastn
    assert (capability.batch, observations.versioned, capability.software) == (batch, versioned, software)
    assert capability.offers_type("Observation")
    assert not capability.offers_type("Immunization")
    (fed,) = offers_for(capability, searches(CREATININE))
    assert fed.sent_parameters == (patient, "code")


def test_what_is_declared_of_a_type() -> None:
    observations = good(HAPI).types["Observation"]
    assert observations.etags
    assert observations.includes == {"*", "Observation:subject"}
    assert observations.parameters["combo-code"] == "token"
    assert good(HAPI).knows_parameter("Observation", "code")
    assert not good(HAPI).knows_parameter("Observation", "unheard")
    assert good(AIDBOX).knows_parameter("Observation", "anything"), "of a type without parameters any may be known"
    assert not good(EPIC).offers_type("Binary"), "it can be read, and not searched for"


@pytest.mark.parametrize("version", ["4.0.0", "4.0.1", "4.1.0", "4.3.0", "4.3.0-cibuild"])
def test_r4_and_r4b_are_read(version: str) -> None:
    assert good(capability_statement(fhirVersion=version)).version == version


@pytest.mark.parametrize(
    ("version", "named"),
    [
        ("5.0.0", "R5"),
        ("3.0.2", "STU3"),
        ("1.0.2", "DSTU2"),
        ("4.2.0", "draft of R5"),
        ("4.6.0", "R5"),
        ("6.0.0", "R6"),
    ],
)
def test_another_version_is_refused_in_words_that_say_what_to_do(version: str, named: str) -> None:
    known = read(capability_statement(fhirVersion=version))
    assert known.capability is None
    assert known.refusal is not None
    assert named in known.refusal
    assert version in known.refusal
    assert "R4 endpoint" in known.refusal


def test_dstu2_had_another_name_for_it() -> None:
    known = read({"resourceType": "Conformance", "fhirVersion": "1.0.2", "rest": [{"mode": "server"}]})
    assert known.refusal is not None


def broken_in(place: str) -> dict[str, Any]:
    return capability_statement(rest=[{"mode": "server", "resource": [{"type": "Patient", place: "nothing"}]}])


PATIENT_ONLY_READ = capability_statement(
    rest=[{"mode": "server", "resource": [{"type": "Patient", "interaction": [{"code": "read"}]}]}]
)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"<html><body>Please log in</body></html>", "not readable JSON"),
        (b"", "not readable JSON"),
        (b"\xff\xfe", "not readable JSON"),
        (b'{"x":' * 100_000, "not readable JSON"),
        (b"[]", "no CapabilityStatement"),
        (b'"CapabilityStatement"', "no CapabilityStatement"),
        ({}, "no CapabilityStatement"),
        ({"resourceType": "OperationOutcome"}, "no CapabilityStatement"),
        ({"resourceType": "Bundle", "type": "searchset"}, "no CapabilityStatement"),
        (capability_statement(fhirVersion=None), "which version"),
        (capability_statement(fhirVersion="R4"), "does not exist"),
        (capability_statement(rest=[]), "describes no server"),
        (capability_statement(rest=[{"mode": "client", "resource": [{"type": "Patient"}]}]), "describes no server"),
        (capability_statement(rest=[{"mode": "server"}]), "declares no resource type"),
        (capability_statement({"Observation": ("code",)}), "does not declare Patient"),
        (PATIENT_ONLY_READ, "declares no search"),
        (broken_in("searchParam"), "rest[0].resource[0].searchParam"),
    ],
)
def test_what_cannot_be_relied_on_is_a_remark_and_no_capability(body: Any, named: str) -> None:
    known = read_statement(body if isinstance(body, bytes) else msgspec.json.encode(body))
    assert known.capability is None
    assert known.refusal is None
    assert known.remark is not None
    assert named in known.remark


def test_a_broken_statement_of_another_version_is_refused_all_the_same() -> None:
    assert read({**broken_in("searchParam"), "fhirVersion": "5.0.0"}).refusal is not None


def test_a_type_declared_twice_has_what_either_says() -> None:
    twice = capability_statement(
        rest=rest_section(
            statement_resource("Patient", "_id"),
            statement_resource("Observation", "code"),
            statement_resource("Observation", "date"),
        )
    )
    known = read(twice)
    assert known.capability is not None
    assert set(known.capability.types["Observation"].parameters) == {"code", "date"}
    assert "more than once" in known.notes[0]


def test_a_server_that_declares_no_json_is_noted() -> None:
    assert "JSON" in read(capability_statement(format=["xml"])).notes[0]
    assert read(capability_statement(format=["json"])).notes == ()


def test_a_huge_statement_is_read() -> None:
    kinds = {f"Kind{chr(65 + n // 26)}{chr(97 + n % 26)}": tuple(f"p{m}" for m in range(240)) for n in range(300)}
    written = msgspec.json.encode(capability_statement({"Patient": ("_id",), **kinds}))
    assert len(written) > 2_000_000
    known = read_statement(written)
    assert known.capability is not None
    assert len(known.capability.types) == 301


SMART = {
    "token_endpoint": "https://fhir.example/token",
    "token_endpoint_auth_methods_supported": ["private_key_jwt"],
    "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
    "scopes_supported": ["system/*.rs"],
    "capabilities": ["client-confidential-asymmetric"],
    "unheard": {"of": 1},
}


def test_smart_configuration() -> None:
    smart = read_smart(msgspec.json.encode(SMART))
    assert smart is not None
    assert smart.token_endpoint == "https://fhir.example/token"
    assert smart.auth_methods == {"private_key_jwt"}
    assert smart.algorithms == {"RS384", "ES384"}
    assert smart.scopes == {"system/*.rs"}
    known = read_statement(msgspec.json.encode(EPIC), smart)
    assert known.capability is not None
    assert known.capability.smart == smart, "the configuration is newer than the statement's own words"
    declared = good(EPIC).smart
    assert declared is not None
    assert declared.token_endpoint == "https://fhir.example/oauth2/token"
    assert good(HAPI).smart is None


@pytest.mark.parametrize("body", [b"<html>", b"{}", b"[]", b'{"token_endpoint": 5}'])
def test_what_is_no_smart_configuration_is_none(body: bytes) -> None:
    assert read_smart(body) is None


def test_offers_say_what_a_source_can_feed() -> None:
    needs = searches(CREATININE, FIBRILLATION, SEX)
    capability = good(capability_statement({"Patient": ("_id",), "Observation": ("subject", "category")}, lastn=True))
    patient, observations, conditions = offers_for(capability, needs)
    assert (patient.offered, observations.offered, conditions.offered) == (True, True, False)
    assert (observations.sent_parameters, observations.missing_parameters) == (("subject",), ("code",))
    assert observations.newest_ways[0] == "$lastn"
    assert observations.concepts == ("serum-creatinine",)
    assert conditions.text == "Condition: not offered"
    assert {each.offered for each in offers_for(None, needs)} == {None}

"""Discovery: what an EHR learns of each service, and asks its own server for."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from collectors.supplied_records import from_prefetch
from server.catalog.catalog import Catalog, load_catalog
from server.catalog.services import Hook
from server.compiler.compilation import compile_plan
from server.hooks.discovery import discovery, service_templates
from tests.support.engine_questions import shipped
from tests.support.order_concepts import order_turtle, write_orders

ELEMENTS = {"hook", "id", "title", "description", "prefetch", "usageRequirements"}
IDS = sorted(shipped().services)
AUTHORISED = ("fhirAuthorization", "412")


def described(service: str, catalog: Catalog | None = None) -> dict[str, Any]:
    (found,) = [each for each in discovery(catalog or shipped())["services"] if each["id"] == service]
    assert isinstance(found, dict)
    return found


def walk(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, dict):
        for each in value.values():
            yield from walk(each)
    elif isinstance(value, list):
        for each in value:
            yield from walk(each)


def test_it_is_an_object_with_the_list_of_services() -> None:
    """CDS-6."""
    assert set(discovery(shipped())) == {"services"}
    assert [each["id"] for each in discovery(shipped())["services"]] == IDS
    assert {"deterioration", "deterioration-encounter-start", "kfre-referral", "af-stroke-prevention", "aki"} <= set(
        IDS
    )


@pytest.mark.parametrize("service", IDS)
def test_each_service_has_every_attribute_as_a_text(service: str) -> None:
    """CDS-7, CDS-8, CDS-9, CDS-10, CDS-11, CDS-12, CDS-29."""
    found = described(service)
    assert set(found) == ELEMENTS
    assert found["hook"] in list(Hook)
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", found["id"])
    assert all(isinstance(found[name], str) and found[name].strip() for name in ELEMENTS - {"prefetch"})


def test_nothing_is_null_or_empty() -> None:
    """CDS-3."""
    values = list(walk(json.loads(json.dumps(discovery(shipped())))))
    assert len(values) > 30
    assert not [value for value in values if value is None or value in ("", [], {})]


def test_ids_differ_between_hooks() -> None:
    """CDS-211 would let one id stand for several hooks; clients that keep the last of two would lose one."""
    ids = [each["id"] for each in discovery(shipped())["services"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("service", IDS)
def test_the_only_token_is_the_patient_of_the_context(service: str) -> None:
    """CDS-35, CDS-36, CDS-55, CDS-56, CDS-57, CDS-59.

    HOOK-16, HOOK-32, HOOK-73, HOOK-89, HOOK-93: never draft orders, selections, appointments or tasks.
    """
    for template in described(service)["prefetch"].values():
        assert re.findall(r"\{\{(.*?)\}\}", template) == ["context.patientId"]
        assert not set("{}") & set(template.replace("{{context.patientId}}", ""))


@pytest.mark.parametrize("service", IDS)
def test_templates_are_a_read_of_the_patient_and_searches_that_any_client_can_do(service: str) -> None:
    """CDS-58: type level searches by the patient and by codes, without modifiers, chains, and dates."""
    prefetch = described(service)["prefetch"]
    assert prefetch["patient"] == "Patient/{{context.patientId}}"
    for key, template in prefetch.items():
        if key == "patient":
            continue
        parts = urlsplit(template)
        assert re.fullmatch("[A-Z][A-Za-z]+", parts.path)
        parameters = dict(parse_qsl(parts.query, strict_parsing=True))
        assert parameters.keys() - {"code"} == {"patient", "_count"}
        assert parameters["_count"] == "1000"


@pytest.mark.parametrize("service", IDS)
def test_all_that_a_call_searches_is_asked_for(service: str) -> None:
    """What is prefetched answers each search of the plan, so that nothing is left to be fetched."""
    plan = compile_plan(shipped(), shipped().services[service].concepts)
    empty = {"resourceType": "Bundle", "type": "searchset", "total": 0}
    prefetch: dict[str, Any] = dict.fromkeys(described(service)["prefetch"], empty)
    prefetch["patient"] = {"resourceType": "Patient", "id": "p1"}
    supplied = from_prefetch(prefetch, plan.searches, "p1")
    searched = [
        each for each in plan.searches if not (each.description.on_request or each.description.comes_with_question)
    ]
    assert [each.description.id for each in searched if supplied.records_for(each) is None] == []


@pytest.mark.parametrize("service", IDS)
def test_it_says_in_words_what_is_needed(service: str) -> None:
    """Every type that is searched or referred to is named, with its scope."""
    found = described(service)
    words = found["usageRequirements"]
    types = {re.split(r"[?/]", template)[0] for template in found["prefetch"].values()}
    assert all(kind in words and f"patient/{kind}.rs" in words for kind in types)
    assert all(word in words for word in AUTHORISED)
    assert not re.search(r"None|\(\)|\.\.|  |mpm:", words)


@pytest.mark.parametrize(
    ("service", "sentence"),
    [
        ("deterioration", "Needs Observation (body temperature; "),
        ("deterioration", "Where it can change the answer, needs Condition (chronic confusion; "),
        ("deterioration", "this server: Glasgow Coma Scale used where ACVPU is not charted."),
        ("kfre-referral", "Depends on what is set at this server: in North America."),
        ("aki", "Needs Observation (serum creatinine) and Patient (date of birth)."),
        ("aki", "Shows MedicationRequest (ACE inhibitor; aminoglycoside; angiotensin receptor blocker; "),
        ("aki", "Reads Encounter and Medication where other records refer to it."),
        (
            "af-stroke-prevention",
            "Where it can change the answer, needs MedicationRequest (oral anticoagulant), MedicationStatement"
            " (oral anticoagulant) and Procedure (mechanical heart valve; ",
        ),
    ],
)
def test_what_is_needed_is_told_from_what_is_shown(service: str, sentence: str) -> None:
    assert sentence in described(service)["usageRequirements"]


ORDERS = """
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
<#orders> a mpm:HookService ; mpm:id "orders" ; owl:versionInfo "1.0.0" ; mpm:hook "order-sign" ;
  dcterms:title "Orders"@en ; dcterms:description "For tests."@en ;
  mpm:card ( [ mpm:concept mpm:AkiEpisode ; mpm:indicator "warning" ; mpm:draft mpm:DraftMetformin ;
    mpm:suggestsRemoval true ] ) .
"""


def test_draft_orders_are_not_prefetched(tmp_path_factory: pytest.TempPathFactory) -> None:
    """HOOK-16: the context has them already, and no source is asked for what nobody has ordered."""
    folder = write_orders(tmp_path_factory.mktemp("ours"), order_turtle("draft-metformin", "Metformin"))
    head = (folder / "orders/module.ttl").read_text()
    (folder / "orders/service.ttl").write_text(head.split("mpm:DraftMetformin")[0] + ORDERS)
    catalog = load_catalog(extra_modules=[folder])
    service = catalog.services["orders"]
    assert service.concepts == ("aki-episode", "draft-metformin") and service.rules[0].suggests_removal
    templates = service_templates(catalog, service)
    assert set(templates) == {"patient", "observation", "condition", "procedure", "all-encounter"}
    words = described("orders", catalog)["usageRequirements"]
    assert "Looks for these among the draft orders of the context: draft draft-metformin." in words
    assert "MedicationRequest" not in words


def test_it_is_the_same_for_all_and_computed_once() -> None:
    """CDS-13: there is nothing in it of who asks; of another catalog there is another."""
    assert discovery(shipped()) is discovery(shipped())

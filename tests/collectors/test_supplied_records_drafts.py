"""Draft orders that come with a question: what they answer, and that nothing else ever sees or answers them."""

from typing import Any

import pytest

from collectors.fetching.access import NoAccess, Target
from collectors.reading.draft_orders import DraftOrders, read_draft_orders
from collectors.reading.records import OUR_TAG
from collectors.settings import Source
from collectors.source_facts import SourceFacts
from collectors.supplied_records import OFFLINE, SuppliedRecords, from_prefetch, search_templates
from ontology.slots import Select, Slot
from ontology.values import Absent, AbsentReason, Value
from server.compiler.compilation import compile_plan
from server.compiler.searches import prefetch_templates
from server.explain.plan_text import describe_searches
from tests.support.collector_inputs import AT, issue_codes
from tests.support.draft_bundles import ATORVASTATIN, Json, draft, drafts, product
from tests.support.event_records import ATC, RXNORM, coding, event
from tests.support.multi_source_servers import EHR, LAB, Servers, person
from tests.support.order_concepts import with_orders

ORDER, TAKEN = "draft-metformin", "metformin"
NOT_QUERIED, NOT_FOUND = Absent(AbsentReason.NOT_QUERIED), Absent(AbsentReason.NOT_FOUND)
UNCLEAR = Absent(AbsentReason.UNCONVERTIBLE)
CONFLICTING = Absent(AbsentReason.CONFLICTING)


def slot_of(concept: str, **more: Any) -> Slot:
    return Slot("input", with_orders().concepts[concept], Select.ANY, required=True, **more)


async def facts(
    supplied: SuppliedRecords | None, servers: Servers | None = None, source: Source = OFFLINE, *others: Source
) -> SourceFacts:
    searches = compile_plan(with_orders(), (ORDER, "draft-statin", TAKEN)).searches
    async with (servers or Servers()).gatherer() as gatherer:
        targets = [Target(each, NoAccess()) for each in others]
        return await gatherer.gather(source, "p", searches, AT, 5, None, targets, supplied)


def with_drafts(bundle: Json, selections: tuple[str, ...] | None = None, **more: Any) -> SuppliedRecords:
    return SuppliedRecords(drafts=read_draft_orders(bundle, selections), **more)


async def answer(bundle: Json, selections: tuple[str, ...] | None = None, concept: str = ORDER) -> Value:
    found = await facts(with_drafts(bundle, selections))
    return found.select(slot_of(concept), AT, AT).value


TAG = {"system": OUR_TAG[0], "code": OUR_TAG[1]}
REFERRED = {"medicationReference": {"reference": "Medication/m1"}}
AS_TEXT = {"text": "Metformin 500 mg tablet"}
CASES: dict[str, tuple[Json, Value]] = {
    "coded": (drafts(draft()), True),
    "undated or dated in the future, it is of now": (drafts(draft(authoredOn="2031-01-01")), True),
    "dated long ago": (drafts(draft(authoredOn="1999-01-01")), True),
    "already called active": (drafts(draft(status="active")), True),
    "on hold": (drafts(draft(status="on-hold")), True),
    "proposed": (drafts(draft(intent="proposal")), True),
    "planned": (drafts(draft(intent="plan")), True),
    "without an intent": (drafts(draft(intent=None)), True),
    "one of several options": (drafts(draft(intent="option")), UNCLEAR),
    "without a status": (drafts(draft(status=None)), UNCLEAR),
    "of an unknown status": (drafts(draft(status="unknown")), UNCLEAR),
    "cancelled": (drafts(draft(status="cancelled")), NOT_FOUND),
    "stopped": (drafts(draft(status="stopped")), NOT_FOUND),
    "in error": (drafts(draft(status="entered-in-error")), NOT_FOUND),
    "not to be given": (drafts(draft(doNotPerform=True)), NOT_FOUND),
    "none": (drafts(), NOT_FOUND),
    "another drug": (drafts(draft(ATORVASTATIN)), NOT_FOUND),
    "another drug beside it": (drafts(draft(ATORVASTATIN), draft(id="d2")), True),
    "by its name only": (drafts(draft(None, medicationCodeableConcept=AS_TEXT)), UNCLEAR),
    "in a code that nobody knows": (drafts(draft(None, medicationCodeableConcept=coding("1", "urn:x"))), UNCLEAR),
    "without a drug": (drafts(draft(None)), UNCLEAR),
    "of a drug that is none": (drafts(draft(None, medicationCodeableConcept="metformin")), UNCLEAR),
    "meant otherwise": (drafts(draft(modifierExtension=[{"url": "urn:x"}])), UNCLEAR),
    "tagged as ours": (drafts(draft(meta={"tag": [TAG]})), True),
    "contained": (
        drafts(draft(None, contained=[product()], medicationReference={"reference": "#m1"})), True,
    ),
    "an entry beside it": (drafts(draft(None, **REFERRED), product()), True),
    "an entry by its URN": (
        drafts(draft(None, medicationReference={"reference": "urn:uuid:u-1"}), product(), m1="urn:uuid:u-1"), True,
    ),
    "an entry that is another drug": (drafts(draft(None, **REFERRED), product("83367")), NOT_FOUND),
    "an entry that nobody knows": (drafts(draft(None, **REFERRED), product("1")), UNCLEAR),
    "an entry that is not there": (drafts(draft(None, **REFERRED)), UNCLEAR),
    "of another patient": (drafts(draft(subject={"reference": "Patient/q"})), NOT_FOUND),
    "of nobody": (drafts(draft(subject=None)), UNCLEAR),
    "without an id": (drafts(draft(id=None)), True),
    "with an id that is none": (drafts(draft(id="../x")), True),
    "no record": (drafts(17), UNCLEAR),
    "no type": (drafts({"id": "d1"}), UNCLEAR),
    "entries that are none": ({"resourceType": "Bundle", "entry": {"a": 1}}, UNCLEAR),
    "a service": (drafts({"resourceType": "ServiceRequest", "id": "s1", "code": AS_TEXT}), NOT_FOUND),
    "two of one id that differ": (drafts(draft(), draft(ATORVASTATIN)), CONFLICTING),
    "lacking what an order needs": (drafts(draft(dosageInstruction="twice")), True),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
async def test_drafts_are_read_as_they_come(name: str) -> None:
    bundle, expected = CASES[name]
    assert await answer(bundle) == expected


@pytest.mark.parametrize(
    ("selections", "expected"),
    [
        (("MedicationRequest/d1",), True),
        (("MedicationRequest/d2",), NOT_FOUND),
        (("MedicationRequest/d2", "MedicationRequest/d1"), True),
        (("MedicationRequest/d1/_history/3",), True),
        (("urn:uuid:u-1",), True),
        (("https://ehr.test/fhir/MedicationRequest/d1",), True),
        ((), NOT_FOUND),
        (("ServiceRequest/s1",), NOT_FOUND),
        (("MedicationRequest/other",), UNCLEAR),
        (("urn:uuid:other",), UNCLEAR),
        (("MedicationRequest/d",), UNCLEAR),
    ],
)
async def test_of_drafts_with_a_selection_only_those_count(selections: tuple[str, ...], expected: Value) -> None:
    bundle = drafts(draft(), draft(ATORVASTATIN, id="d2"), d1="urn:uuid:u-1")
    assert await answer(bundle, selections) == expected


async def test_the_references_of_matching_drafts_come_out() -> None:
    bundle = drafts(draft(), draft(id="d2"), draft(ATORVASTATIN, id="d3"), draft(id=None))
    found = await facts(with_drafts(bundle))
    refs = [each.source for each in found.select(slot_of(ORDER), AT, AT).resources if each.source is not None]
    assert [(each.type, each.id) for each in refs] == [
        ("MedicationRequest", "d1"),
        ("MedicationRequest", "d2"),
        ("MedicationRequest", "unnamed-draft-4"),
    ]


async def test_a_draft_that_is_probably_it_is_shown_as_such_with_its_reference() -> None:
    found = await facts(with_drafts(drafts(draft(None, medicationCodeableConcept=AS_TEXT))))
    selected = found.select(slot_of(ORDER), AT, AT)
    assert selected.value == UNCLEAR and issue_codes(selected) == ["probable"]
    assert [each.source.id for each in selected.resources if each.source is not None] == ["d1"]
    # The other drug is ruled out neither: it may be a combination.
    assert found.select(slot_of("draft-statin"), AT, AT).value == UNCLEAR


async def test_a_draft_is_no_medication_that_is_taken() -> None:
    supplied = with_drafts(drafts(draft(), draft(id="d2", status="active")), complete_types={"MedicationRequest": ()})
    found = await facts(supplied)
    assert found.select(slot_of(ORDER), AT, AT).value is True
    taken = found.select(slot_of(TAKEN), AT, AT)
    assert taken.value == NOT_QUERIED and not taken.resources


async def test_a_draft_in_the_record_is_neither_a_medication_nor_a_draft_of_the_question() -> None:
    searches = compile_plan(with_orders(), (ORDER, TAKEN)).searches
    entries = [{"resource": draft(), "search": {"mode": "match"}}]
    page = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
    prefetched = from_prefetch({"medication-request": page, "draft-order": page, "patient": person()}, searches, "p")
    for supplied in (prefetched, SuppliedRecords(complete_types={"MedicationRequest": ()})):
        found = await facts(supplied)
        assert found.select(slot_of(ORDER), AT, AT).value == NOT_QUERIED
        assert found.select(slot_of(TAKEN), AT, AT).value is not True


async def test_no_source_is_asked_and_without_drafts_it_is_never_no() -> None:
    theirs = [person(), draft(), event("MedicationRequest", medicationCodeableConcept=coding("A10BA02", ATC))]
    servers = Servers(ehr=theirs, lab=theirs)
    found = await facts(None, servers, EHR, LAB)
    for more in ({}, {"closed_world": True}):
        selected = found.select(slot_of(ORDER, **more), AT, AT)
        assert selected.value == NOT_QUERIED and not selected.resources
        assert [each.text for each in selected.issues] == ["No draft order is part of this question."]
    assert found.select(slot_of(TAKEN), AT, AT).value is True
    # One search for prescriptions at each source, that of medications.
    assert servers.of("ehr").count("MedicationRequest") == servers.of("lab").count("MedicationRequest") == 1


async def test_with_drafts_other_sources_do_not_matter() -> None:
    servers = Servers(ehr=[person()], lab=[person()])
    servers.down = {"lab"}
    found = await facts(with_drafts(drafts(draft(ATORVASTATIN))), servers, EHR, LAB)
    assert found.select(slot_of("draft-statin"), AT, AT).value is True
    assert found.select(slot_of(ORDER, closed_world=True), AT, AT).value is False


async def test_a_product_that_the_record_holds_is_fetched_by_its_id() -> None:
    servers = Servers(ehr=[person(), product()])
    found = await facts(with_drafts(drafts(draft(None, **REFERRED))), servers, EHR)
    assert found.select(slot_of(ORDER), AT, AT).value is True
    assert [given for _, kind, given in servers.requests if kind == "Medication"] == [{"_id": "m1", "_count": "500"}]


async def test_what_came_beside_the_drafts_goes_before_the_prefetch() -> None:
    beside = read_draft_orders(drafts(draft(None, **REFERRED), product()))
    from_record = {"Medication": (b'{"resourceType":"Medication","id":"m1","code":{"text":"?"}}',)}
    found = await facts(SuppliedRecords(all_records=from_record, drafts=beside))
    assert found.select(slot_of(ORDER), AT, AT).value is True


def test_no_template_and_no_request_asks_for_drafts() -> None:
    plan = compile_plan(with_orders(), (ORDER,))
    assert list(prefetch_templates(plan)) == ["patient"]
    assert all(not search_templates(each) for each in plan.searches if each.description.id == "draft-order")
    assert not any("MedicationRequest" in each for each in describe_searches(plan))


def test_orders_of_other_types_are_left_out_and_products_are_kept() -> None:
    other = {"resourceType": "ServiceRequest", "id": "s1"}
    found = read_draft_orders(drafts(other, product("860975"), draft(None, **REFERRED)))
    assert len(found.orders) == len(found.medications) == 1
    assert read_draft_orders({}) == DraftOrders()
    assert RXNORM.encode() in found.medications[0]

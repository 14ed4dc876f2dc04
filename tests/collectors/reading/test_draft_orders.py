"""Draft orders out of any Bundle: nothing that is handed in is refused or lost."""

import json
import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from collectors.reading.draft_orders import DraftOrders, read_draft_orders
from collectors.reading.supplied import encode_resource

TEXTS = st.sampled_from(["MedicationRequest", "Medication", "ServiceRequest", "d1", "urn:uuid:d1", "../x", "", "é"])
ANY: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["resourceType", "id", "fullUrl", "resource", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)
RECORD = st.fixed_dictionaries({"resourceType": TEXTS | ANY}, optional={"id": TEXTS | ANY, "x": ANY})
ENTRY = st.fixed_dictionaries({"resource": RECORD}, optional={"fullUrl": TEXTS | ANY}) | ANY
BUNDLE = st.fixed_dictionaries(
    {"resourceType": st.just("Bundle")}, optional={"entry": st.lists(ENTRY, max_size=5) | ANY}
)
REFERENCES = st.lists(st.sampled_from(["MedicationRequest/d1", "urn:uuid:d1", "d1", "ServiceRequest/d1", "/", ""]))


def types(orders: DraftOrders) -> list[Any]:
    return [None if raw == b"null" else json.loads(raw)["resourceType"] for raw in orders.orders]


@given(BUNDLE)
def test_every_entry_is_an_order_of_a_medication_another_resource_or_unreadable(bundle: dict[str, Any]) -> None:
    found = read_draft_orders(bundle)
    entries = bundle.get("entry")
    entries = [] if entries is None else entries
    wanted = [
        record.get("resourceType") if isinstance(record, dict) else None
        for each in (entries if isinstance(entries, list) else [None])
        for record in [each.get("resource") if isinstance(each, dict) else None]
    ]
    orders = [each for each in wanted if each == "MedicationRequest" or not isinstance(each, str)]
    if isinstance(entries, list):
        assert len(found.orders) == len(orders)
    else:
        assert found.orders == (b"null",)
    assert set(types(found)) <= {None, "MedicationRequest"}
    assert all(json.loads(raw)["resourceType"] == "Medication" for raw in found.medications)


@given(BUNDLE, REFERENCES)
def test_a_selection_adds_no_order_and_loses_none_that_it_names(bundle: dict[str, Any], names: list[str]) -> None:
    every, chosen = read_draft_orders(bundle), read_draft_orders(bundle, names)
    assert {raw for raw in chosen.orders if raw != b"null"} <= set(every.orders)
    assert chosen.medications == every.medications
    if "MedicationRequest/d1" in names:
        assert chosen.orders


@given(BUNDLE, REFERENCES)
def test_a_selection_means_an_entry_by_its_full_url_or_its_type_and_id(
    bundle: dict[str, Any], names: list[str]
) -> None:
    """As it was said before sets made it quick: whatever ends with type and id, or is the full URL."""

    def is_meant(entry: dict[str, Any], reference: str) -> bool:
        own = f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
        return reference in (entry.get("fullUrl"), own) or reference.endswith(f"/{own}")

    entries = bundle.get("entry")
    named = [
        each
        for each in (entries if isinstance(entries, list) else [])
        if isinstance(each, dict)
        and isinstance(each.get("resource"), dict)
        and each["resource"].get("resourceType") == "MedicationRequest"
        and each["resource"].get("id") == "d1"
    ]
    chosen = read_draft_orders(bundle, names).orders
    for each in named:
        assert (encode_resource(each["resource"]) in chosen) == any(is_meant(each, name) for name in names)


def test_many_selections_of_many_orders_take_no_time_of_each_pair() -> None:
    """H115: twenty thousand entries and as many selections would else take minutes, in which nobody is answered."""
    count = 20_000
    entries = [{"resource": {"resourceType": "MedicationRequest", "id": f"d{each}"}} for each in range(count)]
    began = time.process_time()
    found = read_draft_orders({"entry": entries}, [f"ServiceRequest/d{each}" for each in range(count)])
    assert found.orders == ()
    assert time.process_time() - began < 5

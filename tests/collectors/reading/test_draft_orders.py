"""Draft orders out of any Bundle: nothing that is handed in is refused or lost."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from collectors.reading.draft_orders import DraftOrders, read_draft_orders

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

"""The items of an attribution: records and times at both ends, as every output shows them."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from ontology.evaluation import Standing
from ontology.values import Quantity
from server.attribution.result import CODE, POINTS, Attribution, AttributionItem
from tests.support import traces as t

ONE, TWO = Quantity(Decimal(1), "mg/dL"), Quantity(Decimal(2), "mg/dL")
EARLIER = t.DRAWN - timedelta(days=3)


def test_an_item_has_the_records_and_the_latest_time_of_each_end() -> None:
    before = (t.record(t.CREATININE, ONE, EARLIER, "a"), t.record(t.CREATININE, ONE, t.DRAWN, "b"))
    after = (t.record(t.CREATININE, TWO, t.DRAWN, "c"), t.record(t.CREATININE, TWO, None, "c"))
    item = AttributionItem(t.CREATININE, "creatinine", ONE, TWO, before, after)
    assert [record.id for record in item.records_before] == ["a", "b"]
    assert [record.id for record in item.records] == ["c"]
    assert (item.effective_before, item.effective) == (t.DRAWN, t.DRAWN)


def test_an_item_without_records_has_neither_records_nor_times() -> None:
    assumed = replace(t.record(t.CREATININE, TWO, None), source=None)
    item = AttributionItem(t.CREATININE, "creatinine", ONE, TWO, resources=(assumed,))
    assert (item.records_before, item.records, item.effective_before, item.effective) == ((), (), None, None)


def test_the_residual_is_what_base_and_amounts_leave_over() -> None:
    items = tuple(AttributionItem(t.CREATININE, None, ONE, TWO, amount=amount) for amount in (1.0, 0.25))
    assert Attribution(POINTS, 1.0, 2.5, ONE, TWO, items, ()).residual == 0.25
    assert Attribution(CODE, 0.0, 0.0, ONE, TWO, items, ()).residual == 0


def test_a_standing_has_the_share_that_was_measured_and_whether_any_input_lies_outside() -> None:
    inside = Standing(4, 5, (), "slope 0.98", "research")
    assert (inside.share_measured, inside.out_of_distribution) == (Decimal("0.8"), False)
    assert replace(inside, outside=("UACR 300 mg/g",)).out_of_distribution

"""Two inputs that are alike in all that is told of them are two all the same."""

from dataclasses import replace
from decimal import Decimal

from ontology.values import Quantity
from server.explain.comparisons import AttributionView, Baseline, Comparison, GroupView, ItemView
from server.explain.prov.read_export import read_export
from server.explain.prov.serialize import serialize_result
from tests.support import traces as t
from tests.support.exported import result_of

ONE, TWO = Quantity(Decimal(1), "mg/dL"), Quantity(Decimal(2), "mg/dL")


def item() -> ItemView:
    return ItemView(t.CREATININE, "creatinine", ONE, TWO, 0.5, None, None, None, (), (), False, False, False)


def test_a_group_keeps_each_of_its_inputs() -> None:
    """Inputs that move as one are told as equal parts, and two selections of one concept may find one record."""
    items = (item(), item(), item())
    group = GroupView("both", (items[0], items[2]), 1.0)
    view = AttributionView("mg/dL", "usual values", 1.0, 2.5, ONE, TWO, 0.0, items, (), (), "moved", (group,))
    result = replace(result_of("chain"), attributions={Comparison(Baseline.REFERENCE): view})
    (attribution,) = read_export(serialize_result(result), "turtle")[0].attributions
    assert [found.items for found in attribution.groups] == [(0, 2)]

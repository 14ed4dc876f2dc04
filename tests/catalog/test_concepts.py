"""Concepts of draft orders: they are read as their medication is, and a bad declaration stops the start."""

from pathlib import Path

import pytest

from ontology.concepts import Origin
from server.catalog.catalog import load_catalog
from server.compiler.compilation import compile_plan
from server.errors import CatalogError
from tests.support.descriptions import copy_descriptions
from tests.support.order_concepts import order_turtle, with_orders, write_orders


@pytest.mark.parametrize(("order", "of"), [("draft-metformin", "metformin"), ("draft-statin", "statin")])
def test_a_draft_order_has_codes_and_names_of_its_medication(order: str, of: str) -> None:
    concepts = with_orders().concepts
    found, medication = concepts[order], concepts[of]
    assert found.origin is Origin.DRAFT_ORDER and found.accepted
    assert found.accepted == medication.accepted
    assert found.accepted_sets == medication.accepted_sets
    assert found.ingredient_names == medication.ingredient_names != ()
    assert found.complete_in == medication.complete_in
    # Its name is its own, and so is the code under which it would be given out: none.
    assert (found.display, found.codes) == (f"Draft {order}", ())


def test_it_is_asked_as_a_concept_of_its_own() -> None:
    plan = compile_plan(with_orders(), ("draft-metformin",))
    assert {search.description.id for search in plan.searches} == {"draft-order", "patient"}


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        (order_turtle("x", "AtrialFibrillation"), "does not name a medication concept"),
        (order_turtle("x", "NoSuchThing"), "does not name a medication concept"),
        (order_turtle("x", "Metformin").replace("mpm:orderOf mpm:Metformin", 'mpm:note "none"'), "one mpm:orderOf"),
        (order_turtle("x", "Metformin").replace("FLAG", "DATE"), "of valueType FLAG"),
        (order_turtle("x", "Metformin", accepts='[ mpm:system "urn:s" ; mpm:code "c" ]'), "codes of its medication"),
        (order_turtle("x", "Metformin").replace("DraftOrderConcept", "ConditionConcept"), "only a draft order concept"),
    ],
    ids=["a condition", "nothing", "none named", "a date", "codes of its own", "of another class"],
)
def test_a_faulty_declaration_is_refused_and_named(declared: str, said: str, tmp_path: Path) -> None:
    root = copy_descriptions(tmp_path / "house", "age", ontology=("conditions_heart", "medications"))
    with pytest.raises(CatalogError, match=said):
        load_catalog(root, extra_modules=[write_orders(tmp_path / "ours", declared)])

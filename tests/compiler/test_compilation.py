"""Goals to plan."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ontology.concepts import Origin
from ontology.slots import Select
from server.catalog.descriptions import Description, MaxTimeApart
from server.compiler.compilation import compile_plan
from server.compiler.plan import FromCall, FromSeries, Leaf
from server.errors import (
    AmbiguousProducerError,
    CycleError,
    NoProducerError,
    UnitMismatchError,
    UnknownConceptError,
)
from tests.support.small_catalogs import DAY, catalog, concept, module, slot

LAB = concept("lab", Origin.OBSERVATION)
VITAL = concept("vital", Origin.OBSERVATION, "/min")
ILLNESS = concept("illness", Origin.CONDITION)
A, B, C = concept("a"), concept("b"), concept("c")


def test_calls_come_inputs_first_and_each_once() -> None:
    plan = compile_plan(catalog(module(A, slot(LAB)), module(B, slot(A)), module(C, slot(A), slot(B))), ("c", "a"))
    assert [call.description.id for call in plan.calls] == ["a", "b", "c"]
    assert [goal.call for goal in plan.goals] == ["urn:m:c", "urn:m:a"]
    assert plan.calls[2].bindings == {"a": FromCall("urn:m:a"), "b": FromCall("urn:m:b")}
    assert plan.calls[0].bindings == {"lab": Leaf(slot(LAB))}


def test_one_search_a_resource_type_with_every_code_and_the_patient_always() -> None:
    panelled = replace(VITAL, panels=(replace(VITAL.accepted[0].coding, code="panel"),))
    plan = compile_plan(catalog(module(A, slot(LAB), slot(panelled)), module(B, slot(A), slot(ILLNESS))), ("b",))
    found = {s.description.resource_type: s for s in plan.searches}
    assert set(found) == {"Observation", "Patient", "Condition"}
    assert [c.code for c in found["Observation"].codes] == ["lab", "panel", "vital"]
    assert found["Condition"].codes == ()
    assert found["Patient"].concepts == ()


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(DAY, 3 * DAY, 3 * DAY), (3 * DAY, DAY, 3 * DAY), (None, DAY, None), (DAY, None, None)],
)
def test_the_widest_window_counts(
    first: timedelta | None, second: timedelta | None, expected: timedelta | None
) -> None:
    plan = compile_plan(catalog(module(A, slot(LAB, window=first)), module(B, slot(VITAL, window=second))), ("a", "b"))
    assert next(s for s in plan.searches if s.description.id == "observation").window == expected


LATEST = module(A, slot(LAB), slot(VITAL))
GROUPED = MaxTimeApart(("lab", "vital"), 30 * DAY)


@pytest.mark.parametrize(
    ("modules", "goals", "expected"),
    [
        ((LATEST,), ("a",), True),
        ((LATEST, module(B, slot(A))), ("b",), True),
        ((module(A, slot(LAB), slot(VITAL, select=Select.SERIES)),), ("a",), False),
        ((module(A, slot(LAB, select=Select.EARLIEST)),), ("a",), False),
        ((LATEST, module(B, slot(LAB, select=Select.SERIES))), ("a", "b"), False),
        ((module(A, slot(LAB), slot(VITAL), within=GROUPED, digest="grouped"),), ("a",), False),
        ((LATEST, module(B, slot(A, select=Select.SERIES))), ("b",), False),
        ((LATEST, module(B, slot(A, select=Select.SERIES))), ("a",), True),
        ((LATEST,), ("lab",), True),
    ],
    ids=[
        "latest",
        "through another",
        "a series",
        "the earliest",
        "latest here, a series there",
        "within a time of each other",
        "under a series",
        "a series that is not asked for",
        "as recorded",
    ],
)
def test_a_search_says_whether_only_the_latest_values_are_wanted(
    modules: tuple[Description, ...], goals: tuple[str, ...], expected: bool
) -> None:
    plan = compile_plan(catalog(*modules, module(C, slot(ILLNESS, select=Select.ANY))), (*goals, "c"))
    found = {search.description.id: search.latest_only for search in plan.searches}
    assert found == {"observation": expected, "patient": False, "condition": False}


def test_a_series_of_a_computed_concept_reads_its_leaves_further_back() -> None:
    producer = module(A, slot(LAB, window=90 * DAY), slot(VITAL, window=2 * DAY, applicability_only=True))
    over = module(B, slot(A, select=Select.SERIES, window=365 * DAY))
    plan = compile_plan(catalog(producer, over), ("b",))
    assert plan.calls[-1].bindings == {"a": FromSeries("urn:m:a", ("lab",))}
    assert next(s for s in plan.searches if s.description.id == "observation").window == 455 * DAY


def test_an_assumed_concept_needs_no_producer_but_series_of_it_do() -> None:
    series = module(C, slot(A, select=Select.SERIES))
    whole = catalog(module(A, slot(LAB)), module(B, slot(A)), series)
    assert [c.description.id for c in compile_plan(whole, ("b",), frozenset({"a"})).calls] == ["b"]
    assert [c.description.id for c in compile_plan(whole, ("c",), frozenset({"a"})).calls] == ["a", "c"]
    goal = compile_plan(whole, ("a",), frozenset({"a"})).goals[0]
    assert goal.call is None and goal.slot is not None


def test_the_record_is_taken_only_where_a_slot_prefers_it() -> None:
    recorded = concept("recorded-a", Origin.OBSERVATION)
    computed = replace(A, recorded_as=recorded.iri)
    extra = module(C, slot(recorded))
    chosen = compile_plan(catalog(module(B, slot(computed, prefer_recorded=True)), extra), ("b",))
    binding = chosen.calls[0].bindings["a"]
    assert isinstance(binding, Leaf) and binding.slot.concept is recorded
    with pytest.raises(NoProducerError, match="none is declared"):
        compile_plan(catalog(module(B, slot(A, prefer_recorded=True)), extra), ("b",))


def test_unknown_concept() -> None:
    with pytest.raises(UnknownConceptError, match="'x'"):
        compile_plan(catalog(module(A, slot(LAB))), ("x",))


def test_no_producer() -> None:
    with pytest.raises(NoProducerError, match="no module computes b"):
        compile_plan(catalog(module(A, slot(B))), ("a",))
    with pytest.raises(NoProducerError, match="a: slot illness: no collector reads illness"):
        compile_plan(catalog(module(A, slot(ILLNESS)), collectors=("observation", "patient")), ("a",))


def test_two_producers_need_one_preference() -> None:
    one, two = module(A, slot(LAB), name="one"), module(A, slot(LAB), name="two")
    with pytest.raises(AmbiguousProducerError, match="one, two, and 0"):
        compile_plan(catalog(one, two), ("a",))
    with pytest.raises(AmbiguousProducerError, match="and 2"):
        compile_plan(catalog(replace(one, preferred=True), replace(two, preferred=True)), ("a",))
    plan = compile_plan(catalog(one, replace(two, preferred=True)), ("a",))
    assert plan.calls[0].description.id == "two"


def test_a_cycle_is_shown_as_a_path() -> None:
    turning = catalog(module(A, slot(B)), module(B, slot(C)), module(C, slot(B)))
    with pytest.raises(CycleError, match=r"^b → c → b$"):
        compile_plan(turning, ("a",))


@pytest.mark.parametrize("unit", ["mg/L", "g/dL"])
def test_units_that_meet_compile(unit: str) -> None:
    compile_plan(catalog(module(A, slot(LAB, unit=unit))), ("a",))


@pytest.mark.parametrize("unit", ["kg", "mmol/L", "mL/min"])
def test_a_unit_that_can_never_meet_its_slot_is_refused(unit: str) -> None:
    with pytest.raises(UnitMismatchError, match="a: slot lab wants"):
        compile_plan(catalog(module(A, slot(LAB, unit=unit))), ("a",))
    with pytest.raises(UnitMismatchError, match="b: slot a wants"):
        compile_plan(catalog(module(A, slot(LAB)), module(B, slot(A, unit=unit))), ("b",))


def test_equal_questions_share_one_plan_until_the_catalog_changes() -> None:
    one = catalog(module(A, slot(LAB)))
    assert compile_plan(one, ("a",)) is compile_plan(catalog(module(A, slot(LAB))), ("a",))
    assert compile_plan(one, ("a",)) is not compile_plan(catalog(module(A, slot(LAB), digest="new")), ("a",))


@given(st.lists(st.sets(st.integers(0, 7)), min_size=8, max_size=8), st.permutations(range(8)))
def test_any_acyclic_hierarchy_comes_out_topologically(edges: list[set[int]], order: list[int]) -> None:
    concepts = [concept(f"n{i}") for i in range(8)]
    modules = [
        module(concepts[i], slot(LAB), *(slot(concepts[j]) for j in sorted(edges[i]) if j < i)) for i in range(8)
    ]
    plan = compile_plan(catalog(*(modules[i] for i in order)), tuple(c.id for c in concepts))
    position = {call.description.iri: n for n, call in enumerate(plan.calls)}
    assert len(position) == 8
    for call in plan.calls:
        for binding in call.bindings.values():
            if isinstance(binding, FromCall):
                assert position[binding.call] < position[call.description.iri]

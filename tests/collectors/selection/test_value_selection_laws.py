"""What selection may never depend on: the order of records, their ids, and ``meta``."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ontology.slots import Select
from ontology.values import Absent, Quantity, Series
from tests.support.collector_inputs import AT, CREATININE, facts_of, observation, quantity, slot

TIMES = ("2024-05-01T08:00:00Z", "2024-05-01", "2024-05", "2024-04-20T08:00:00Z", "2023-01-01", "2024-07-01", None)
NUMBERS = ("0.9", "1.1", "1.10", "900", "0.01")


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    unit = draw(st.sampled_from(("mg/dL", "umol/L", "g/L", None)))
    comparator = draw(st.sampled_from((None, None, None, "<")))
    changes: dict[str, Any] = {
        "effectiveDateTime": draw(st.sampled_from(TIMES)),
        "status": draw(st.sampled_from(("final", "final", "preliminary", "amended", "entered-in-error"))),
        "valueQuantity": quantity(Decimal(draw(st.sampled_from(NUMBERS))), unit, comparator=comparator),
    }
    if draw(st.integers(0, 3)) == 0:
        changes |= {"valueQuantity": None, "dataAbsentReason": {"text": "refused"}}
    return observation(**changes)


SLOTS = st.builds(
    lambda select, window, step_back, accepts: slot(
        select=select, window=window, step_back=step_back, accepts_bound=accepts
    ),
    st.sampled_from((Select.LATEST, Select.EARLIEST, Select.SERIES)),
    st.sampled_from((None, timedelta(days=45), timedelta(days=400))),
    st.booleans(),
    st.booleans(),
)


@settings(deadline=None)  # the first example imports the models
@given(st.lists(records(), max_size=6), SLOTS, st.randoms(use_true_random=False))
def test_order_ids_and_meta_do_not_matter(made: list[dict[str, Any]], wanted: Any, chance: Any) -> None:
    def ask(those: list[dict[str, Any]], prefix: str) -> Any:
        numbered = [
            {**each, "id": f"{prefix}{index}", "meta": {"versionId": prefix, "lastUpdated": "2024-05-01T08:00:00Z"}}
            for index, each in enumerate(those)
        ]
        return facts_of(*numbered, concepts=(CREATININE,)).select(wanted, AT, AT)

    first = ask(made, "a")
    shuffled = list(made)
    chance.shuffle(shuffled)
    second = ask(shuffled, "b")
    assert first.value == second.value
    assert sorted(issue.code for issue in first.issues) == sorted(issue.code for issue in second.issues)
    assert len(first.resources) == len(second.resources)


@settings(deadline=None)  # the first example imports the models
@given(st.lists(records(), max_size=6), SLOTS)
def test_a_value_is_plausible_in_its_unit_and_in_the_window_and_an_absence_is_explained(
    made: list[dict[str, Any]], wanted: Any
) -> None:
    numbered = [{**each, "id": str(index)} for index, each in enumerate(made)]
    selected = facts_of(*numbered, concepts=(CREATININE,)).select(wanted, AT, AT)
    if isinstance(selected.value, Absent):
        assert selected.issues
        return
    assert selected.resources
    for resource in selected.resources:
        assert resource.effective is not None
        assert resource.effective.end <= AT
        assert wanted.window is None or AT - resource.effective.start <= wanted.window
    if isinstance(selected.value, Quantity):
        assert selected.value.unit == "mg/dL"
        assert Decimal("0.1") <= selected.value.value <= 40
    if isinstance(selected.value, Series):
        assert [time for time, _ in selected.value.points] == sorted(time for time, _ in selected.value.points)

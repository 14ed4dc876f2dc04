"""Whatever is changed in an argument is found, and named."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.answered import answers
from tests.support.changing import numbers, with_input
from tests.support.replaying import NEWS2, RISK, SLOPE, again, argument, found, words
from tests.support.tampering import CHANGES, step_of


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_found_and_named(name: str) -> None:
    change, kind, text = CHANGES[name]
    replayed = again(change(argument()))
    assert not replayed.matches
    assert kind in {each for each, _ in found(replayed)}, found(replayed)
    assert text in words(replayed)


def test_only_the_seal_can_see_another_record() -> None:
    said = argument()
    changed = with_input(
        said, step_of(said, "egfr"), "creatinine", records=("https://other.example/fhir/Observation/1/_history/9",)
    )
    assert again(changed).matches
    assert again(replace(said, text="All is well.")).matches


@pytest.mark.parametrize(
    ("patient", "concept"),
    [
        ("ckd-progressing", RISK),
        ("ckd-progressing", SLOPE),
        ("sepsis-ward", NEWS2),
        ("unknown-sex", "egfr"),
        ("healthy", "prevent-10y-total-cvd"),
    ],
)
def test_every_number_of_an_argument_counts(patient: str, concept: str) -> None:
    said = argument(patient, concept)
    changes = list(numbers(said))
    assert len(changes) > 7
    for change in changes:
        assert not again(change(Decimal(1))).matches


@settings(deadline=None)
@given(st.data())
def test_no_change_of_a_number_goes_unseen(data: st.DataObject) -> None:
    which = data.draw(st.sampled_from(sorted(key for key, result in answers().items() if result.chain)))
    changes = list(numbers(argument(*which)))
    if not changes:
        return
    change = data.draw(st.sampled_from(changes))
    by = data.draw(st.decimals(min_value=Decimal("-1e6"), max_value=Decimal("1e6"), places=4).filter(bool))
    replayed = again(change(by))
    assert not replayed.matches

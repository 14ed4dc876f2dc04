"""What an answer lacks: which inputs leave a value open, and what each one that was not found is needed for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.explain.results import Status
from server.pages.missing_rows import missing_rows, unknown_inputs
from tests.support.synthetic_answers import synthetic_answers


@pytest.mark.parametrize(
    ("patient", "concept", "says"),
    [
        ("af-stroke", "cha2ds2-vasc", ["Not known: vascular disease."]),
        ("infarction", "mortality-after-mi-1y", ["Not known: heart failure and cardiogenic shock."]),
        # Complete, without a value, not applicable: the status says enough.
        ("sepsis-ward", "news2", []),
        ("sparse", "news2", []),
        ("dialysis", "egfr", []),
    ],
)
def test_a_value_in_part_names_what_is_not_known(patient: str, concept: str, says: list[str]) -> None:
    assert unknown_inputs(synthetic_answers()[patient, concept]) == says


def test_what_lies_within_limits_is_not_called_unknown() -> None:
    """Of a birth of which the day is not known, the age and what is computed from it have limits."""
    assert unknown_inputs(synthetic_answers()["partial-birth-date", "gfr-category"]) == [
        "Known within limits only: estimated GFR."
    ]


def test_of_many_unknown_inputs_four_are_named() -> None:
    answer = replace(synthetic_answers()["sparse", "news2"], status=Status.PARTIAL)
    (text,) = unknown_inputs(answer)
    assert text.startswith("Not known: ") and text.endswith(" more.") and text.count(",") == 3


def test_what_is_taken_as_no_is_not_called_unknown() -> None:
    answer = synthetic_answers()["af-stroke", "cha2ds2-vasc"]
    assert answer.step is not None
    grounds = tuple(
        replace(each, presumed=False) if each.concept.display == "Vascular disease" else each
        for each in answer.step.grounds
    )
    chain = (*answer.chain[:-1], replace(answer.step, grounds=grounds))
    presumed = replace(answer, make_chain=lambda: chain)
    assert unknown_inputs(presumed) == ["On no list, and taken as no: vascular disease."]


def role_of(patient: str, concept: str, name: str) -> str:
    return next(each.role for each in missing_rows(synthetic_answers()[patient, concept]) if name in each.names)


@pytest.mark.parametrize(
    ("patient", "concept", "name", "role"),
    [
        ("sparse", "news2", "Heart rate", "needed for a value"),
        ("af-stroke", "cha2ds2-vasc", "Vascular disease", "needed for a value"),
        # Either the ratio or both of its parts.
        ("sparse", "kidney-failure-risk-5y", "Albumin-creatinine ratio", "one way to a value"),
        ("ckd-progressing", "albuminuria-category", "Urine albumin", "optional"),
        ("infarction", "mortality-after-mi-1y", "Cardiogenic shock", "would make it more exact"),
        ("af-stroke", "cha2ds2-vasc", "Mechanical heart valve", "decides whether it applies"),
    ],
)
def test_what_a_missing_input_is_needed_for(patient: str, concept: str, name: str, role: str) -> None:
    assert role_of(patient, concept, name) == role

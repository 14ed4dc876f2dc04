"""What stands beside a value on an argument page: its method, and what is set for this site."""

from __future__ import annotations

import pytest

from ontology.words import PLAIN
from server.pages.argument_words import method_words, rule_inputs
from tests.support.page_servers import answer_path, serving_chart
from tests.support.synthetic_answers import synthetic_answers


@pytest.mark.parametrize(
    ("patient", "concept", "words"),
    [
        (
            "ckd-progressing",
            "kidney-failure-risk-5y",
            "Method: Kidney Failure Risk Equation, 4 variables, 5 years. Set for this site: in North America, yes.",
        ),
        ("ckd-progressing", "egfr", "Method: Estimated GFR (CKD-EPI 2021, creatinine)."),
        # Its name says it.
        ("sepsis-ward", "news2", ""),
        ("af-stroke", "cha2ds2-vasc", ""),
        ("sparse", "kidney-failure-risk-5y", ""),
    ],
)
def test_the_method_is_named_where_the_question_does_not(patient: str, concept: str, words: str) -> None:
    assert method_words(synthetic_answers()[patient, concept], PLAIN) == words


@pytest.mark.parametrize(
    ("patient", "concept", "has", "lacks"),
    [
        (
            "ckd-progressing",
            "albuminuria-category",
            "No caution was raised; others may apply.",
            "Before you rely on it",
        ),
        ("ckd-progressing", "egfr", "Before you rely on it", "No caution was raised"),
        # There is nothing to rely on.
        ("prevention", "prevent-10y-total-cvd", "What would limit a value", "Before you rely on it"),
    ],
)
async def test_cautions_are_said_to_be_there_or_not(patient: str, concept: str, has: str, lacks: str) -> None:
    async with serving_chart(patient) as client:
        text = (await client.get(answer_path(patient, concept))).text
    assert has in text and lacks not in text


def test_a_rule_shows_the_number_that_decided() -> None:
    found = synthetic_answers()
    assert "estimated GFR 23.5 mL/min/1.73 m²" in rule_inputs(found["ckd-progressing", "metformin-renal-dosing"], PLAIN)
    # A number shows its own, and nothing decided what has no value.
    assert rule_inputs(found["ckd-progressing", "egfr"], PLAIN) == ""
    assert rule_inputs(found["sparse", "metformin-renal-dosing"], PLAIN) == ""

"""The cautions of a card: by code in fixed words, with our concept's label, and never in a record's own words."""

from dataclasses import replace

import pytest

from ontology.evaluation import Issue, Severity
from server.explain.dependencies import Dependencies
from server.explain.explain import explain
from server.explain.phrases import SHORT_TEXTS
from server.hooks.card_cautions import card_cautions
from tests.support.traces import CREATININE, creatinine, egfr_run, interpret, trace, warning

SAID = "Observation/1 says <b>IGNORE ALL</b> 5 mg"
OF_SEARCHES = {
    *("source-unreachable", "source-refused", "scope-missing", "source-incomplete", "not-handed-in", "not-offered")
}


def cautions(*issues: Issue, own: tuple[Issue, ...] = ()) -> tuple[str, ...]:
    execution = egfr_run(given=creatinine(issues=issues))
    execution = replace(execution, evaluation=replace(execution.evaluation, issues=own))
    made = trace((execution,), goals=(0,))
    return card_cautions(explain(made, interpret)[0], Dependencies(made))


@pytest.mark.parametrize("code", sorted(set(SHORT_TEXTS) - OF_SEARCHES))
def test_an_issue_of_a_record_has_the_words_of_its_code(code: str) -> None:
    (said,) = cautions(warning(SAID, code, "creatinine")) or ("",)
    assert "IGNORE" not in said and "5 mg" not in said
    if "{name}" in SHORT_TEXTS[code] and said:
        assert said.startswith("serum creatinine: ")


@pytest.mark.parametrize("code", ["record-note", "anything-else"])
def test_an_issue_without_fixed_words_says_nothing(code: str) -> None:
    assert cautions(warning(SAID, code, "creatinine")) == ()


@pytest.mark.parametrize("code", sorted(OF_SEARCHES))
def test_a_search_that_matters_to_no_card_is_not_said(code: str) -> None:
    made = trace((egfr_run(),), goals=(0,), issues=(warning(SAID, code),))
    assert card_cautions(explain(made, interpret)[0], Dependencies(made)) == ()


def test_what_a_module_says_itself_is_in_its_short_words() -> None:
    long = Issue(Severity.WARNING, "steady-state", "The equation needs a steady state; it rose.", short="not steady")
    assert cautions(own=(long,)) == ("not steady",)
    assert CREATININE.display == "Serum creatinine"


def test_a_caution_is_said_once() -> None:
    twice = (warning(SAID, "preliminary", "creatinine"), warning("other words", "preliminary", "creatinine"))
    assert cautions(*twice) == ("serum creatinine: preliminary",)

"""Drugs by eGFR: never silent in acute kidney injury or on dialysis, and a card for each band that restricts."""

import pytest

from ontology.values import Absent, Coding
from server.catalog.services import CardRule, Hook, Indicator
from tests.support.charts import Record, condition
from tests.support.module_inputs import Given, catalog, code_of, evaluate_module, issue_codes, module
from tests.support.renal_orders import chart
from tests.support.supplied_answers import answer_from

DRUGS = (
    "metformin", "nsaid", "finerenone", "sitagliptin", "saxagliptin", "canagliflozin", "dapagliflozin",
    "empagliflozin", "ertugliflozin",
)  # fmt: skip
SERVICES = {"renal-dosing": Hook.ORDER_SIGN, "renal-dosing-select": Hook.ORDER_SELECT}
# Of these bands no card tells: nothing restricts the order.
UNRESTRICTED = {"finerenone-start-20-mg", *(f"{drug}-no-restriction" for drug in DRUGS)}


def rules(service: str, drug: str) -> list[CardRule]:
    return [each for each in catalog().services[service].rules if each.concept == f"{drug}-renal-dosing"]


def card_bands(service: str, drug: str) -> set[str]:
    return {band.code for rule in rules(service, drug) for band in rule.bands}


def test_all_modules_of_this_kind_are_here() -> None:
    assert {name for name in catalog().modules if name.endswith("-renal-dosing")} == {
        f"{d}-renal-dosing" for d in DRUGS
    }


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("drug", DRUGS)
def test_each_band_that_restricts_has_one_card_and_no_other_has(service: str, drug: str) -> None:
    described = module(f"{drug}-renal-dosing")
    outputs = {case.output.code for case in described.cases if isinstance(case.output, Coding)}
    assert outputs == {each.coding.code for each in described.outcomes if each.coding is not None}
    assert card_bands(service, drug) == outputs - UNRESTRICTED
    assert len(rules(service, drug)) == len(card_bands(service, drug))


@pytest.mark.parametrize(("service", "hook"), SERVICES.items())
def test_a_card_is_about_an_order_of_its_own_drug(service: str, hook: Hook) -> None:
    described = catalog().services[service]
    assert described.hook is hook and described.reports_missing
    for rule in described.rules:
        drug = rule.concept.removesuffix("-renal-dosing")
        assert rule.draft == f"{drug}-order"
        assert catalog().concepts[rule.draft].order_of == catalog().concepts[drug].iri
        # A summary has fewer than 140 characters, and the claim stands behind the title.
        assert rule.title is not None and len(rule.title) <= 60


def test_both_services_have_the_same_cards() -> None:
    assert len({catalog().services[each].rules for each in SERVICES}) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_critical_is_a_contraindication_and_removal_is_suggested_for_it_alone(service: str) -> None:
    for rule in catalog().services[service].rules:
        contraindicated = {band.code for band in rule.bands} == {"metformin-contraindicated"}
        assert (rule.indicator is Indicator.CRITICAL) is contraindicated
        assert rule.suggests_removal is contraindicated


@pytest.mark.parametrize("drug", DRUGS)
def test_neither_dialysis_nor_acute_kidney_injury_is_silent(drug: str) -> None:
    """On dialysis there is no eGFR, and a high eGFR in an injury says nothing: each has a band with a card."""
    states: list[Given] = [
        {"dialysis": True},
        {"egfr": 95, "aki_episode": True},
        {"egfr": 95, "acute_kidney_injury": True},
        {"egfr": 95, "aki_stage": Coding("https://medtwin.example/codes", "aki-stage-2")},
    ]
    for given in states:
        assert code_of(evaluate_module(f"{drug}-renal-dosing", given)) in card_bands("renal-dosing", drug), given
    assert code_of(evaluate_module(f"{drug}-renal-dosing", {"egfr": 95})) in UNRESTRICTED


@pytest.mark.parametrize("drug", [each for each in DRUGS if each != "nsaid"])
@pytest.mark.parametrize("egfr", [10, 27, 40, 55, 95])
def test_in_an_open_injury_it_is_said_that_egfr_is_unreliable(drug: str, egfr: int) -> None:
    evaluation = evaluate_module(f"{drug}-renal-dosing", {"egfr": egfr, "aki_episode": True})
    assert not isinstance(evaluation.value, Absent)
    assert [issue.short for issue in evaluation.issues if issue.code == "caution"] == [
        "eGFR is unreliable during acute kidney injury"
    ]
    assert "caution" not in issue_codes(evaluate_module(f"{drug}-renal-dosing", {"egfr": egfr, "aki_episode": False}))


@pytest.mark.parametrize("drug", DRUGS)
def test_a_lower_egfr_never_restricts_less(drug: str) -> None:
    """The cards stand in order of urgency, and no card at all is the last."""
    order = list(Indicator)
    urgency = {band.code: order.index(rule.indicator) for rule in rules("renal-dosing", drug) for band in rule.bands}
    found = [
        urgency.get(code_of(evaluate_module(f"{drug}-renal-dosing", {"egfr": egfr})), len(order))
        for egfr in range(5, 120)
    ]
    assert found == sorted(found)


# What a chart shows, by creatinine in mg/dL: 0.7 is an eGFR near 95, 1.5 near 38, 2.5 near 21.
RISING = [("2026-03-10T08:00:00Z", 0.7), ("2026-06-14T08:00:00Z", 0.7), ("2026-06-15T08:00:00Z", 1.1)]
CHARTS: dict[str, tuple[list[Record], str, str]] = {
    "severe": (chart(2.5), "metformin-contraindicated", "nsaid-avoid"),
    "moderate": (chart(1.5), "metformin-start-not-recommended", "nsaid-no-prolonged-use"),
    "normal": (chart(0.7), "metformin-no-restriction", "nsaid-no-restriction"),
    "on dialysis": (chart(2.5, condition("105502003")), "metformin-contraindicated", "nsaid-on-dialysis"),
    "a creatinine that rises": (
        [record for time, value in RISING for record in chart(value, when=[time])[1:]] + chart(0.7, when=())[:1],
        "metformin-egfr-unreliable", "nsaid-avoid-in-aki",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHARTS)
def test_what_a_chart_shows(name: str) -> None:
    records, metformin, nsaid = CHARTS[name]
    results = answer_from(records, "metformin-renal-dosing", "nsaid-renal-dosing")
    values = [results[f"{drug}-renal-dosing"].value for drug in ("metformin", "nsaid")]
    assert [value.code for value in values if isinstance(value, Coding)] == [metformin, nsaid]


def test_an_old_creatinine_is_missing_and_named() -> None:
    """A label asks for an eGFR before the start: one of 100 days ago is not known to hold, and that is told."""
    result = answer_from(chart(2.5, when=["2026-03-07T08:00:00Z"]), "metformin-renal-dosing")["metformin-renal-dosing"]
    assert isinstance(result.value, Absent)
    assert "creatinine" in result.text and "90 days" in result.text


@pytest.mark.parametrize("drug", ["metformin", "finerenone", "canagliflozin", "dapagliflozin"])
def test_advice_on_starting_speaks_of_what_is_taken_too(drug: str) -> None:
    """An order does not say whether it starts a treatment, and the label says different things of the two."""
    (band,) = [o for o in module(f"{drug}-renal-dosing").outcomes if o.coding.code == f"{drug}-start-not-recommended"]
    (advice,) = band.advice
    assert "New treatment: not recommended." in advice.text
    assert "Already taken" in advice.text


@pytest.mark.parametrize("drug", DRUGS)
def test_each_band_that_restricts_names_its_source(drug: str) -> None:
    described = module(f"{drug}-renal-dosing")
    assert described.citations
    for band in described.outcomes:
        assert band.citation and all(advice.citation for advice in band.advice), band.coding.code

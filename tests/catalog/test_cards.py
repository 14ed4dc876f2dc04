"""Cards: all 31 attributes in their nine groups, metrics, and the page."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from ontology.words.quantities import number_words
from server.catalog.cards import Card, Metric
from server.catalog.catalog import load_catalog
from server.cli.main import main
from server.errors import CatalogError
from server.explain.card import metric_tables, render_markdown
from tests.support.descriptions import KIDNEY, copy_descriptions
from tests.support.engine_questions import shipped

NUMERALS = ("i", "ii", "iii", "iv", "v")
KFRE = ("kidney-failure-risk-2y", "kidney-failure-risk-5y")


def card_of(module_id: str) -> Card:
    catalog = shipped()
    return catalog.cards[catalog.modules[module_id].iri]


def test_a_card_answers_the_31_attributes_in_the_order_of_the_rule() -> None:
    for card in shipped().cards.values():
        paragraphs = [attribute.paragraph for group in card.groups for attribute in group.attributes]
        sizes = (4, 4, 2, 4, 2, 4, 5, 4, 2)
        wanted = [f"({n})({NUMERALS[k]})" for n, size in enumerate(sizes, 1) for k in range(size)]
        assert paragraphs == wanted and len(paragraphs) == 31
        assert [group.title[:2] for group in card.groups] == [f"{n}." for n in range(1, 10)]
        assert all(attribute.text for group in card.groups for attribute in group.attributes)


def test_one_card_may_be_of_two_modules() -> None:
    first, second = map(card_of, KFRE)
    assert first is second and len(first.module_iris) == 2


def test_what_was_fitted_to_data_has_a_card() -> None:
    modules = shipped().modules.values()
    with_card = {module.id for module in modules if module.iri in shipped().cards}
    assert set(KFRE) <= with_card
    assert {module.id for module in modules if module.model is not None} <= with_card
    assert "news2" not in with_card


def test_the_page_has_every_attribute_and_metric() -> None:
    card = card_of(KFRE[0])
    page = render_markdown(card, [shipped().modules[each] for each in KFRE])
    assert page.startswith("# Kidney Failure Risk Equation, 4 variables, 2 years\n")
    assert "45 CFR 170.315(b)(11)(iv)(B)" in page
    for group in card.groups:
        assert f"\n## {group.title}\n" in page
        for attribute in group.attributes:
            assert f"\n- {attribute.paragraph} **{attribute.label}**: {attribute.text}\n" in page
    assert "| 2 years, 31 cohorts | 721357 | 0.9 (interval not known) |" in page
    assert "How: 2 years, 31 cohorts, AUROC; 5 years, 31 cohorts, AUROC: C statistic over cohorts" in page


def test_metrics_stand_in_tables_with_their_intervals() -> None:
    value, low, high = map(Decimal, ("0.71", "0.60", "0.80"))
    tenth = Decimal("0.1")
    metrics = (
        Metric("auroc", value, "ten-fold", low, high, Decimal("0.95"), number=400, events=80),
        Metric("auroc", low, "ten-fold", candidate="boost|ing", number=400, events=80),
        Metric("auroc", high, "ten-fold", subgroup="women", number=190, events=30),
        Metric("net-benefit", value, "ten-fold", threshold=tenth, low=low, high=high),
        Metric("net-benefit", low, "ten-fold", candidate="boost|ing", threshold=tenth),
    )
    page = render_markdown(replace(card_of(KFRE[0]), metrics=metrics))
    assert "| measure | the model in use | boost\\|ing | people (events) |" in page
    assert "| AUROC | 0.71 (0.6 to 0.8, 95 %) | 0.6 (interval not known) | 400 (80) |" in page
    assert "| women | 190 (30) | 0.8 (interval not known) |" in page
    assert "| 10 % | 0.71 (0.6 to 0.8) | not known | 0 |" in page
    # Of what was compared there is no curve; the number is shown all the same.
    assert "| net benefit at 0.1 | not known | 0.6 (interval not known) | not known |" in page


def test_every_metric_of_a_shipped_card_is_in_its_tables() -> None:
    for card in shipped().cards.values():
        cells = [cell for table in metric_tables(card.metrics) for row in table.rows for cell in row[1:]]
        values = [cell for cell in cells if "interval not known" in cell or " to " in cell]
        assert len(values) == len(card.metrics)
        for metric in card.metrics:
            assert any(cell.startswith(f"{number_words(metric.value)} (") for cell in values)


def test_the_command_prints_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card", KFRE[1]]) == 0
    card = card_of(KFRE[1])
    assert capsys.readouterr().out == render_markdown(card, [shipped().by_iri[iri] for iri in card.module_iris])


@pytest.mark.parametrize(
    ("module", "says"),
    [("age", "age was not fitted to data, and has no card; these have: "), ("aeg", "no module has this id")],
)
def test_a_card_that_there_is_not(module: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card", module]) == 1
    told = capsys.readouterr()
    assert told.out == "" and says in told.err and "kidney-failure-risk-5y" in told.err


BROKEN = (
    ('mpm:fundingSource "', 'mpm:note "', "a card has one mpm:fundingSource; what is unknown is"),
    ("mpm:of <#two-years> ,", "mpm:of <#three-years> ,", "#three-years names no module"),
    ("mpm:value 0.90 ;", "", "a metric has one mpm:value"),
    ('"5 years, 31 cohorts"', '"2 years, 31 cohorts"', "mpm:metric: two of auroc for the same people"),
    ("mpm:knownRisks", "mpm:knownRisk", "mpm:knownRisk is not in the vocabulary (did you mean mpm:knownRisks?)"),
)


@pytest.mark.parametrize(("written", "instead", "says"), BROKEN)
def test_a_broken_card_stops_the_start(tmp_path: Path, written: str, instead: str, says: str) -> None:
    copy_descriptions(tmp_path, *KIDNEY, "uacr", "kidney_failure_risk")
    card = tmp_path / "modules/kidney_failure_risk/card.ttl"
    text = card.read_text(encoding="utf-8")
    assert written in text
    card.write_text(text.replace(written, instead, 1), encoding="utf-8")
    with pytest.raises(CatalogError) as error:
        load_catalog(tmp_path)
    assert all(fault.startswith("modules/kidney_failure_risk/card.ttl: ") for fault in error.value.faults)
    assert any(says in fault for fault in error.value.faults)

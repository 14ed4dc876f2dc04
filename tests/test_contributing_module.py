"""CONTRIBUTING.md's module works as it is written there, step by step."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ontology.values import Quantity
from server import kinds
from server.catalog.catalog import ROOT, Catalog, load_catalog
from server.kinds.worked_cases import run_cases
from server.settings import load_settings
from tests.support.charts import lab, patient
from tests.support.engine_questions import open_asker

PAGE = (ROOT / "CONTRIBUTING.md").read_text()
FILES = dict(re.findall(r"`modules/mean_arterial_pressure/([\w.]+)`:\n\n```\w+\n(.*?)```", PAGE, re.DOTALL))


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder = tmp_path_factory.mktemp("modules") / "mean_arterial_pressure"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return load_catalog(extra_modules=[folder.parent])


def test_the_page_has_every_file_of_a_module() -> None:
    assert set(FILES) == {"__init__.py", "module.ttl", "evaluate.py", "cases.json"}


def test_its_module_is_on_offer_and_its_cases_hold(catalog: Catalog) -> None:
    described = catalog.modules["mean-arterial-pressure"]
    assert kinds.check_signature(described) == []
    assert run_cases([described], described.folder / "cases.json") == []


async def test_its_module_answers(catalog: Catalog) -> None:
    when = "2026-06-30T08:00:00+00:00"
    chart = [patient(), lab("8480-6", 150, "mm[Hg]", when), lab("8462-4", 90, "mm[Hg]", when)]
    async with open_asker(catalog) as ask:
        trace = await ask(chart, "mean-arterial-pressure", at=datetime(2026, 6, 30, 12, tzinfo=UTC))
    assert trace.executions[-1].evaluation.value == Quantity(Decimal("110.0"), "mm[Hg]")


def test_its_source_is_a_valid_setting(tmp_path: Path) -> None:
    tables = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "medtwin.toml").write_text("".join(tables))
    settings = load_settings(tmp_path / "medtwin.toml", environ={})
    assert [source.id for source in settings.endpoints()] == ["ehr"]

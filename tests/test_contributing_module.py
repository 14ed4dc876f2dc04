"""What CONTRIBUTING.md adds, an equation, a score and a service, works as it is written there, step by step."""

import re
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ontology.evaluation import Interval
from ontology.values import Absent, AbsentReason, Quantity
from server import kinds
from server.catalog.catalog import ROOT, Catalog, load_catalog
from server.catalog.services import Hook, Indicator
from server.cli.check import module_faults
from server.errors import CatalogError
from server.executor.trace import Execution
from server.hooks.discovery import discovery
from server.kinds.interpretation import interpret
from server.settings import load_settings
from tests.support.charts import answer, creatinine, lab, patient
from tests.support.engine_questions import open_asker

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
AT = datetime(2026, 6, 30, 12, tzinfo=UTC)
WHEN = "2026-06-30T08:00:00+00:00"
SNOMED = "http://snomed.info/sct"
SYSTOLIC, DIASTOLIC, BREATHS, CONSCIOUSNESS = "8480-6", "8462-4", "9279-1", "67775-7"


def files_of_modules() -> dict[str, dict[str, str]]:
    """Folder → file → its text, as the page has them."""
    files: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for folder, name, text in re.findall(r"`modules/(\w+)/([\w.]+)`:\n\n```\w+\n(.*?)```", PAGE, re.DOTALL):
        files[folder][name] = text
    return files


FILES = files_of_modules()


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The catalog as it is shipped, and the modules of the page: read and checked by SHACL, as at a start."""
    modules = tmp_path_factory.mktemp("modules")
    for folder, files in FILES.items():
        (modules / folder).mkdir()
        for name, text in files.items():
            (modules / folder / name).write_text(text, encoding="utf-8")
    return load_catalog(extra_modules=[modules])


async def ask(catalog: Catalog, concept: str, *records: dict[str, Any], birth: str = "1950-01-01") -> Execution:
    async with open_asker(catalog) as question:
        trace = await question([patient(birth), *records], concept, at=AT)
    return trace.executions[-1]


def test_the_page_has_every_file_of_the_modules() -> None:
    assert set(FILES) == {"mean_arterial_pressure", "crb_65", "low_gfr"}
    assert set(FILES["mean_arterial_pressure"]) == {"__init__.py", "module.ttl", "evaluate.py", "cases.json"}
    assert set(FILES["crb_65"]) == {"__init__.py", "module.ttl", "cases.json"}
    assert set(FILES["low_gfr"]) == {"service.ttl"}


def test_they_are_on_offer_and_their_cases_pass(catalog: Catalog) -> None:
    for name in ("mean-arterial-pressure", "crb-65"):
        assert kinds.check_signature(catalog.modules[name]) == []
    assert module_faults(catalog) == []


def test_the_page_has_their_rows_of_the_intended_use(catalog: Catalog) -> None:
    columns = "| module | intended | not intended, and limits |\n| --- | --- | --- |\n"
    assert columns in (ROOT / "INTENDED_USE.md").read_text(encoding="utf-8")
    rows = re.findall(rf"{re.escape(columns)}\| `([a-z0-9-]+)` \|", PAGE)
    assert rows == ["mean-arterial-pressure", "crb-65"]
    assert set(rows) <= set(catalog.modules)


async def test_the_equation_answers(catalog: Catalog) -> None:
    pressures = (lab(SYSTOLIC, 150, "mm[Hg]", WHEN), lab(DIASTOLIC, 90, "mm[Hg]", WHEN))
    execution = await ask(catalog, "mean-arterial-pressure", *pressures)
    assert execution.evaluation.value == Quantity(Decimal("110.0"), "mm[Hg]")


CONFUSED = answer(CONSCIOUSNESS, (SNOMED, "130987000"), WHEN)
ALERT = answer(CONSCIOUSNESS, (SNOMED, "248234008"), WHEN)


@pytest.mark.parametrize(
    ("consciousness", "breaths", "pressure", "birth", "total"),
    [
        (ALERT, 29, (90, 61), "1961-07-01", 0),
        (CONFUSED, 29, (90, 61), "1961-07-01", 1),
        (ALERT, 30, (90, 61), "1961-07-01", 1),
        (ALERT, 29, (89, 61), "1961-07-01", 1),
        (ALERT, 29, (90, 60), "1961-07-01", 1),
        (ALERT, 29, (90, 61), "1961-06-30", 1),
        (CONFUSED, 31, (85, 55), "1950-01-01", 4),
    ],
)
async def test_the_score_answers(
    catalog: Catalog, consciousness: dict[str, Any], breaths: int, pressure: tuple[int, int], birth: str, total: int
) -> None:
    systolic, diastolic = pressure
    records = (
        consciousness,
        lab(BREATHS, breaths, "/min", WHEN),
        lab(SYSTOLIC, systolic, "mm[Hg]", WHEN),
        lab(DIASTOLIC, diastolic, "mm[Hg]", WHEN),
    )
    execution = await ask(catalog, "crb-65", *records, birth=birth)
    assert execution.evaluation.value == Quantity(Decimal(total), "{score}")
    # The named condition is used in a band and in a remark: both go by it.
    codes = {issue.code for issue in execution.evaluation.issues}
    assert ("confusion-by-acvpu" in codes) is (consciousness is CONFUSED)


async def test_the_score_has_limits_where_an_input_is_missing(catalog: Catalog) -> None:
    execution = await ask(catalog, "crb-65", lab(SYSTOLIC, 85, "mm[Hg]", WHEN), lab(DIASTOLIC, 55, "mm[Hg]", WHEN))
    assert execution.evaluation.value == Absent(AbsentReason.INPUT_ABSENT)
    assert isinstance(execution.evaluation.bounds, Interval)
    assert (execution.evaluation.bounds.low, execution.evaluation.bounds.high) == (Decimal(2), Decimal(4))


def test_the_service_is_on_offer_without_code(catalog: Catalog) -> None:
    service = catalog.services["low-gfr"]
    assert (service.hook, service.reports_missing) == (Hook.ENCOUNTER_START, True)
    assert [rule.indicator for rule in service.rules] == [Indicator.WARNING, Indicator.INFO]
    assert [reason.display for reason in service.override_reasons] == [
        "Palliative care",
        "Already known, will monitor",
        "Not clinically appropriate",
    ]
    (described,) = [each for each in discovery(catalog)["services"] if each["id"] == "low-gfr"]
    assert set(described["prefetch"]) >= {"patient", "observation", "condition", "medication-request"}
    assert "Shows MedicationRequest (metformin) and MedicationStatement (metformin)" in described["usageRequirements"]


@pytest.mark.parametrize(
    ("value", "indicator"), [(1.0, None), (1.4, None), (2.5, Indicator.INFO), (5.0, Indicator.WARNING)]
)
async def test_the_bands_of_the_service_are_what_the_module_finds(
    catalog: Catalog, value: float, indicator: Indicator | None
) -> None:
    async with open_asker(catalog) as question:
        trace = await question([patient("1950-01-01"), creatinine(value, WHEN)], "gfr-category", at=AT)
    execution = trace.executions[-1]
    inputs = {name: given.consumed for name, given in execution.inputs.items()}
    found = interpret(execution.description, inputs, execution.evaluation)
    assert found is not None
    rules = catalog.services["low-gfr"].rules
    assert next((rule.indicator for rule in rules if found.coding in rule.bands), None) is indicator


def test_the_page_has_the_row_of_the_service() -> None:
    columns = "| service | intended | not intended, and limits |\n| --- | --- | --- |\n"
    assert columns in (ROOT / "INTENDED_USE.md").read_text(encoding="utf-8")
    assert re.findall(rf"{re.escape(columns)}\| `([a-z0-9-]+)` \|", PAGE) == ["low-gfr"]


def test_what_is_misspelt_is_named_with_its_line(tmp_path: Path) -> None:
    """All at once, as the page says."""
    text = FILES["low_gfr"]["service.ttl"]
    for word in ("encounter-start", "mpm:GfrCategory", "gfr-severely-decreased"):
        assert word in text
        text = text.replace(word, word[:-2] + word[-1] + word[-2], 1)
    folder = tmp_path / "ours/low_gfr"
    folder.mkdir(parents=True)
    (folder / "service.ttl").write_text(text)
    with pytest.raises(CatalogError) as caught:
        load_catalog(extra_modules=[folder.parent])
    meant = {7: "encounter-start", 12: "mpm:GfrCategory", 14: "gfr-severely-decreased"}
    assert len(caught.value.faults) == len(meant)
    for fault, (line, word) in zip(caught.value.faults, meant.items(), strict=True):
        assert re.match(rf"low_gfr/service\.ttl: line {line}: .*did you mean .*\b{word}\b", fault), fault


def test_its_source_is_a_valid_setting(tmp_path: Path) -> None:
    tables = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "medtwin.toml").write_text("".join(tables))
    settings = load_settings(tmp_path / "medtwin.toml", environ={})
    assert [source.id for source in settings.endpoints()] == ["ehr"]

"""docs/terminology.md: its own examples do what the page says."""

import re
import shutil
from pathlib import Path

import pytest

from server.catalog.catalog import ROOT, configured_catalog, load_catalog
from server.executor.open_terminology import read_translations
from server.settings import Settings, load_settings
from tests.support.collector_inputs import fill_slot, issue_codes, observation, quantity, slot

PAGE = (ROOT / "docs/terminology.md").read_text()
FILES = dict(re.findall(r"`([\w./]+\.(?:toml|json))`:\n\n```\w+\n(.*?)```", PAGE, re.DOTALL))
LOCAL, LOINC = "https://lab.example/codes", "http://loinc.org"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return load_settings(environ={})


def test_the_page_has_a_folder_of_a_source() -> None:
    assert set(FILES) == {"medtwin.toml", "sources/laboratory/codes.json", "sources/laboratory/routine.json"}


def test_its_map_translates_as_the_page_says(settings: Settings) -> None:
    made = read_translations(settings.endpoints())["laboratory"]
    (creatinine,) = made.translate(LOCAL, "CREA")
    assert creatinine.key == (LOINC, "2160-0")
    told = " ".join(PAGE.split())
    assert creatinine.describe((LOCAL, "CREA")) in told
    assert [each.wider for each in made.translate(LOCAL, "BP-LYING")] == [True]
    assert made.translate(LOCAL, "CREA-ANY") == ()
    assert made.refused_counts == {"narrower": 1}


def test_its_set_is_found_and_excludes(settings: Settings) -> None:
    found = configured_catalog(settings).value_sets.find("https://hospital.example/ValueSet/routine-creatinine")
    assert {code for _, code in found.codes} == {"2160-0", "14682-9"}


def test_its_slot_is_limited(settings: Settings, tmp_path: Path) -> None:
    (line,) = re.findall(r"^mpm:concept mpm:SerumCreatinine ; mpm:valueSet .*;$", PAGE, re.MULTILINE)
    house = tmp_path / "house"
    for room in ("ontology", "collectors", "modules"):
        shutil.copytree(ROOT / room, house / room, ignore=shutil.ignore_patterns("__pycache__"))
    module = house / "modules/egfr/module.ttl"
    written = module.read_text()
    assert "mpm:concept mpm:SerumCreatinine ;" in written
    module.write_text(written.replace("mpm:concept mpm:SerumCreatinine ;", line, 1))
    catalog = load_catalog(house, value_sets=[Path("sources/laboratory")])
    concept = catalog.concepts["serum-creatinine-in-routine-creatinine"]
    assert concept.id in PAGE
    assert {each.coding.code for each in concept.accepted} == {"2160-0", "14682-9"}


def test_its_exclusion_takes_a_record_away(tmp_path: Path) -> None:
    (line,) = re.findall(r"^mpm:HeartRate mpm:excludedBy .*?\] \] \.$", PAGE, re.MULTILINE | re.DOTALL)
    house = tmp_path / "house"
    for room in ("ontology", "collectors", "modules"):
        shutil.copytree(ROOT / room, house / room, ignore=shutil.ignore_patterns("__pycache__"))
    written = house / "ontology/vitals.ttl"
    written.write_text(f"{written.read_text()}\n{line}\n")
    concept = load_catalog(house).concepts["heart-rate"]
    assert {each.coding.code for each in concept.excluded_by} == {"FETAL-HR"}
    coding = [{"system": LOINC, "code": "8867-4"}, {"system": LOCAL, "code": "FETAL-HR"}]
    record = observation(code={"coding": coding}, valueQuantity=quantity(140, "/min"))
    found = fill_slot(record, of=slot(concept))
    assert issue_codes(found) == ["another-measurement", "not-found"]
    assert "Heart rate of the fetus (FETAL-HR)" in " ".join(issue.text for issue in found.issues)


def test_its_terminology_server_is_a_setting(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(\[terminology\].*?)```", PAGE, re.DOTALL)
    (tmp_path / "medtwin.toml").write_text(block)
    settings = load_settings(tmp_path / "medtwin.toml", environ={})
    assert settings.terminology is not None
    assert settings.terminology.source().base_url == "https://tx.example/fhir"


@pytest.mark.parametrize("folder", [path for path in (ROOT / "docs/examples").iterdir() if path.is_dir()])
def test_every_example_folder_is_sound(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "medtwin.toml").write_text(
        f'[[sources]]\nid = "one"\nbase_url = "https://one.example/fhir"\nfolder = "{folder}"\n'
    )
    settings = load_settings(tmp_path / "medtwin.toml", environ={})
    assert read_translations(settings.endpoints())["one"]
    configured_catalog(settings)

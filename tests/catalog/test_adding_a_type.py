"""A further FHIR type is one folder with one file: that of CONTRIBUTING.md works as written; a faulty one is told."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from collectors.gather import facts_from_resources
from collectors.needs import Search
from collectors.settings import Source
from ontology.slots import Select, Slot
from ontology.values import Value
from server.catalog.load import ROOT, Catalog, load_catalog
from server.errors import CatalogError

PAGE = (ROOT / "CONTRIBUTING.md").read_text()
FOUND = re.search(r"`collectors/medication_dispense/collector.ttl`:\n\n```turtle\n(.*?)```", PAGE, re.DOTALL)
TURTLE = FOUND.group(1) if FOUND is not None else ""
AT = datetime(2024, 6, 1, tzinfo=UTC)
With = Callable[[str], Catalog]


@pytest.fixture
def catalog_with(tmp_path: Path) -> With:
    """The catalog as it is shipped, and one folder more."""

    def load(turtle: str) -> Catalog:
        for name in ("ontology", "modules"):
            (tmp_path / name).symlink_to(ROOT / name)
        for folder in (ROOT / "collectors").glob("*/collector.ttl"):
            (tmp_path / "collectors" / folder.parent.name).mkdir(parents=True)
            for path in folder.parent.glob("*.*"):
                (tmp_path / "collectors" / folder.parent.name / path.name).symlink_to(path)
        (tmp_path / "collectors" / "medication_dispense").mkdir()
        (tmp_path / "collectors" / "medication_dispense" / "collector.ttl").write_text(turtle)
        return load_catalog(tmp_path)

    return load


def dispensed(status: str, **more: Any) -> dict[str, Any]:
    code = {"coding": [{"system": "http://www.whocc.no/atc", "code": "B01AF02"}]}
    named = {"medicationReference": {"reference": "Medication/m"}}
    return {
        "resourceType": "MedicationDispense", "id": "d", "status": status, "subject": {"reference": "Patient/p"},
        "whenHandedOver": "2024-05-20", **(named if more.pop("named", False) else {"medicationCodeableConcept": code}),
    } | more  # fmt: skip


MEDICATION = {
    "resourceType": "Medication",
    "id": "m",
    "code": {"coding": [{"system": "http://www.whocc.no/atc", "code": "B01AA03"}]},
}


@pytest.mark.parametrize(
    ("record", "value"),
    [
        (dispensed("completed"), True),
        (dispensed("completed", named=True), True),
        (dispensed("declined"), False),
        (dispensed("preparation"), False),
        (dispensed("entered-in-error"), False),
    ],
    ids=str,
)
def test_the_type_of_the_page_is_read(catalog_with: With, record: dict[str, Any], value: Value) -> None:
    catalog = catalog_with(TURTLE)
    concept = catalog.concepts["oral-anticoagulant"]
    search = Search(catalog.collectors["medication-dispense"], (concept,), (), None)
    patient = {"resourceType": "Patient", "id": "p"}
    source = Source("ehr", "http://ehr.test/fhir")
    facts = facts_from_resources(source, "p", (search,), [patient, record, MEDICATION])
    slot = Slot("input", concept, Select.ANY, True, closed_world=True, ever=True)
    assert facts.select(slot, AT, AT).value is value


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('mpm:subjectPath "subject"', 'mpm:subjectPaht "subject"', "mpm:subjectPaht is not in the vocabulary"),
        ('mpm:subjectPath "subject" ;', "", "a layout has one mpm:subjectPath"),
        ('mpm:path "status" ;', "", "a state has one mpm:path"),
        ('mpm:never "entered-in-error"', 'mpm:never "stopped"', "'stopped' of a state has two meanings"),
        ('( "whenHandedOver" )', '"whenHandedOver"', "this is a list of paths"),
        ('( "whenHandedOver" )', '( "when handed over" )', "this is a list of paths"),
        ("mpm:lasts true ;", 'mpm:lasts "yes" ;', "this is true or false"),
        ("mpm:lasts true ;", 'mpm:ends ( "whenHandedOver" ) ;', "only what lasts (mpm:lasts true) has an end"),
        ('mpm:resourceType "Medication" ; mpm:codePath', "mpm:codePath", "mpm:named has one mpm:resourceType"),
        ('mpm:codePath "medicationCodeableConcept"', 'mpm:codePath "medication[x]"', "a path is names of elements"),
    ],
)
def test_a_fault_in_it_stops_the_start_and_is_named(catalog_with: With, old: str, new: str, told: str) -> None:
    assert old in TURTLE
    with pytest.raises(CatalogError) as caught:
        catalog_with(TURTLE.replace(old, new, 1))
    assert told in str(caught.value)
    assert "collectors/medication_dispense/collector.ttl" in str(caught.value)


def test_a_folder_without_layout_and_code_is_a_fault(catalog_with: With) -> None:
    before, _, _ = TURTLE.partition(" ;\n  mpm:layout")
    with pytest.raises(CatalogError, match=re.escape("without a read.py it needs an mpm:layout")):
        catalog_with(before + " .\n")

"""A further FHIR type is one folder with one file: that of CONTRIBUTING.md works as written; a faulty one is told."""

import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from rdflib import Graph, URIRef

from collectors.gatherer import facts_from_resources
from collectors.search import Search
from collectors.settings import Source
from ontology.slots import Select, Slot
from ontology.values import Value
from ontology.vocabulary import unknown_terms
from server.catalog.catalog import ROOT, Catalog, load_catalog
from server.catalog.layouts import read_layout
from server.catalog.shapes import shape_faults
from server.catalog.turtle import NodeFault
from server.errors import CatalogError

PAGE = (ROOT / "CONTRIBUTING.md").read_text()
FOUND = re.search(r"`collectors/medication_dispense/collector.ttl`:\n\n```turtle\n(.*?)```", PAGE, re.DOTALL)
TURTLE = FOUND.group(1) if FOUND is not None else ""
AT = datetime(2024, 6, 1, tzinfo=UTC)
MONTHS = '"P15M"^^<http://www.w3.org/2001/XMLSchema#duration>'
SUPPLY = 'mpm:supply [ mpm:lengthPath "daysSupply" ; mpm:repeatsPath "repeats" ; mpm:validPath "validity" ]'
NAME = "collectors/medication_dispense/collector.ttl"
SHAPES, WORDS = (Graph().parse(ROOT / "ontology" / name) for name in ("shapes.ttl", "mpm.ttl"))


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The catalog as it is shipped, and one folder more."""
    root = tmp_path_factory.mktemp("root")
    for name in ("ontology", "modules"):
        (root / name).symlink_to(ROOT / name)
    for folder in (path.parent for path in (ROOT / "collectors").glob("*/collector.ttl")):
        (root / "collectors" / folder.name).mkdir(parents=True)
        for path in folder.glob("*.*"):
            (root / "collectors" / folder.name / path.name).symlink_to(path)
    (root / "collectors" / "medication_dispense").mkdir()
    (root / NAME).write_text(TURTLE)
    return load_catalog(root)


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
def test_the_type_of_the_page_is_read(catalog: Catalog, record: dict[str, Any], value: Value) -> None:
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
        ("mpm:lasts true ;", 'mpm:lasts true ; mpm:presumedFor "P15M" ;', "mpm:presumedFor is one xsd:duration"),
        ("mpm:lasts true ;", f"mpm:presumedFor {MONTHS} ;", "only what lasts (mpm:lasts true) has an end"),
        ("mpm:lasts true ;", f"mpm:lasts true ; {SUPPLY} ;", "mpm:supply needs an mpm:presumedFor beside it"),
        (
            "mpm:lasts true ;",
            f"mpm:lasts true ; mpm:presumedFor {MONTHS} ; {SUPPLY.replace('mpm:repeatsPath', 'mpm:codePath')} ;",
            "mpm:supply has one mpm:repeatsPath",
        ),
        ('mpm:resourceType "Medication" ; mpm:codePath', "mpm:codePath", "mpm:named has one mpm:resourceType"),
        ('mpm:codePath "medicationCodeableConcept"', 'mpm:codePath "medication[x]"', "a path is names of elements"),
    ],
)
def test_a_fault_in_it_is_named(old: str, new: str, told: str) -> None:
    assert old in TURTLE
    assert faults_of(TURTLE) == []
    (fault,) = faults_of(TURTLE.replace(old, new, 1))
    assert fault.startswith(NAME)
    assert told in fault


@cache
def faults_of(turtle: str) -> list[str]:
    """What the catalog would tell of this description, in the order in which it looks."""
    graph = Graph().parse(data=turtle, publicID="https://medtwin.example/x")
    faults = [f"{NAME}: {fault}" for fault in unknown_terms(graph, WORDS)] or shape_faults({NAME: graph}, SHAPES)
    if not faults:
        try:
            read_layout(graph, URIRef("https://medtwin.example/x#collector"))
        except NodeFault as fault:
            faults = [f"{NAME}: {fault}"]
    return faults


def test_a_folder_without_layout_and_code_stops_the_start(tmp_path: Path) -> None:
    before, _, _ = TURTLE.partition(" ;\n  mpm:layout")
    (tmp_path / "ontology").symlink_to(ROOT / "ontology")
    (tmp_path / NAME).parent.mkdir(parents=True)
    (tmp_path / NAME).write_text(before + " .\n")
    with pytest.raises(CatalogError, match=re.escape(NAME) + ".*without a read.py it needs"):
        load_catalog(tmp_path)

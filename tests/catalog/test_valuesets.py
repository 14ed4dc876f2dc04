"""Value sets in descriptions: where they are found, what they do to a concept, and how a bad one stops the start."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from collectors.terminology.concept_codes import value_sets_of
from ontology.concepts import Concept
from server.catalog.catalog import Catalog, load_catalog
from server.compiler.compilation import compile_plan
from server.compiler.plan import Leaf
from server.errors import CatalogError
from tests.support.descriptions import KIDNEY, copy_descriptions
from tests.support.engine_questions import shipped

SET = "https://example.org/ValueSet/RoutineCreatinine"
TWO = json.dumps(
    {
        "resourceType": "ValueSet",
        "url": SET,
        "version": "2.0",
        "status": "active",
        "compose": {
            "include": [
                {"system": "http://loinc.org", "concept": [{"code": "2160-0"}, {"code": "99999-9", "display": "Ours"}]}
            ]
        },
    }
)
DERIVED = "serum-creatinine-in-routine-creatinine"
EGFR = "modules/egfr/module.ttl"
ANALYTES = "ontology/analytes.ttl"


@pytest.fixture
def house(tmp_path: Path) -> Path:
    return copy_descriptions(tmp_path, *KIDNEY)


def edit(root: Path, name: str, old: str, new: str) -> None:
    text = (root / name).read_text()
    assert old in text
    (root / name).write_text(text.replace(old, new, 1))


def limit(root: Path, name: str = SET) -> None:
    edit(root, EGFR, "mpm:concept mpm:SerumCreatinine", f'mpm:concept mpm:SerumCreatinine ; mpm:valueSet "{name}"')


def accept(root: Path, name: str = SET) -> None:
    start = "mpm:SerumCreatinine a mpm:ObservationConcept ;"
    node = f'mpm:accepts [ mpm:valueSet "{name}" ; rdfs:label "Ours" ; mpm:caution "by our set" ; mpm:rank 3 ] ;'
    edit(root, ANALYTES, start, f"{start} {node}")


def put(root: Path, where: str, content: str = TWO) -> None:
    path = root / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def codes(concept: Concept) -> set[str]:
    return {each.coding.code for each in concept.accepted}


@pytest.mark.parametrize("where", ["ontology/valuesets/a.json", "modules/egfr/valuesets/a.json", "ours/a.json"])
def test_all_codes_of_a_set_are_accepted(where: str, house: Path) -> None:
    accept(house)
    put(house, where)
    catalog = load_catalog(house, value_sets=[house / "ours"] if where.startswith("ours") else [])
    before, after = shipped().concepts["serum-creatinine"], catalog.concepts["serum-creatinine"]
    assert codes(after) == codes(before) | {"99999-9"}
    new = next(each for each in after.accepted if each.coding.code == "99999-9")
    assert (new.caution, new.rank, new.coding.display) == ("by our set", 3, "Ours")
    # What the concept says of a code itself stands.
    assert [each for each in after.accepted if each.coding.code != "99999-9"] == list(before.accepted)


def creatinine(catalog: Catalog) -> Concept:
    return next(slot.concept for slot in catalog.modules["egfr"].slots if slot.name == "creatinine")


@pytest.mark.parametrize("name", [SET, f"{SET}|2.0"])
def test_a_slot_is_limited_to_a_set(name: str, house: Path) -> None:
    limit(house, name)
    put(house, "ontology/valuesets/a.json")
    catalog = load_catalog(house)
    concept = creatinine(catalog)
    assert concept.id == (DERIVED if name == SET else f"{DERIVED}-2-0")
    assert catalog.concepts[concept.id] is concept
    assert codes(concept) == {"2160-0"}
    base = catalog.concepts["serum-creatinine"]
    assert codes(base) == codes(shipped().concepts["serum-creatinine"])
    assert (concept.unit, concept.molar_mass, concept.plausible_high) == (
        base.unit,
        base.molar_mass,
        base.plausible_high,
    )
    plan = compile_plan(catalog, ("egfr",))
    searched = {each.id: each for search in plan.searches for each in search.concepts}
    # The other modules under it ask for the concept as it is.
    assert searched[concept.id] is concept and searched[base.id] is base


def test_the_limited_concept_may_be_asked_for_and_assumed(house: Path) -> None:
    limit(house)
    put(house, "ontology/valuesets/a.json")
    catalog = load_catalog(house)
    assert compile_plan(catalog, (DERIVED,)).goals[0].concept.id == DERIVED
    assumed = compile_plan(catalog, ("egfr",), frozenset({DERIVED}))
    binding = assumed.call(catalog.modules["egfr"].iri).bindings["creatinine"]
    assert isinstance(binding, Leaf) and binding.slot.concept.id == DERIVED


def test_a_set_is_part_of_the_digest(house: Path) -> None:
    put(house, "ontology/valuesets/a.json")
    first = load_catalog(house).digest
    put(house, "ontology/valuesets/a.json", TWO.replace("99999-9", "99998-1"))
    assert load_catalog(house).digest != first


def test_what_only_a_server_can_tell_stays_open(house: Path) -> None:
    limit(house)
    accept(house, "https://example.org/ValueSet/all")
    catalog = load_catalog(house, terminology_server=True)
    assert value_sets_of(creatinine(catalog)) == ("https://example.org/ValueSet/all", SET)
    assert value_sets_of(catalog.concepts["serum-creatinine"]) == ("https://example.org/ValueSet/all",)


def both(root: Path) -> None:
    limit(root)
    put(root, "ontology/valuesets/a.json")
    put(root, "modules/egfr/valuesets/b.json")


def far(root: Path) -> None:
    limit(root)
    put(root, "ontology/valuesets/a.json", TWO.replace("2160-0", "99998-1"))


def whole_system(root: Path) -> None:
    limit(root)
    put(
        root,
        "ontology/valuesets/a.json",
        TWO.replace('"concept"', '"notRead"'),
    )


def two_alike(root: Path) -> None:
    limit(root)
    other = SET.replace("example.org", "example.net")
    edit(root, EGFR, "mpm:concept mpm:Age", f'mpm:concept mpm:SerumCreatinine ; mpm:valueSet "{other}"')
    put(root, "ontology/valuesets/a.json")
    put(root, "ontology/valuesets/b.json", TWO.replace(SET, other))


def of_age(root: Path) -> None:
    edit(root, EGFR, "mpm:concept mpm:Age", f'mpm:concept mpm:Age ; mpm:valueSet "{SET}"')
    put(root, "ontology/valuesets/a.json")


FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a slot's set that nothing defines": (
        limit,
        f"{DERIVED}: value set {SET}: no file defines it, and no terminology server is configured",
    ),
    "an accepted set that nothing defines": (accept, f"serum-creatinine: value set {SET}: no file defines it"),
    "a set that only a server can work out": (
        whole_system,
        "includes all codes of http://loinc.org, and no terminology",
    ),
    "two definitions": (both, "modules/egfr/valuesets/b.json: .* is defined by ontology/valuesets/a.json already"),
    "a set that leaves nothing": (far, "no code that is accepted is in value set"),
    "two sets of one short name": (two_alike, f"a second concept with the id {DERIVED}"),
    "a concept without codes": (of_age, "age is not read by codes"),
    "no set at all": (
        lambda root: put(root, "ontology/valuesets/a.json", "{}"),
        "ontology/valuesets/a.json: it is neither",
    ),
    "a name that is none": (lambda root: limit(root, "routine"), "mpm:valueSet is a canonical"),
    "a code beside a set": (
        lambda root: edit(
            root,
            ANALYTES,
            "mpm:SerumCreatinine a mpm:ObservationConcept ;",
            "mpm:SerumCreatinine a mpm:ObservationConcept ; "
            f'mpm:accepts [ mpm:valueSet "{SET}" ; mpm:code "1" ; rdfs:label "x" ] ;',
        ),
        "an accepted code has one mpm:code; or it is an mpm:valueSet",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_set_stops_the_start(fault: str, house: Path) -> None:
    break_it, expected = FAULTS[fault]
    break_it(house)
    with pytest.raises(CatalogError, match=expected):
        load_catalog(house)

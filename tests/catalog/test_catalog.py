"""The catalog: what is on offer, how a faulty description stops the start, and suggestions for an unknown id."""

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rdflib import BNode, Graph

from ontology.concepts import ValueType
from server.catalog.catalog import ROOT, Catalog, load_catalog
from server.catalog.turtle import read_turtle
from server.errors import CatalogError, did_you_mean
from tests.support.descriptions import KIDNEY, copy_descriptions
from tests.support.engine_questions import shipped

BASE = b"@prefix e: <https://e.example/> . "


def test_every_folder_of_a_module_is_on_offer() -> None:
    folders = {path.parent.name for path in (ROOT / "modules").glob("*/module.ttl")}
    assert {d.folder.name for d in shipped().modules.values()} == folders
    assert {c.resource_type for c in shipped().collectors.values()} >= {"Patient", "Observation", "Condition"}


def test_every_module_says_what_it_rests_on_and_is_for() -> None:
    for description in shipped().modules.values():
        assert description.citations and description.intended_use and description.version, description.id
        assert (description.folder / "cases.json").exists(), description.id


def test_every_number_on_offer_says_what_is_plausible() -> None:
    """An assumption outside of it is refused, of what is computed as of what is read."""
    for concept in shipped().concepts.values():
        if concept.value_type is ValueType.QUANTITY:
            assert concept.plausible_low is not None and concept.plausible_high is not None, concept.id


def test_a_copy_has_the_same_digest_and_any_change_another(tmp_path: Path) -> None:
    copy = copy_descriptions(tmp_path)
    assert load_catalog(copy).digest == shipped().digest
    path = copy / "modules/egfr/evaluate.py"
    path.write_text(path.read_text() + "\n# changed\n")
    changed = load_catalog(copy)
    assert changed.digest != shipped().digest
    assert changed.modules["egfr"].code_digest != shipped().modules["egfr"].code_digest
    assert changed.modules["egfr"].digest == shipped().modules["egfr"].digest


def test_modules_of_an_integrator_join_from_a_folder_of_their_own(tmp_path: Path) -> None:
    own = tmp_path / "ours" / "double_weight"
    own.mkdir(parents=True)
    (own / "module.ttl").write_text(
        (ROOT / "modules/bmi/module.ttl").read_text().replace('"bmi"', '"our-bmi"').replace("mpm:Bmi ", "mpm:OurBmi ")
    )
    shutil.copy(ROOT / "modules/bmi/evaluate.py", own)
    catalog = load_catalog(extra_modules=[tmp_path / "ours"])
    assert "our-bmi" in catalog.modules and "bmi" in catalog.modules


def edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def apply(root: Path) -> None:
        path = root / name
        text = path.read_text()
        assert old in text, f"{name} has no {old!r}: mend this test"
        path.write_text(text.replace(old, new, 1))

    return apply


EGFR = "modules/egfr/module.ttl"
FAULTS = {
    "broken Turtle": (edit(EGFR, " ;", " ; ;; ["), r"modules/egfr/module\.ttl: not Turtle"),
    "a misspelt term": (edit(EGFR, "mpm:window", "mpm:windw"), r"modules/egfr/module\.ttl: .*windw"),
    "no title": (edit(EGFR, "dcterms:title", "dcterms:alternative"), r"modules/egfr/module\.ttl: .*title"),
    "no version": (edit(EGFR, "owl:versionInfo", "rdfs:comment"), r"modules/egfr/module\.ttl: .*versionInfo"),
    "no intended use": (edit(EGFR, "mpm:intendedUse", "mpm:note"), r"modules/egfr/module\.ttl: .*intendedUse"),
    "an unknown selection": (edit(EGFR, "mpm:Latest", "mpm:Newest"), r"modules/egfr/module\.ttl: .*(select|Newest)"),
    "an unknown concept": (
        edit(EGFR, "mpm:SerumCreatinine", "mpm:SerumCreatinin"),
        r"modules/egfr/module\.ttl: .*SerumCreatinin",
    ),
    "a window that is no duration": (
        edit(EGFR, '"P90D"^^xsd:duration', '"90 days"'),
        r"modules/egfr/module\.ttl: .*window",
    ),
    "a second module with one id": (
        edit("modules/bmi/module.ttl", 'mpm:id "bmi" ; owl', 'mpm:id "egfr" ; owl'),
        r"a second module with the id egfr",
    ),
    "an exclusion without codes": (
        edit("ontology/vitals_pressure.ttl", "mpm:codings\n", "mpm:coding\n"),
        r"ontology/vitals_pressure\.ttl: .*excludedBy",
    ),
    "a code that excludes and says not what it names": (
        edit("ontology/vitals_pressure.ttl", ' ; rdfs:label "Left atrial pressure"', ""),
        r"ontology/vitals_pressure\.ttl: .*label",
    ),
    "a code that is recorded nowhere": (
        edit("ontology/conditions.ttl", 'mpm:recordedIn "PROCEDURE"', 'mpm:recordedIn "DEVICE"'),
        r"ontology/conditions\.ttl: .*recordedIn",
    ),
    "a collector without a type": (
        edit("collectors/observation/collector.ttl", "mpm:resourceType", "mpm:note"),
        r"collectors/observation/collector\.ttl: .*resourceType",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_description_stops_the_start_with_file_node_and_rule(fault: str, tmp_path: Path) -> None:
    break_it, expected = FAULTS[fault]
    root = copy_descriptions(tmp_path, *KIDNEY, "bmi", ontology=("conditions", "vitals_pressure"))
    break_it(root)
    with pytest.raises(CatalogError, match=expected):
        load_catalog(root)


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    root = copy_descriptions(tmp_path, *KIDNEY, "bmi")
    edit(EGFR, "mpm:window", "mpm:windw")(root)
    edit("modules/bmi/module.ttl", "dcterms:title", "dcterms:alternative")(root)
    with pytest.raises(CatalogError) as caught:
        load_catalog(root)
    named = {fault.split(":", 1)[0] for fault in caught.value.faults}
    assert named >= {EGFR, "modules/bmi/module.ttl"}


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (b"e:a e:p [ e:q 1 ; e:r 2 ] .", b"e:a   e:p [ e:r 2 ; e:q 1 ] .", True),
        (b"e:a e:p _:x . _:x e:q 1 .", b"e:a e:p _:y . _:y e:q 1 .", True),
        (b"e:a e:p ( 1 2 ) .", b"e:a e:p ( 2 1 ) .", False),
        (b"e:a e:p 1 .", b"e:a e:p 1.0 .", False),
        (b'e:a e:p "x"@en .', b'e:a e:p "x" .', False),
    ],
)
def test_digests_are_of_graphs_not_of_bytes(first: bytes, second: bytes, same: bool) -> None:
    digests = {read_turtle(BASE + text, "https://e.example/")[1] for text in (first, second)}
    assert (len(digests) == 1) is same


def test_a_catalog_is_immutable_and_replaced_whole() -> None:
    catalog = shipped()
    with pytest.raises(AttributeError):
        catalog.digest = "x"  # type: ignore[misc]
    assert isinstance(replace(catalog, digest="x"), Catalog)


def test_a_graph_is_read_as_rdflib_itself_reads_it() -> None:
    for path in [*(ROOT / "ontology").glob("*.ttl"), *(ROOT / "modules").glob("*/module.ttl")]:
        base = "https://medtwin.example/x"
        assert isomorphic_enough(read_turtle(path.read_bytes(), base)[0], Graph().parse(path, publicID=base)), path.name


def isomorphic_enough(one: Graph, other: Graph) -> bool:
    """Equal but for the names of blank nodes: their triples with those left out, counted."""

    def named(graph: Graph) -> Counter[str]:
        return Counter(repr(tuple("_" if isinstance(t, BNode) else t for t in triple)) for triple in graph)

    return named(one) == named(other)


IDS = ("egfr", "egfr-slope", "serum-creatinine", "sodium", "urine-creatinine", "news2")


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("egrf", "; did you mean egfr?"),
        ("eGFR", "; did you mean egfr?"),
        ("NEWS-2", "; did you mean news2?"),
        ("creatinine", "; did you mean serum-creatinine or urine-creatinine?"),
        ("natrium", ""),
        ("", ""),
        ("x" * 1_000_000, ""),
    ],
)
def test_what_is_meant_is_told_where_something_is_near(wanted: str, told: str) -> None:
    assert did_you_mean(wanted, IDS) == told


def test_no_more_than_three_are_told() -> None:
    assert did_you_mean("abc", ("abc1", "abc2", "abc3", "abc4")).count("abc") == 3

"""Misspelt words of descriptions are found, with where they stand."""

from pathlib import Path

import pytest
from rdflib import OWL, RDF, RDFS, Graph

from ontology.vocabulary import MPM, unknown_terms

ROOT = Path(__file__).resolve().parents[2]
VOCABULARY = Graph().parse(ROOT / "ontology" / "mpm.ttl")
SLOT = """
@prefix mpm: <https://medtwin.example/mpm#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
<https://medtwin.example/m> a mpm:RuleModule ; mpm:id "m" ; dcterms:title "M" ;
  mpm:slot [ mpm:name "pulse" ; mpm:concept mpm:Unheard ; mpm:select mpm:Latest ; mpm:window "P1D"^^xsd:duration ] .
"""


def unknown(turtle: str) -> list[str]:
    return unknown_terms(Graph().parse(data=turtle, format="turtle"), VOCABULARY)


def test_what_is_spelt_right_passes_and_concepts_are_not_words_of_the_vocabulary() -> None:
    assert unknown(SLOT) == []


@pytest.mark.parametrize(
    ("written", "instead", "line"),
    [
        ("mpm:window", "mpm:windw", '"pulse" in "m": mpm:windw is not in the vocabulary (did you mean mpm:window?)'),
        (
            "mpm:Latest",
            "mpm:Lastest",
            '"pulse" in "m": mpm:Lastest is not in the vocabulary (did you mean mpm:Latest?)',
        ),
        (
            "mpm:RuleModule",
            "mpm:RulesModule",
            '"m": mpm:RulesModule is not in the vocabulary (did you mean mpm:RuleModule?)',
        ),
        ("mpm:select mpm:Latest", 'mpm:select "latest"', '"pulse" in "m": "latest" is not in the vocabulary'),
        ("dcterms:title", "dcterms:abstract", '"m": http://purl.org/dc/terms/abstract is not in the vocabulary'),
    ],
)
def test_a_misspelt_word_is_found(written: str, instead: str, line: str) -> None:
    assert unknown(SLOT.replace(written, instead)) == [line]


def test_all_that_exists_uses_only_known_words() -> None:
    files = [path for path in (ROOT / "ontology").glob("*.ttl") if not path.name.startswith("shapes")]
    files += [
        *ROOT.glob("modules/*/module.ttl"),
        *ROOT.glob("modules/*/card.ttl"),
        *ROOT.glob("modules/*/service.ttl"),
        *ROOT.glob("collectors/*/collector.ttl"),
    ]
    for path in files:
        graph = Graph().parse(path, publicID="https://medtwin.example/x")
        assert unknown_terms(graph, VOCABULARY) == [], path


def test_every_term_says_what_it_means() -> None:
    terms = {s for s in VOCABULARY.subjects() if str(s).startswith(MPM)}
    assert len(terms) > 80
    for term in terms:
        assert VOCABULARY.value(term, RDFS.label) is not None, term
        assert VOCABULARY.value(term, RDFS.comment) is not None, term


def test_the_shapes_speak_of_known_terms_only() -> None:
    shapes = Graph()
    for path in (ROOT / "ontology").glob("shapes*.ttl"):
        shapes.parse(path)
    declared = set(VOCABULARY.subjects(RDF.type, RDF.Property)) | set(VOCABULARY.subjects(RDF.type, OWL.Class))
    declared |= set(VOCABULARY.subjects(RDFS.label, None))
    used = {node for triple in shapes for node in triple if str(node).startswith(MPM)}
    assert used <= declared

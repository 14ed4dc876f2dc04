"""The words of exported arguments: each declared, and none that makes a reasoner take one thing for another."""

from pathlib import Path

import pytest
from rdflib import OWL, PROV, RDF, RDFS, Graph, URIRef

from server.explain.prov.constraints import constraint_violations
from tests.support.exported_arguments import NAMES, exported_result, with_comparisons
from tests.support.rdf_graphs import MPM, argument_in_library

ROOT = Path(__file__).resolve().parents[3]
WORDS = Graph().parse(ROOT / "ontology/mpm.ttl") + Graph().parse(ROOT / "ontology/argument.ttl")


def made(name: str) -> Graph:
    return argument_in_library(with_comparisons(exported_result(name)) if name == "chain" else exported_result(name))


@pytest.mark.parametrize("name", NAMES)
def test_each_word_is_declared(name: str) -> None:
    told = made(name)
    properties = {term for term in told.predicates() if str(term).startswith(str(MPM))}
    classes = {kind for kind in told.objects(None, RDF.type) if str(kind).startswith(str(MPM))}
    assert [term for term in properties if (term, RDF.type, RDF.Property) not in WORDS] == []
    assert [kind for kind in classes if (kind, RDF.type, OWL.Class) not in WORDS] == []


@pytest.mark.parametrize("name", NAMES)
def test_what_the_domains_say_holds(name: str) -> None:
    """A reasoner that adds the class which a domain implies gets nothing that is not so already."""
    told = made(name)
    for subject, term in set(told.subject_predicates()):
        for domain in WORDS.objects(term, RDFS.domain):
            kinds = set(told.objects(subject, RDF.type))
            above = {up for kind in kinds for up in WORDS.transitive_objects(kind, RDFS.subClassOf)}
            assert domain in above, (subject, term)


def test_no_class_of_an_entity_is_an_activity() -> None:
    activities = {URIRef(f"{MPM}Execution")}
    entities = set(WORDS.subjects(RDFS.subClassOf, PROV.Entity))
    assert entities and not entities & activities
    assert constraint_violations(made("chain")) == []

"""The PyPI package ``prov``, which knows PROV and not us, loads an exported argument and finds all of it."""

import json
from collections import Counter

import pytest
from prov.model import ProvDocument
from rdflib import PROV, RDF

from server.explain.prov import argument_graph, serialize_graphs
from server.explain.prov.graph import Graph, merge_graphs
from tests.support.exported_arguments import NAMES, exported_result, with_comparisons
from tests.support.rdf_graphs import library_graph

# The library reads RDF by a class of rdflib that rdflib deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:Dataset:DeprecationWarning")

# It has no place for points of series and limits, which are blank nodes, and says so.
BLANK = "ignore:The following attributes were not converted:UserWarning"

# What PROV-O states, and the record that the library makes of each statement.
LIMITED = ("series", "score-bounds")
PATTERNS = {
    "ProvEntity": (None, RDF.type, PROV.Entity),
    "ProvActivity": (None, RDF.type, PROV.Activity),
    "ProvAgent": (None, RDF.type, PROV.Agent),
    "ProvUsage": (None, PROV.used, None),
    "ProvGeneration": (None, PROV.wasGeneratedBy, None),
    "ProvDerivation": (None, PROV.wasDerivedFrom, None),
    "ProvAttribution": (None, PROV.wasAttributedTo, None),
    "ProvSpecialization": (None, PROV.specializationOf, None),
    "ProvAssociation": (None, PROV.qualifiedAssociation, None),
}


def loaded(made: Graph) -> ProvDocument:
    return ProvDocument.deserialize(content=serialize_graphs([made]), format="rdf", rdf_format="turtle")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.filterwarnings(BLANK)] if n in LIMITED else []) for n in NAMES]
)
def test_it_finds_as_much_as_the_graph_says(name: str) -> None:
    made = argument_graph(with_comparisons(exported_result(name)) if name == "chain" else exported_result(name))
    document = loaded(made)
    found = Counter(type(record).__name__ for record in document.get_records())
    assert found == {
        kind: n for kind, pattern in PATTERNS.items() if (n := len(list(library_graph(made).triples(pattern))))
    }


def test_the_plan_stands_in_the_association_and_numbers_keep_their_digits() -> None:
    document = loaded(argument_graph(exported_result("chain")))
    notation = document.get_provn()
    assert 'prov:value="9.12" %% xsd:decimal' in notation
    assert "kidney-failure-risk-5y#module/1.0.0" in notation or ":1.0.0)" in notation
    assert notation.count("wasAssociatedWith(") == 2
    again = ProvDocument.deserialize(content=document.serialize(format="json"), format="json")
    assert len(list(again.get_records())) == len(list(document.get_records()))
    assert json.loads(str(document.serialize(format="json")))["wasGeneratedBy"]


def test_several_arguments_are_one_document() -> None:
    made = merge_graphs(argument_graph(exported_result(name)) for name in ("chain", "score"))
    assert len([r for r in loaded(made).get_records() if type(r).__name__ == "ProvActivity"]) == 3

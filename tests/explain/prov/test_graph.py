"""Statements in memory: each once, merged and renamed, with canonical digests that another library computes too."""

import pyoxigraph as ox

from server.explain.prov import argument_graph
from server.explain.prov.graph import Graph, rename_nodes
from server.explain.prov.rdf_terms import MPM, RDF, Iri, Literal, literal
from server.explain.prov.seal import graph_digest, quads_digest
from tests.support.exported_arguments import NAMES, SEALED, exported_result

A, B = Iri("urn:old#a"), Iri("urn:old#b")


def test_a_statement_is_there_once_and_stays_in_its_place() -> None:
    made = Graph()
    for value in ("x", "y", "x"):
        made.add((A, MPM.name, literal(value)))
    assert list(made) == [(A, MPM.name, literal("x")), (A, MPM.name, literal("y"))]
    assert made.by_subject() == {A: {MPM.name: [literal("x"), literal("y")]}}


def test_renaming_changes_addresses_and_no_texts() -> None:
    made = Graph()
    made.add((A, RDF.type, MPM.Answer))
    made.add((A, MPM.item, B))
    made.add((A, MPM.name, literal("<urn:old#a>")))
    renamed = rename_nodes(made, "urn:old#", "urn:new#")
    new = Iri("urn:new#a")
    assert list(renamed) == [
        (new, RDF.type, MPM.Answer),
        (new, MPM.item, Iri("urn:new#b")),
        (new, MPM.name, literal("<urn:old#a>")),
    ]
    assert renamed.nodes_of_type(MPM.Answer) == [new]


def test_blank_nodes_of_merged_arguments_do_not_meet() -> None:
    graphs = []
    for name in ("urn:one#", "urn:two#"):
        made = Graph()
        made.add((A, MPM.point, made.new_blank()))
        graphs.append(rename_nodes(made, "urn:old#", name))
    graphs[0].add_graph(graphs[1])
    assert len({value for _, _, value in graphs[0]}) == 2


def test_every_character_is_escaped_as_in_canonical_n_triples() -> None:
    characters = [chr(code) for code in range(0x11000) if not 0xD800 <= code < 0xE000]
    differing = [ascii(each) for each in characters if str(ox.Literal(each)) != str(Literal(each))]
    assert differing == []


def test_digests_are_those_of_the_library() -> None:
    for name in NAMES:
        made = argument_graph(exported_result(name, SEALED))
        text = "".join(f"{subject} {term} {value} .\n" for subject, term, value in made)
        quads = list(ox.parse(text, format=ox.RdfFormat.N_TRIPLES))
        assert graph_digest(made, b"k", b"p") == quads_digest(quads, b"k", b"p")

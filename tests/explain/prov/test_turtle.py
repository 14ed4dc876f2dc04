"""Turtle as rdflib writes it, byte for byte: another writer of the same statements, which ours takes the place of."""

import pytest
import rdflib
from rdflib.term import Literal as LibraryLiteral

from server.explain.prov import argument_graph
from server.explain.prov.graph import Graph
from server.explain.prov.rdf_terms import MPM, PREFIXES, RDF, RESULTS, XSD, Iri, Literal, literal
from server.explain.prov.serialize import serialize_graphs
from server.explain.prov.turtle import write_turtle
from tests.support.exported_arguments import NAMES, SEALED, exported_result, with_comparisons
from tests.support.rdf_graphs import library_graph


class _Unabbreviated(LibraryLiteral):
    """A decimal without a point, which rdflib would write with one."""

    def _literal_n3(self, use_plain: bool = False, qname_callback: object = None) -> str:
        return super()._literal_n3(use_plain=False, qname_callback=qname_callback)  # type: ignore[arg-type]


def written_by_library(made: Graph) -> str:
    parsed, graph = library_graph(made), rdflib.Graph(bind_namespaces="none")
    labels: dict[object, rdflib.BNode] = {}
    for subject, term, value in made:
        row = [_library_term(each, labels) for each in (subject, term, value)]
        graph.add((row[0], row[1], row[2]))
    assert len(graph) == len(parsed)
    for prefix, space in PREFIXES.items():
        graph.bind(prefix, space)
    answer = next(str(each) for each in graph.subjects(rdflib.RDF.type, rdflib.URIRef(MPM.Answer.value)))
    graph.bind("a", answer.removesuffix("answer"))
    return graph.serialize(format="turtle")


def _library_term(each: str, labels: dict[object, rdflib.BNode]) -> rdflib.term.Node:
    if isinstance(each, Literal):
        datatype = rdflib.URIRef(each.datatype.value) if each.datatype else None
        kind = _Unabbreviated if each.datatype == XSD.decimal and "." not in each.text else LibraryLiteral
        return kind(each.text, datatype=datatype, normalize=False)
    return rdflib.URIRef(each.value) if isinstance(each, Iri) else rdflib.BNode(each[2:])


@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_text_that_the_library_writes(name: str) -> None:
    result = exported_result(name, SEALED)
    made = argument_graph(with_comparisons(result) if name == "chain" else result)
    assert serialize_graphs([made]) == written_by_library(made)


@pytest.mark.parametrize(
    ("address", "written"),
    [
        (f"{PREFIXES['mpm']}step", "mpm:step"),
        (f"{PREFIXES['mpm']}plan.step-0", "mpm:plan.step-0"),
        # Names that would have to be escaped, or that end as a statement does, stay as they are.
        (f"{PREFIXES['mpm']}end.", f"<{PREFIXES['mpm']}end.>"),
        (f"{PREFIXES['mpm']}0", f"<{PREFIXES['mpm']}0>"),
        (f"{PREFIXES['mpm']}(a)", f"<{PREFIXES['mpm']}(a)>"),
        (f"{PREFIXES['mpm']}a%20b", f"<{PREFIXES['mpm']}a%20b>"),
        (f"{PREFIXES['mpm']}", f"<{PREFIXES['mpm']}>"),
        (f"{PREFIXES['mpm']}a/b", f"<{PREFIXES['mpm']}a/b>"),
        (f"{RESULTS}x#answer", f"<{RESULTS}x#answer>"),
    ],
)
def test_only_plain_names_are_shortened(address: str, written: str) -> None:
    made = Graph()
    made.add((Iri("urn:a"), RDF.type, Iri(address)))
    text = write_turtle(made, PREFIXES)
    assert f"<urn:a> a {written} .\n" in text
    assert [str(each) for each in rdflib.Graph().parse(data=text, format="turtle").objects()] == [address]


@pytest.mark.parametrize("text", ['"""', "a\nb", "\\", 'ends in "', "\x00\x1f\x7f", "\r\n\t\b\f", "", "é😀\uffff"])
def test_any_text_is_read_back(text: str) -> None:
    made = Graph()
    made.add((Iri("urn:a"), MPM.name, literal(text)))
    (found,) = rdflib.Graph().parse(data=write_turtle(made, PREFIXES), format="turtle").objects()
    assert str(found) == text

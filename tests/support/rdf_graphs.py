"""Exported arguments as graphs of rdflib, made from their statements, not by our writers of Turtle and JSON-LD."""

import pyoxigraph as ox
import rdflib

from server.explain.prov import Form, argument_graph
from server.explain.prov.graph import Graph, merge_graphs
from server.explain.prov.rdf_terms import PREFIXES
from server.explain.results import AnswerResult

MPM = rdflib.Namespace(PREFIXES["mpm"])
PPLAN = rdflib.Namespace(PREFIXES["p-plan"])


def library_graph(made: Graph) -> rdflib.Graph:
    """The same statements in rdflib, which reads them as N-Triples."""
    lines = (f"{subject} {predicate} {value} .\n" for subject, predicate, value in made)
    return rdflib.Graph().parse(data="".join(lines), format="nt")


def argument_in_library(*results: AnswerResult) -> rdflib.Graph:
    """The arguments of results as one graph."""
    return library_graph(merge_graphs(argument_graph(result) for result in results))


def parsed_graph(text: str, form: Form) -> rdflib.Graph:
    """What a text states, in rdflib; JSON-LD as another library reads it."""
    if form == "turtle":
        return rdflib.Graph().parse(data=text, format="turtle")
    triples = (quad.triple for quad in ox.parse(text, format=ox.RdfFormat.JSON_LD))
    lines = ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES)
    return rdflib.Graph().parse(data=lines, format="nt")

"""Arguments as text: Turtle or JSON-LD, one or several in one graph."""

from collections.abc import Iterable
from typing import Literal as Choice

from rdflib import RDF, Graph

from server.explain.prov.jsonld import json_ld
from server.explain.prov.terms import MPM, PREFIXES
from server.explain.prov.whole import graph
from server.explain.results import AnswerResult

Form = Choice["turtle", "json-ld"]


def provenance(result: AnswerResult, form: Form = "turtle") -> str:
    """The argument of one result in Turtle or JSON-LD."""
    return written([graph(result)], form)


def written(graphs: Iterable[Graph], form: Form = "turtle") -> str:
    """Several arguments in one graph, in Turtle or JSON-LD."""
    whole = Graph(bind_namespaces="none")
    for each in graphs:
        whole += each
    prefixes = dict(PREFIXES)
    for place, answer in enumerate(sorted(map(str, whole.subjects(RDF.type, MPM.Answer)))):
        # Each argument has its own names: they are read more easily with a prefix.
        prefixes[f"a{place or ''}"] = answer.removesuffix("answer")
    for prefix, space in prefixes.items():
        whole.bind(prefix, space)
    return whole.serialize(format="turtle") if form == "turtle" else json_ld(whole, prefixes)

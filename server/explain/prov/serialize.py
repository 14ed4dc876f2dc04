"""Arguments serialized as Turtle or JSON-LD, one or several in one graph."""

from collections.abc import Iterable
from typing import Literal

from server.explain.prov.graph import Graph, merge_graphs
from server.explain.prov.json_ld import write_json_ld
from server.explain.prov.rdf_terms import MPM, PREFIXES
from server.explain.prov.turtle import write_turtle
from server.explain.prov.write_graph import argument_graph
from server.explain.results import AnswerResult

Form = Literal["turtle", "json-ld"]


def serialize_result(result: AnswerResult, form: Form = "turtle") -> str:
    """The argument of one result in Turtle or JSON-LD."""
    return serialize_graphs([argument_graph(result)], form)


def serialize_graphs(graphs: Iterable[Graph], form: Form = "turtle") -> str:
    """Several arguments in one graph, in Turtle or JSON-LD."""
    several = list(graphs)
    merged = several[0] if len(several) == 1 else merge_graphs(several)
    prefixes = dict(PREFIXES)
    for place, answer in enumerate(sorted(merged.nodes_of_type(MPM.Answer))):
        # The names of each argument share a long base: a prefix makes them readable.
        prefixes[f"a{place or ''}"] = answer[1:-1].removesuffix("answer")
    return write_turtle(merged, prefixes) if form == "turtle" else write_json_ld(merged, prefixes)

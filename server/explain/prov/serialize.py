"""Arguments, facts and records serialized as Turtle or JSON-LD; of arguments one or several in one graph."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from server.explain.prov.fact import fact_graph
from server.explain.prov.fhir_record import FHIR, record_graph
from server.explain.prov.graph import Graph, merge_graphs
from server.explain.prov.json_ld import write_json_ld
from server.explain.prov.rdf_terms import MPM, PREFIXES
from server.explain.prov.turtle import write_turtle
from server.explain.prov.write_graph import argument_graph
from server.explain.results import AnswerResult, GroundView

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
    return _written(merged, prefixes, form)


def serialize_fact(ground: GroundView, form: Form = "turtle") -> str:
    """One fact in Turtle or JSON-LD."""
    made = fact_graph(ground)
    (fact,) = made.nodes_of_type(MPM.Resource)
    return _written(made, {**PREFIXES, "f": f"{fact[1:].partition('#')[0]}#"}, form)


def serialize_record(values: Mapping[str, Any], base: str, form: Form = "turtle") -> str:
    """One FHIR record, of the server at ``base``, in Turtle or JSON-LD."""
    return _written(record_graph(values, base), {**PREFIXES, "fhir": FHIR}, form)


def _written(graph: Graph, prefixes: Mapping[str, str], form: Form) -> str:
    return write_turtle(graph, prefixes) if form == "turtle" else write_json_ld(graph, prefixes)

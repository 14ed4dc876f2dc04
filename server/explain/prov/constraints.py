"""The SHACL constraints of exported arguments: those of PROV, and ours (``constraints.ttl``).

No request checks them; tests do.
"""

from functools import cache
from pathlib import Path

from rdflib import RDF, SH, Graph

from server.catalog.turtle import term_name


def constraint_violations(graph: Graph) -> list[str]:
    """One line for each constraint that a node breaks: the node, and the rule.  Empty for a valid argument."""
    # Importing it takes a third of a second, and no request needs it.
    import pyshacl

    conforms, report, _ = pyshacl.validate(graph, shacl_graph=_constraints_graph(), inference="none", advanced=True)
    if conforms or not isinstance(report, Graph):
        return []
    lines = set()
    for result in report.subjects(RDF.type, SH.ValidationResult):
        node, path = report.value(result, SH.focusNode), report.value(result, SH.resultPath)
        rule = str(report.value(result, SH.resultMessage))
        named = str(node).rsplit("#", 1)[-1]
        lines.add(f"{named}: {term_name(path)}: {rule}" if path is not None else f"{named}: {rule}")
    return sorted(lines)


@cache
def _constraints_graph() -> Graph:
    return Graph().parse(Path(__file__).with_name("constraints.ttl"), format="turtle")

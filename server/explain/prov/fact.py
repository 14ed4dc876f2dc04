"""One fact as an ``mpm:Resource``: what it is, its value, when, for whom, what its record says of it, and the record.

The same statements as in an argument, and the metadata of the record beside them.  What a step computed is stated with
its value; how it was computed is in the argument alone.
"""

from dataclasses import replace

from server.explain.prov.graph import Graph, rename_nodes
from server.explain.prov.rdf_terms import MPM, RESULTS, Iri, iri, literal
from server.explain.prov.rdf_values import time_literal
from server.explain.prov.seal import graph_digest
from server.explain.prov.steps import write_ground
from server.explain.results import GroundView

_UNNAMED = "urn:medtwin:fact#"
_PERSON = b"mt.fact"


def fact_graph(ground: GroundView) -> Graph:
    """The graph of one ground, which is named by a digest of its content."""
    draft = Graph()
    fact = Iri(f"{_UNNAMED}{ground.slot}")
    write_ground(draft, fact, replace(ground, steps=()), iri(ground.subject), ())
    for term, text in (
        (MPM.recordStatus, ground.status),
        (MPM.recordedValue, ground.recorded),
        (MPM.referenceRange, ground.reference_range),
        (MPM.recordInterpretation, ground.interpretation),
    ):
        if text is not None:
            draft.add((fact, term, literal(text)))
    if ground.issued is not None:
        draft.add((fact, MPM.issued, time_literal(ground.issued)))
    return rename_nodes(draft, _UNNAMED, f"{RESULTS}{graph_digest(draft, b'', _PERSON)}#")

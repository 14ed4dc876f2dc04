"""The chain of a result as linked data, PROV-O with P-Plan: written, serialized, sealed, read back, constrained.

Made only on request.  ``exported`` has the objects that a reader of such a file gets.
"""

from server.explain.prov.serialize import serialize_graphs, serialize_result
from server.explain.prov.write_graph import argument_graph

__all__ = ["argument_graph", "serialize_graphs", "serialize_result"]

"""The chain of a result as linked data, PROV-O with P-Plan: written, serialized, sealed, read back, constrained; and
facts and FHIR records on their own.

Made only on request.  ``exported`` has the objects that a reader of such a file gets.
"""

from server.explain.prov.serialize import Form, serialize_fact, serialize_graphs, serialize_record, serialize_result
from server.explain.prov.write_graph import argument_graph

__all__ = ["Form", "argument_graph", "serialize_fact", "serialize_graphs", "serialize_record", "serialize_result"]

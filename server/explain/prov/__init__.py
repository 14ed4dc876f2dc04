"""The chain of a result as linked data, PROV-O with P-Plan: written, sealed, read back, and held to constraints.

Made only when it is asked for.  ``replay.said`` has what a reader gets.
"""

from server.explain.prov.terms import MPM, PPLAN
from server.explain.prov.whole import graph
from server.explain.prov.writing import provenance, written

__all__ = ["MPM", "PPLAN", "graph", "provenance", "written"]

"""Digests of descriptions and of code.

A description is digested as a canonical graph (RDFC-1.0), so that layout, order and names of blank nodes do not
matter.  pyoxigraph does this a hundred times faster than rdflib, which would cost seconds at every start.
"""

from hashlib import blake2b
from pathlib import Path

import pyoxigraph


def graph_digest(turtle: bytes, base: str) -> str:
    """Hex BLAKE2b of the canonical N-Quads of a Turtle text."""
    quads = pyoxigraph.parse(turtle, format=pyoxigraph.RdfFormat.TURTLE, base_iri=base)
    dataset = pyoxigraph.Dataset(quads)
    dataset.canonicalize(pyoxigraph.CanonicalizationAlgorithm.RDFC_1_0)
    lines = sorted(str(quad) for quad in dataset)
    return blake2b("\n".join(lines).encode(), digest_size=32).hexdigest()


def code_digest(folder: Path) -> str:
    """Hex BLAKE2b over the names and bytes of a folder's Python files; empty where there are none but __init__."""
    files = sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")
    if not files:
        return ""
    digest = blake2b(digest_size=32)
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()

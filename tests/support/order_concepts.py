"""A catalog with concepts of draft orders, as a module of a site declares them."""

import tempfile
from functools import cache
from pathlib import Path

from server.catalog.catalog import Catalog, load_catalog

PREFIXES = """@prefix mpm: <https://medtwin.example/mpm#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
"""


def order_turtle(name: str, medication: str, **more: str) -> str:
    """The declaration of a draft order concept: ``name`` is its id, ``medication`` a term of the vocabulary."""
    extra = "".join(f" ; mpm:{term} {value}" for term, value in more.items())
    return (
        f'mpm:Draft{medication} a mpm:DraftOrderConcept ; mpm:id "{name}" ; skos:prefLabel "Draft {name}"@en ; '
        f'mpm:valueType "FLAG" ; mpm:orderOf mpm:{medication}{extra} .\n'
    )


def write_orders(folder: Path, *declarations: str) -> Path:
    """A folder of modules with one that declares nothing but these concepts."""
    (folder / "orders").mkdir(parents=True)
    (folder / "orders" / "module.ttl").write_text(PREFIXES + "".join(declarations))
    return folder


@cache
def with_orders() -> Catalog:
    """The shipped catalog with draft orders of metformin and of statins (``draft-metformin``, ``draft-statin``)."""
    with tempfile.TemporaryDirectory() as folder:
        declared = (order_turtle("draft-metformin", "Metformin"), order_turtle("draft-statin", "Statin"))
        return load_catalog(extra_modules=[write_orders(Path(folder), *declared)])

"""The shipped catalog, and larger ones: copies of a shipped module, and layers of synthetic modules."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path

from ontology.concepts import AcceptedCode, Concept, Origin, ValueType
from ontology.slots import Select, Slot
from ontology.values import Coding
from server.catalog.catalog import Catalog, load_catalog
from server.catalog.descriptions import Description, Kind

_UNIT = "mg/dL"
_fresh = count()


@cache
def shipped() -> Catalog:
    """The catalog of this repository, loaded once."""
    return load_catalog()


def copies(module: str, number: int) -> tuple[Catalog, tuple[str, ...]]:
    """The shipped catalog with ``number`` copies of one module under ids of their own, and the ids of the copies."""
    catalog = shipped()
    original = catalog.modules[module]
    modules, concepts, ids = dict(catalog.modules), dict(catalog.concepts), []
    for each in range(number):
        name = f"{module}-copy-{each}"
        produces = replace(original.produces, iri=f"{original.produces.iri}-{each}", id=name)
        modules[name] = replace(original, iri=f"{original.iri}-{each}", id=name, produces=produces)
        concepts[name] = produces
        ids.append(name)
    by_iri = {each.iri: each for each in modules.values()}
    return replace(catalog, modules=modules, by_iri=by_iri, concepts=concepts, digest=f"{module} {number}"), tuple(ids)


def renewed(catalog: Catalog) -> Catalog:
    """The same catalog with another digest, so that no plan for it is cached."""
    return replace(catalog, digest=f"{catalog.digest} {next(_fresh)}")


def layered(modules: int, deep: int = 10) -> tuple[Catalog, tuple[str, ...]]:
    """A catalog of layers of modules, and the ids of the top layer, whose plan has every module.

    Each module has four slots for modules of the layer below and four for observations.
    """
    wide = max(1, modules // deep)
    observed = [_concept(f"observed-{n}", Origin.OBSERVATION) for n in range(100)]
    descriptions: list[Description] = []
    below: list[Concept] = []
    for layer in range(deep):
        layer_concepts = [_concept(f"made-{layer}-{n}", Origin.COMPUTED) for n in range(wide)]
        for position, produces in enumerate(layer_concepts):
            computed = [below[(position + step) % wide] for step in range(4)] if below else []
            recorded = [observed[(layer * wide + position + 7 * step) % 100] for step in range(4)]
            slots = {concept.id: _slot(concept) for concept in (*computed, *recorded)}
            descriptions.append(_module(produces, tuple(slots.values())))
        below = layer_concepts
    concepts = {c.id: c for d in descriptions for c in (d.produces, *(s.concept for s in d.slots))}
    by_id = {d.id: d for d in descriptions}
    catalog = Catalog(by_id, {d.iri: d for d in descriptions}, concepts, shipped().collectors, f"layered {modules}")
    return catalog, tuple(concept.id for concept in below)


def _concept(name: str, origin: Origin) -> Concept:
    accepted = (AcceptedCode(Coding("http://loinc.org", name)),) if origin is Origin.OBSERVATION else ()
    return Concept(f"urn:c:{name}", name, name, origin, ValueType.QUANTITY, accepted=accepted, unit=_UNIT)


def _slot(concept: Concept) -> Slot:
    return Slot(concept.id.replace("-", "_"), concept, Select.LATEST, required=True, unit=_UNIT)


def _module(produces: Concept, slots: tuple[Slot, ...]) -> Description:
    return Description(
        iri=f"urn:m:{produces.id}",
        id=produces.id,
        kind=Kind.EQUATION,
        version="1.0.0",
        title=produces.id,
        produces=produces,
        unit=_UNIT,
        slots=slots,
        digest=produces.id,
        turtle="",
        folder=Path("/nowhere"),
        citations=(),
        intended_use="",
    )

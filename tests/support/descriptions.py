"""Small descriptions, concepts and inputs for tests; a copy of the shipped descriptions, to be changed."""

import shutil
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from rdflib import Graph

from ontology.concepts import Concept, Origin, ValueType
from ontology.evaluation import Interval, SlotInput
from ontology.slots import Select, Slot
from ontology.values import Absent, AbsentReason, Bound, Coding, Quantity
from server.catalog.catalog import ROOT
from server.catalog.concepts import concept_nodes
from server.catalog.descriptions import Description, Kind
from server.catalog.turtle import read_turtle

SYSTEM = "https://medtwin.example/codes"


def make_concept(name: str = "thing", value_type: ValueType = ValueType.QUANTITY, **overrides: Any) -> Concept:
    unit = "1" if value_type is ValueType.QUANTITY else None
    fields: dict[str, Any] = {
        "iri": f"https://medtwin.example/mpm#{name}",
        "id": name,
        "display": name.replace("-", " ").capitalize(),
        "origin": Origin.OBSERVATION,
        "value_type": value_type,
        "unit": unit,
        "units": (unit,) if unit else (),
    }
    return Concept(**{**fields, **overrides})


def make_slot(name: str, value_type: ValueType = ValueType.QUANTITY, **overrides: Any) -> Slot:
    concept = overrides.pop("concept", None) or make_concept(name.replace("_", "-"), value_type)
    return Slot(**{"name": name, "concept": concept, "select": Select.LATEST, "required": True, **overrides})


def make_description(kind: Kind = Kind.RULE, **overrides: Any) -> Description:
    value_type = ValueType.CODING if kind is Kind.RULE else ValueType.QUANTITY
    produces = overrides.pop("produces", None) or make_concept("result", value_type, origin=Origin.COMPUTED)
    fields: dict[str, Any] = {
        "iri": "https://medtwin.example/modules/example#module",
        "id": "example",
        "kind": kind,
        "version": "1.0.0",
        "title": "Example",
        "produces": produces,
        "unit": produces.unit,
        "slots": (),
        "digest": "0" * 64,
        "turtle": "",
        "folder": Path("example"),
        "citations": ("Example, 2026",),
        "intended_use": "For tests.",
    }
    return Description(**{**fields, **overrides})


def number(value: str | int | Decimal, unit: str = "1") -> SlotInput:
    return SlotInput(Quantity(Decimal(value), unit))


def bound(comparator: Any, value: str | int | Decimal, unit: str = "1") -> SlotInput:
    return SlotInput(Bound(comparator, Decimal(value), unit))


def between(low: str | int | Decimal, high: str | int | Decimal, unit: str = "1") -> SlotInput:
    interval = Interval(Decimal(low), Decimal(high), unit, "between these")
    return SlotInput(Absent(AbsentReason.INPUT_ABSENT), interval)


def absent(reason: AbsentReason = AbsentReason.NOT_FOUND) -> SlotInput:
    return SlotInput(Absent(reason))


def code(value: str, display: str | None = None) -> Coding:
    return Coding(SYSTEM, value, display)


KIDNEY = ("age", "aki_stage", "ckd_chronicity", "egfr")
"""What eGFR is computed from, and itself."""
_CODE = shutil.ignore_patterns("__pycache__")


def copy_descriptions(root: Path, *modules: str, ontology: Collection[str] = ()) -> Path:
    """Ontology, collectors and modules under ``root``.

    ``modules``: these alone, and of the ontology what they need and the files of ``ontology``, which loads faster.
    """
    for room in ("ontology", "collectors", *(() if modules else ("modules",))):
        shutil.copytree(ROOT / room, root / room, ignore=_CODE)
    for name in modules:
        shutil.copytree(ROOT / "modules" / name, root / "modules" / name, ignore=_CODE)
    if modules:
        needed = _needed_files(modules, ontology)
        for path in (root / "ontology").glob("*.ttl"):
            if path.stem not in needed:
                path.unlink()
    return root


@cache
def _ontology() -> Mapping[str, Graph]:
    return {path.stem: _graph(path) for path in (ROOT / "ontology").glob("*.ttl")}


def _graph(path: Path) -> Graph:
    return read_turtle(path.read_bytes(), "https://medtwin.example/copied")[0]


def _needed_files(modules: Iterable[str], named: Iterable[str]) -> set[str]:
    """Files of the ontology that declare no concept, those named, and those whose concepts any of these speaks of."""
    described = [path for module in modules for path in (ROOT / "modules" / module).glob("*.ttl")]
    declared = {name: set(concept_nodes(graph)) for name, graph in _ontology().items()}
    needed = {*named, *(name for name, concepts in declared.items() if not concepts)}
    terms = {term for path in described for term in _graph(path).objects()}
    terms |= {term for name in named for term in _ontology()[name].objects()}
    while more := {name for name in declared.keys() - needed if declared[name] & terms}:
        needed |= more
        terms |= {term for name in more for term in _ontology()[name].objects()}
    return needed

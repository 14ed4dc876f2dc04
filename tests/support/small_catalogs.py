"""Small catalogs out of nothing: modules named by letters, over observed concepts."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from collectors.search import CollectorDescription, Layout
from ontology.concepts import AcceptedCode, Concept, Origin, ValueType
from ontology.slots import Select, Slot
from ontology.values import Coding
from server.catalog.catalog import Catalog
from server.catalog.descriptions import Description, Kind
from tests.support.engine_questions import shipped

COLLECTORS = {
    "observation": (Origin.OBSERVATION, "Observation", "patient", "code", "date"),
    "patient": (Origin.PATIENT, "Patient", "_id", None, None),
    "condition": (Origin.CONDITION, "Condition", "patient", None, None),
}


def concept(name: str, origin: Origin = Origin.COMPUTED, unit: str | None = "mg/dL", **more: object) -> Concept:
    codes = () if origin is Origin.COMPUTED else (AcceptedCode(Coding("http://loinc.org", name)),)
    kind = ValueType.FLAG if origin is Origin.CONDITION else ValueType.QUANTITY
    unit = None if kind is ValueType.FLAG else unit
    return Concept(f"urn:c:{name}", name, name, origin, kind, unit=unit, accepted=codes, **more)  # type: ignore[arg-type]


def slot(of: Concept, name: str | None = None, **more: object) -> Slot:
    settings = {"select": Select.LATEST, "required": True, "unit": of.unit, **more}
    return Slot(name or of.id.replace("-", "_"), of, **settings)  # type: ignore[arg-type]


def module(produces: Concept, *slots: Slot, name: str | None = None, **more: object) -> Description:
    name = name or produces.id
    settings: dict[str, object] = {
        "digest": f"digest-{name}",
        "turtle": "",
        "citations": (),
        "intended_use": "",
        **more,
    }
    return Description(
        f"urn:m:{name}", name, Kind.EQUATION, "1.0.0", name, produces, produces.unit, slots,
        folder=Path("/nowhere"), **settings,  # type: ignore[arg-type]
    )  # fmt: skip


def _layout(name: str) -> Layout | None:
    return shipped().collectors[name].layout


def catalog(*modules: Description, collectors: tuple[str, ...] = tuple(COLLECTORS)) -> Catalog:
    concepts: dict[str, Concept] = {}
    for description in modules:
        concepts[description.produces.id] = description.produces
        concepts.update({s.concept.id: s.concept for s in description.slots})
    found: Mapping[str, CollectorDescription] = {
        name: CollectorDescription(
            f"urn:k:{name}", name, *COLLECTORS[name], digest=name, folder=name, layout=_layout(name)
        )
        for name in collectors
    }
    by_id = {m.id: m for m in modules}
    digest = repr(sorted((m.id, m.digest, repr(m.slots)) for m in modules)) + repr(collectors)
    return Catalog(by_id, {m.iri: m for m in modules}, concepts, found, digest)


DAY = timedelta(days=1)

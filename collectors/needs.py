"""What a plan needs from sources, and how a resource type is described for searching."""

from dataclasses import dataclass
from datetime import timedelta

from collectors.layout import Layout
from collectors.settings import Source
from ontology.concepts import Concept, Origin
from ontology.values import Coding


@dataclass(frozen=True, slots=True)
class CollectorDescription:
    """Which FHIR resource type is read for concepts of which origin, and how it is searched.

    ``code_parameter`` None: the type is searched by patient alone.  ``includes`` are further resource types whose
    records of the same patient are needed to read these (Encounter for undated Conditions).  ``folder`` is where the
    description lies, and where the code that reads the records is found.  ``on_request``: used only for sources whose
    settings name the collector.  ``elements`` are all elements of a record that are read, of a choice by both its
    names ("value", "valueQuantity"); none where that is not declared.  ``layout`` says how the records are read, where
    the folder has no code of its own for that.
    """

    iri: str
    id: str
    origin: Origin
    resource_type: str
    patient_parameter: str
    code_parameter: str | None
    date_parameter: str | None
    digest: str
    folder: str
    includes: tuple[str, ...] = ()
    on_request: bool = False
    elements: tuple[str, ...] = ()
    layout: Layout | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """The whole need of one resource type: sent to a source as one search (plus pages, plus code chunks).

    ``codes`` has every code of ``concepts`` in a stable order; ``window`` is the widest (None: no limit in time).
    ``latest_only``: of each concept nothing but its latest value is selected, as of the time of the question.
    """

    description: CollectorDescription
    concepts: tuple[Concept, ...]
    codes: tuple[Coding, ...]
    window: timedelta | None
    latest_only: bool = False


def wanted(search: Search, source: Source) -> bool:
    """Whether a source is asked at all: some collectors are used only where its settings name them."""
    return not search.description.on_request or search.description.id in source.collectors

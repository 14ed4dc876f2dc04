"""The parts of a ValueSet, a ConceptMap and a Parameters resource that are read."""

import msgspec

from collectors.reading.fhir_types import MISSING_ELEMENT


class Filter(msgspec.Struct, gc=False):
    """A filter over the properties of a code system."""

    property: str | None = None
    op: str | None = None
    value: str | None = None


class ListedConcept(msgspec.Struct, gc=False):
    """A code that is listed."""

    code: str | None = None
    display: str | None = None


class Selection(msgspec.Struct, gc=False):
    """One include or exclude of a definition."""

    system: str | None = None
    version: str | None = None
    concept: list[ListedConcept] = []
    filter: list[Filter] = []
    valueSet: list[str] = []  # noqa: N815  (FHIR's own names, here and below)


class Compose(msgspec.Struct, gc=False):
    """The definition of a set."""

    include: list[Selection] = []
    exclude: list[Selection] = []


class Extension(msgspec.Struct, gc=False):
    """An extension that is a flag."""

    url: str | None = None
    valueBoolean: bool | None = None  # noqa: N815


class ExpansionParameter(msgspec.Struct, gc=False):
    """A parameter with which an expansion was made."""

    name: str | None = None


class Contained(msgspec.Struct):
    """An entry of an expansion, with those below it."""

    system: str | None = None
    abstract: bool | None = None
    code: str | None = None
    display: str | None = None
    contains: list["Contained"] = []


class Expansion(msgspec.Struct):
    """An expansion, or one page of it."""

    extension: list[Extension] = []
    total: int | None = None
    offset: int | None = None
    parameter: list[ExpansionParameter] = []
    contains: list[Contained] = []


class ValueSet(msgspec.Struct):
    """A ValueSet."""

    resourceType: str | None = None  # noqa: N815
    url: str | None = None
    version: str | None = None
    name: str | None = None
    title: str | None = None
    status: str | None = None
    compose: Compose | None = None
    expansion: Expansion | None = None


class Target(msgspec.Struct, gc=False):
    """A target of a mapping.  ``relationship`` is R5's name for the equivalence: it identifies an R5 map."""

    code: str | None = None
    display: str | None = None
    equivalence: str | None = None
    relationship: str | None = None
    dependsOn: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    product: msgspec.Raw = MISSING_ELEMENT


class MappedElement(msgspec.Struct, gc=False):
    """A code of the source's system."""

    code: str | None = None
    target: list[Target] = []


class Unmapped(msgspec.Struct, gc=False):
    """The rule for codes that the group does not list."""

    mode: str | None = None
    code: str | None = None
    url: str | None = None


class Group(msgspec.Struct, gc=False):
    """Mappings from one code system to one other."""

    source: str | None = None
    target: str | None = None
    element: list[MappedElement] = []
    unmapped: Unmapped | None = None


class ConceptMap(msgspec.Struct, gc=False):
    """A ConceptMap."""

    resourceType: str | None = None  # noqa: N815
    url: str | None = None
    version: str | None = None
    status: str | None = None
    group: list[Group] = []


class Parameter(msgspec.Struct, gc=False):
    """One parameter of an operation's result."""

    name: str | None = None
    valueBoolean: bool | None = None  # noqa: N815


class Parameters(msgspec.Struct, gc=False):
    """The result of an operation."""

    resourceType: str | None = None  # noqa: N815
    parameter: list[Parameter] = []


VALUE_SET = msgspec.json.Decoder(ValueSet)
CONCEPT_MAP = msgspec.json.Decoder(ConceptMap)
PARAMETERS = msgspec.json.Decoder(Parameters)

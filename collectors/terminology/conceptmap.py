"""Concept maps: what each says of a source's code, and which of that may stand for it.

By R4 the equivalence is read from target to source ("the target is wider than the source").  So:

- ``equal``, ``equivalent``: the target says the same.  Translated.
- ``wider``, ``subsumes``: whatever has the source's code is also what the target says (a fall is also an injury).
  Translated for finding a concept, and told; but nothing can be ruled out by it, since the source's code may mean
  something more special that a concept asks for.
- ``narrower``, ``specializes``: the target says more than was recorded.  Never translated.
- ``inexact``, ``relatedto``, ``disjoint``, ``unmatched``: never translated.
- A target with ``dependsOn`` or ``product`` holds only together with other elements: never translated.
- ``unmapped``: ``provided`` says that a code that is not listed is the same code of the target system (translated);
  ``other-map`` leads to another map of the folder; ``fixed`` says nothing of what the code means (never translated).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from collectors.reading.codes import Key
from collectors.reading.translation import Fallback
from collectors.terminology.canonical import Canonical, canonical
from collectors.terminology.errors import DefinitionError
from collectors.terminology.shape import ConceptMap, Group, Target

SAME = frozenset({"equal", "equivalent"})
WIDER = frozenset({"wider", "subsumes"})
NEVER = frozenset({"narrower", "specializes", "inexact", "relatedto", "unmatched", "disjoint"})
CONDITIONAL = "conditional"
"""How a target with ``dependsOn`` or ``product`` is counted."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a map says of one code of the source's: its target, and in what relation that stands to it."""

    source: Key
    target: Key | None
    relation: str
    map: Canonical


def statements(own: Canonical, resource: ConceptMap) -> Iterator[Statement]:
    """Every mapping of a map (DefinitionError where one breaks FHIR's rules, or R4's)."""
    for group in resource.group:
        source, target = _systems(group)
        for element in group.element:
            if not element.code:
                raise DefinitionError("an element has no code")
            for each in element.target:
                relation = _relation(each, element.code)
                to = (target, each.code) if each.code else None
                yield Statement((source, element.code), to, relation, own)


def fallbacks(own: Canonical, resource: ConceptMap, maps: Mapping[Canonical, object]) -> Iterator[Fallback]:
    """What holds for the codes that a map does not list; ``maps`` are those at hand, for other-map."""
    for group in resource.group:
        source, target = _systems(group)
        unmapped = group.unmapped
        if unmapped is None:
            continue
        if unmapped.mode == "other-map":
            other = canonical(unmapped.url or "")
            if other == own or not any(other in (each, Canonical(each.url)) for each in maps):
                raise DefinitionError(f"its group.unmapped leads to {other}, which is not in this folder")
            # All maps of a folder count together: the other one is read like this one.
            continue
        if unmapped.mode not in ("provided", "fixed"):
            raise DefinitionError("its group.unmapped.mode is none of provided, fixed, other-map")
        listed = frozenset(element.code for element in group.element if element.code)
        yield Fallback(source, target, listed, unmapped.mode == "fixed", str(own))


def _systems(group: Group) -> tuple[str, str]:
    if not group.source or not group.target:
        raise DefinitionError("a group lacks its source or its target system")
    return group.source, group.target


def _relation(target: Target, code: str) -> str:
    if target.equivalence is None:
        if target.relationship is not None:
            raise DefinitionError("it has target.relationship, which is of FHIR R5; R4 is read here")
        raise DefinitionError(f"the target of {code} has no equivalence")
    if target.equivalence not in SAME | WIDER | NEVER:
        raise DefinitionError(f"the target of {code} has an equivalence that R4 does not know")
    if target.dependsOn or target.product:
        return CONDITIONAL
    if target.code is None and target.equivalence != "unmatched":
        raise DefinitionError(f"the target of {code} has no code")
    return target.equivalence

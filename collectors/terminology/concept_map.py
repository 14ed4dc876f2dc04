"""Concept maps: their mappings of a source's codes, combined to one translation, and their conflicts.

By R4 the equivalence is read from target to source ("the target is wider than the source").  So:

- ``equal``, ``equivalent``: the target means the same.  Translated.
- ``wider``, ``subsumes``: the target includes the source's code (a fall is also an injury).
  Translated to find a concept, and reported; but nothing is ruled out by it, since the source's code may mean
  something more specific that a concept asks for.
- ``narrower``, ``specializes``: the target is more specific than what was recorded.  Never translated.
- ``inexact``, ``relatedto``, ``disjoint``, ``unmatched``: never translated.
- A target with ``dependsOn`` or ``product`` holds only together with other elements: never translated.
- ``unmapped``: ``provided``: an unlisted code is the same code of the target system (translated); ``other-map``
  refers to another map of the folder; ``fixed`` says nothing about the meaning of the code (never translated).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from collectors.reading.codes import CodeKey, Fallback, TranslatedCode, Translation, code_key
from collectors.terminology.code_set import Canonical, DefinitionError, parse_canonical
from collectors.terminology.resource_elements import ConceptMap, Group, Target
from ontology.concepts import Concept, Origin, ValueType

EQUIVALENT = frozenset({"equal", "equivalent"})
WIDER = frozenset({"wider", "subsumes"})
NOT_TRANSLATED = frozenset({"narrower", "specializes", "inexact", "relatedto", "unmatched", "disjoint"})
CONDITIONAL = "conditional"
"""The relation under which targets with ``dependsOn`` or ``product`` are counted."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One mapping: a code of the source's, its target (None: no target code), and the target's equivalence."""

    source: CodeKey
    target: CodeKey | None
    relation: str
    map: Canonical


def statements(own: Canonical, resource: ConceptMap) -> Iterator[Statement]:
    """Every mapping of a map.  Raises DefinitionError where one violates FHIR R4."""
    for group in resource.group:
        source, target = _group_systems(group)
        for element in group.element:
            if not element.code:
                raise DefinitionError("an element has no code")
            for each in element.target:
                relation = _target_relation(each, element.code)
                to = (target, each.code) if each.code else None
                yield Statement((source, element.code), to, relation, own)


def fallbacks(own: Canonical, resource: ConceptMap, maps: Mapping[Canonical, object]) -> Iterator[Fallback]:
    """The fallbacks for codes that a map does not list; ``maps`` are the known ones, for ``other-map``.

    Raises DefinitionError.
    """
    for group in resource.group:
        source, target = _group_systems(group)
        unmapped = group.unmapped
        if unmapped is None:
            continue
        if unmapped.mode == "other-map":
            other = parse_canonical(unmapped.url or "")
            if other == own or not any(other in (each, Canonical(each.url)) for each in maps):
                raise DefinitionError(f"its group.unmapped leads to {other}, which is not in this folder")
            # All maps of a folder are combined: the other one is read like this one.
            continue
        if unmapped.mode not in ("provided", "fixed"):
            raise DefinitionError("its group.unmapped.mode is none of provided, fixed, other-map")
        listed = frozenset(element.code for element in group.element if element.code)
        yield Fallback(source, target, listed, unmapped.mode == "fixed", str(own))


def _group_systems(group: Group) -> tuple[str, str]:
    if not group.source or not group.target:
        raise DefinitionError("a group lacks its source or its target system")
    return group.source, group.target


def _target_relation(target: Target, code: str) -> str:
    if target.equivalence is None:
        if target.relationship is not None:
            raise DefinitionError("it has target.relationship, which is of FHIR R5; R4 is read here")
        raise DefinitionError(f"the target of {code} has no equivalence")
    if target.equivalence not in EQUIVALENT | WIDER | NOT_TRANSLATED:
        raise DefinitionError(f"the target of {code} has an equivalence that R4 does not know")
    if target.dependsOn or target.product:
        return CONDITIONAL
    if target.code is None and target.equivalence != "unmatched":
        raise DefinitionError(f"the target of {code} has no code")
    return target.equivalence


def combine_maps(maps: Mapping[Canonical, tuple[str, ConceptMap]]) -> tuple[Translation, list[str]]:
    """All maps of a folder as one translation, and their faults, each with its file."""
    faults: list[str] = []
    mappings: list[Statement] = []
    fallback_rules: list[Fallback] = []
    for own, (file, resource) in maps.items():
        try:
            mappings += statements(own, resource)
            fallback_rules += fallbacks(own, resource, maps)
        except DefinitionError as error:
            faults.append(f"{file}: {error}")
    files = {own: file for own, (file, _) in maps.items()}
    faults += _conflicting_statements(mappings, files) + _conflicting_fallbacks(
        fallback_rules, {str(own): file for own, file in files.items()}
    )
    targets: dict[CodeKey, dict[CodeKey, TranslatedCode]] = {}
    for each in mappings:
        by_target = targets.setdefault(each.source, {})
        if each.target is not None and each.relation in EQUIVALENT | WIDER:
            known = by_target.get(each.target)
            if known is None or known.wider:
                by_target[each.target] = TranslatedCode(each.target, each.relation in WIDER, str(each.map))
    systems: dict[str, list[Fallback]] = {}
    for fallback in fallback_rules:
        systems.setdefault(fallback.source, []).append(fallback)
    refused = Counter(each.relation for each in mappings if each.relation not in EQUIVALENT | WIDER)
    refused.update("fixed" for each in fallback_rules if each.fixed)
    return Translation(
        {local: tuple(by_target.values()) for local, by_target in targets.items()},
        {system: tuple(group) for system, group in systems.items()},
        dict(sorted(refused.items())),
    ), faults


def _conflicting_statements(mappings: Iterable[Statement], files: Mapping[Canonical, str]) -> list[str]:
    """A fault for each code with two equivalent targets, or with conflicting relations to one target."""
    faults = []
    same: dict[tuple[CodeKey, str], Statement] = {}
    relations: dict[tuple[CodeKey, CodeKey], Statement] = {}
    for each in mappings:
        if each.target is None:
            continue
        system, code = each.source
        if each.relation in EQUIVALENT:
            first = same.setdefault((each.source, each.target[0]), each)
            if first.target != each.target:
                faults.append(
                    f"{files[each.map]}: {code} of {system} is mapped to {each.target[1]} of {each.target[0]}, "
                    f"and in {files[first.map]} to {first.target[1] if first.target else 'nothing'}"
                )
        before = relations.setdefault((each.source, each.target), each)
        if _relation_kind(before.relation) != _relation_kind(each.relation):
            faults.append(
                f"{files[each.map]}: the target {each.target[1]} of {code} of {system} is {each.relation}, "
                f"and {before.relation} in {files[before.map]}"
            )
    return faults


def _relation_kind(relation: str) -> str:
    return "same" if relation in EQUIVALENT else "wider" if relation in WIDER else "not"


def _conflicting_fallbacks(fallback_rules: Iterable[Fallback], files: Mapping[str, str]) -> list[str]:
    firsts: dict[str, Fallback] = {}
    faults = []
    for each in fallback_rules:
        first = firsts.setdefault(each.source, each)
        if first is not each:
            rival = files[first.map]
            faults.append(f"{files[each.map]}: unlisted codes of {each.source} are mapped in {rival}, too")
    return faults


def conflicting_measurements(concepts: Iterable[Concept], translation: Translation) -> list[str]:
    """A fault for each local code with two targets, equal or wider, that are measurements without a common concept.

    Its values would be read as two different measurements: one mapping is wrong, and units may not reveal it.
    """
    known: dict[CodeKey, set[str]] = {}
    for concept in concepts:
        if concept.origin is Origin.OBSERVATION and concept.value_type is ValueType.QUANTITY:
            for each in concept.accepted:
                known.setdefault(code_key(each.coding.system, each.coding.code), set()).add(concept.id)
    faults = []
    for (system, code), targets in translation.targets.items():
        read = [(each, found) for each in targets if (found := known.get(code_key(*each.key)))]
        for place, (one, first) in enumerate(read):
            other = next((each for each, second in read[place + 1 :] if not first & second), None)
            if other is not None:
                readings = (
                    f"as {one.key[1]} of {one.key[0]} (ConceptMap {one.map}) and as {other.key[1]} of {other.key[0]}"
                )
                faults.append(f"{code} of {system} is read {readings} (ConceptMap {other.map}): no number is both")
                break
    return faults

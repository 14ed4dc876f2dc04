"""All concept maps of a folder, as the one translation that they come to, and where they contradict each other."""

from collections import Counter
from collections.abc import Iterable, Mapping

from collectors.reading.codes import Key
from collectors.reading.translation import Fallback, Translated, Translation
from collectors.terminology.canonical import Canonical
from collectors.terminology.conceptmap import SAME, WIDER, Statement, fallbacks, statements
from collectors.terminology.errors import DefinitionError
from collectors.terminology.shape import ConceptMap


def translation(maps: Mapping[Canonical, tuple[str, ConceptMap]]) -> tuple[Translation, list[str]]:
    """All maps of a folder as one, and every fault with its file."""
    faults: list[str] = []
    said: list[Statement] = []
    rest: list[Fallback] = []
    for own, (file, resource) in maps.items():
        try:
            said += statements(own, resource)
            rest += fallbacks(own, resource, maps)
        except DefinitionError as error:
            faults.append(f"{file}: {error}")
    files = {own: file for own, (file, _) in maps.items()}
    faults += _contradictions(said, files) + _rivals(rest, {str(own): file for own, file in files.items()})
    targets: dict[Key, dict[Key, Translated]] = {}
    for each in said:
        held = targets.setdefault(each.source, {})
        if each.target is not None and each.relation in SAME | WIDER:
            known = held.get(each.target)
            if known is None or known.wider:
                held[each.target] = Translated(each.target, each.relation in WIDER, str(each.map))
    systems: dict[str, list[Fallback]] = {}
    for fallback in rest:
        systems.setdefault(fallback.source, []).append(fallback)
    refused = Counter(each.relation for each in said if each.relation not in SAME | WIDER)
    refused.update("fixed" for each in rest if each.fixed)
    return Translation(
        {local: tuple(held.values()) for local, held in targets.items()},
        {system: tuple(group) for system, group in systems.items()},
        dict(sorted(refused.items())),
    ), faults


def _contradictions(said: Iterable[Statement], files: Mapping[Canonical, str]) -> list[str]:
    """Codes that are said to mean two things, or to mean and not to mean one."""
    faults = []
    same: dict[tuple[Key, str], Statement] = {}
    relations: dict[tuple[Key, Key], Statement] = {}
    for each in said:
        if each.target is None:
            continue
        system, code = each.source
        if each.relation in SAME:
            first = same.setdefault((each.source, each.target[0]), each)
            if first.target != each.target:
                faults.append(
                    f"{files[each.map]}: {code} of {system} is said to be {each.target[1]} of {each.target[0]}, "
                    f"and in {files[first.map]} to be {first.target[1] if first.target else 'nothing'}"
                )
        before = relations.setdefault((each.source, each.target), each)
        if _kind(before.relation) != _kind(each.relation):
            faults.append(
                f"{files[each.map]}: the target {each.target[1]} of {code} of {system} is said to be {each.relation}, "
                f"and in {files[before.map]} to be {before.relation}"
            )
    return faults


def _kind(relation: str) -> str:
    return "same" if relation in SAME else "wider" if relation in WIDER else "not"


def _rivals(rest: Iterable[Fallback], files: Mapping[str, str]) -> list[str]:
    held: dict[str, Fallback] = {}
    faults = []
    for each in rest:
        first = held.setdefault(each.source, each)
        if first is not each:
            rival = files[first.map]
            faults.append(f"{files[each.map]}: what holds for unlisted codes of {each.source} is said in {rival}, too")
    return faults

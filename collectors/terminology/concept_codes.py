"""The codes that a concept accepts: those of its value sets filled in, and a source's local codes added."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from collectors.reading.codes import (
    CodeKey,
    TranslatedCode,
    Translation,
    code_key,
    ignores_dots,
    is_prefix,
    undotted_code,
)
from collectors.terminology.code_set import Codes
from ontology.concepts import AcceptedCode, AcceptedValueSet, Answer, Concept, Origin, ValueType
from ontology.values import Coding


def value_sets_of(concept: Concept) -> tuple[str, ...]:
    """The canonicals of the value sets that define the concept's codes."""
    names = [each.canonical for each in concept.accepted_sets]
    return tuple(dict.fromkeys([*names, concept.only_in] if concept.only_in is not None else names))


def fill_value_sets(concept: Concept, sets: Mapping[str, Codes]) -> Concept:
    """The concept with the codes of its value sets; sets that are not in ``sets`` stay open.

    A code that the concept lists itself keeps its own entry.  The set that limits the concept is applied only once no
    accepted set is open.
    """
    own = {(each.coding.system, each.coding.code) for each in concept.accepted}
    accepted = list(concept.accepted)
    open_sets = []
    for each in concept.accepted_sets:
        codes = sets.get(each.canonical)
        if codes is None:
            open_sets.append(each)
            continue
        fresh = [key for key in codes if key not in own]
        accepted += [_accepted_code(each, key, codes[key]) for key in fresh]
        own.update(fresh)
    only_in = concept.only_in
    if only_in is not None and not open_sets and (limit := sets.get(only_in)) is not None:
        accepted = limit_to_set(accepted, limit)
        only_in = None
    accepted.sort(key=_sort_key)
    return replace(concept, accepted=tuple(accepted), accepted_sets=tuple(open_sets), only_in=only_in)


def _accepted_code(each: AcceptedValueSet, key: CodeKey, display: str | None) -> AcceptedCode:
    return AcceptedCode(
        Coding(*key, display), each.caution, each.needs_unit, each.ever, each.rank, each.asserts, of_set=True
    )


def limit_to_set(accepted: Iterable[AcceptedCode], limit: Codes) -> list[AcceptedCode]:
    """The accepted codes that are in a set; for a prefix (``I48*``), the codes of the set that begin with it."""
    by_system: dict[str, list[tuple[str, str]]] = {}
    for system, code in limit:
        by_system.setdefault(system, []).append((undotted_code(code) if ignores_dots(system) else code, code))
    found: dict[CodeKey, AcceptedCode] = {}
    for each in accepted:
        system, wanted = each.coding.system, each.coding.code
        prefix = is_prefix(each.coding)
        compared = undotted_code(wanted.removesuffix("*")) if prefix or ignores_dots(system) else wanted
        for plain, code in by_system.get(system, ()):
            if undotted_code(plain).startswith(compared) if prefix else plain == compared:
                limited = replace(each, coding=Coding(system, code, limit[system, code] or each.coding.display))
                current = found.setdefault((system, code), limited)
                if limited.rank < current.rank:
                    found[system, code] = limited
    return list(found.values())


def with_rivals(concepts: Mapping[str, Concept]) -> dict[str, Concept]:
    """The concepts by id, each observed quantity with the codes of those that no value can be of as well.

    Two quantities are disjoint unless they have an accepted code in common: then one is a part of the other, or both
    are read from one record on purpose.  A code that is a panel of the concept holds it, and is no rival.
    """
    codes = {
        each.id: {code_key(accepted.coding.system, accepted.coding.code) for accepted in each.accepted}
        for each in concepts.values()
        if each.origin is Origin.OBSERVATION and each.value_type is ValueType.QUANTITY
    }
    found = dict(concepts)
    for name, own in codes.items():
        concept = concepts[name]
        panels = {code_key(each.system, each.code) for each in concept.panels}
        rivals = {
            key: concepts[other].display
            for other, theirs in codes.items()
            if own.isdisjoint(theirs)
            for key in theirs
            if key not in panels
        }
        found[name] = replace(concept, rivals=rivals)
    return found


def add_local_codes(concept: Concept, translation: Translation) -> Concept:
    """The concept as a source has it: with the local codes that the source's maps translate to its own codes."""
    if not translation:
        return concept
    accepted = list(concept.accepted)
    for each in concept.accepted:
        accepted += (
            _local_codes_by_prefix(each, translation) if is_prefix(each.coding) else _local_codes(each, translation)
        )
    panels = list(concept.panels)
    for panel in concept.panels:
        for local in translation.local_codes([(panel.system, panel.code)]):
            if not _translation_target(translation, local, (panel.system, panel.code)).wider:
                panels.append(Coding(*local, panel.display))
    accepted.sort(key=_sort_key)
    return replace(
        concept,
        accepted=tuple(accepted),
        panels=tuple(sorted(set(panels), key=str)),
        answers=(*concept.answers, *_local_answers(concept, translation)),
    )


def _local_codes(each: AcceptedCode, translation: Translation) -> list[AcceptedCode]:
    key = (each.coding.system, each.coding.code)
    return [_translated_code(each, local, key, translation) for local in translation.local_codes([key])]


def _local_codes_by_prefix(each: AcceptedCode, translation: Translation) -> list[AcceptedCode]:
    """The local codes mapped to a code with this prefix; and, for systems that a fallback maps to the same codes, the
    prefix itself in that system, without the codes that are mapped explicitly."""
    system, start = each.coding.system, undotted_code(each.coding.code.removesuffix("*"))
    found = [
        _translated_code(each, local, target.key, translation)
        for local, targets in translation.targets.items()
        for target in targets
        if target.key[0] == system and undotted_code(target.key[1]).startswith(start)
    ]
    for local_system, fallbacks in translation.fallbacks.items():
        for fallback in fallbacks:
            if fallback.target == system and not fallback.fixed:
                mapped = {code for there, code in translation.targets if there == local_system} | fallback.listed_codes
                text = f"a code of {local_system} was read as the same of {system}, by ConceptMap {fallback.map}"
                found.append(
                    replace(
                        each,
                        coding=Coding(local_system, each.coding.code, each.coding.display),
                        caution=_join_cautions(each.caution, text),
                        translated=True,
                        excluded=frozenset(mapped),
                    )
                )
    return found


def _translated_code(each: AcceptedCode, local: CodeKey, key: CodeKey, translation: Translation) -> AcceptedCode:
    text = _translation_target(translation, local, key).describe(local)
    coding = Coding(*local, each.coding.display)
    return replace(each, coding=coding, caution=_join_cautions(each.caution, text), translated=True)


def _translation_target(translation: Translation, local: CodeKey, key: CodeKey) -> TranslatedCode:
    return next(each for each in translation.translate(*local) if code_key(*each.key) == code_key(*key))


def _join_cautions(caution: str | None, text: str) -> str:
    return text if caution is None else f"{caution}; {text}"


def _local_answers(concept: Concept, translation: Translation) -> list[Answer]:
    """The local answers, without those that would have two meanings."""
    known: dict[CodeKey, Coding | bool] = {}
    for answer in concept.answers:
        known[answer.recorded.system, answer.recorded.code] = answer.means
        if isinstance(answer.means, Coding):
            known.setdefault((answer.means.system, answer.means.code), answer.means)
    found: dict[CodeKey, list[Answer]] = {}
    for key, means in known.items():
        for local in translation.local_codes([key]):
            if local not in known:
                note = _translation_target(translation, local, key).describe(local)
                found.setdefault(local, []).append(Answer(Coding(*local), means, note))
    return [answers[0] for answers in found.values() if all(each.means == answers[0].means for each in answers)]


def _sort_key(accepted: AcceptedCode) -> tuple[int, str, str]:
    return accepted.rank, accepted.coding.system, accepted.coding.code

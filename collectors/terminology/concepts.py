"""Concepts and sets of codes: a concept with its value sets filled in, and as one source's local codes have it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from collectors.reading.codes import Key, code_key, is_prefix, plain_code, undotted
from collectors.reading.translation import Translated, Translation
from collectors.terminology.codeset import Codes
from ontology.concepts import Accepted, AcceptedSet, Answer, Concept
from ontology.values import Coding


def sets_of(concept: Concept) -> tuple[str, ...]:
    """The value sets (canonicals) without which the concept's codes are not known."""
    names = [each.canonical for each in concept.accepted_sets]
    return tuple(dict.fromkeys([*names, concept.only_in] if concept.only_in is not None else names))


def filled(concept: Concept, sets: Mapping[str, Codes]) -> Concept:
    """The concept with the codes of its value sets; those that are not in ``sets`` stay to be worked out.

    A code that the concept accepts by itself keeps what is said of it there.  A set that limits the concept is applied
    only once all that is accepted is known.
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
        accepted += [_accepted(each, key, codes[key]) for key in fresh]
        own.update(fresh)
    only_in = concept.only_in
    if only_in is not None and not open_sets and (limit := sets.get(only_in)) is not None:
        accepted = limited(accepted, limit)
        only_in = None
    accepted.sort(key=_order)
    return replace(concept, accepted=tuple(accepted), accepted_sets=tuple(open_sets), only_in=only_in)


def _accepted(each: AcceptedSet, key: Key, display: str | None) -> Accepted:
    return Accepted(Coding(*key, display), each.caution, each.needs_unit, each.ever, each.rank, each.asserts)


def limited(accepted: Iterable[Accepted], limit: Codes) -> list[Accepted]:
    """Of what is accepted only what is in a set; of a code that ends in * those of the set that begin with it."""
    by_system: dict[str, list[tuple[str, str]]] = {}
    for system, code in limit:
        by_system.setdefault(system, []).append((plain_code(code) if undotted(system) else code, code))
    found: dict[Key, Accepted] = {}
    for each in accepted:
        system, wanted = each.coding.system, each.coding.code
        prefix = is_prefix(each.coding)
        compared = plain_code(wanted.removesuffix("*")) if prefix or undotted(system) else wanted
        for plain, code in by_system.get(system, ()):
            if plain_code(plain).startswith(compared) if prefix else plain == compared:
                met = replace(each, coding=Coding(system, code, limit[system, code] or each.coding.display))
                held = found.setdefault((system, code), met)
                if met.rank < held.rank:
                    found[system, code] = met
    return list(found.values())


def localised(concept: Concept, translation: Translation) -> Concept:
    """The concept as a source has it: accepting, beside its own codes, those that the source's maps read as them."""
    if not translation:
        return concept
    accepted = list(concept.accepted)
    for each in concept.accepted:
        accepted += _prefixed(each, translation) if is_prefix(each.coding) else _local(each, translation)
    panels = list(concept.panels)
    for panel in concept.panels:
        for local in translation.local([(panel.system, panel.code)]):
            if not _target(translation, local, (panel.system, panel.code)).wider:
                panels.append(Coding(*local, panel.display))
    accepted.sort(key=_order)
    return replace(
        concept,
        accepted=tuple(accepted),
        panels=tuple(sorted(set(panels), key=str)),
        answers=(*concept.answers, *_answers(concept, translation)),
    )


def _local(each: Accepted, translation: Translation) -> list[Accepted]:
    key = (each.coding.system, each.coding.code)
    return [_told(each, local, key, translation) for local in translation.local([key])]


def _prefixed(each: Accepted, translation: Translation) -> list[Accepted]:
    """Local codes that are mapped to one that begins so; and where a whole system is said to have the same codes, the
    beginning itself, but for the codes that are mapped otherwise."""
    system, start = each.coding.system, plain_code(each.coding.code.removesuffix("*"))
    found = [
        _told(each, local, target.key, translation)
        for local, targets in translation.targets.items()
        for target in targets
        if target.key[0] == system and plain_code(target.key[1]).startswith(start)
    ]
    for local_system, fallbacks in translation.systems.items():
        for fallback in fallbacks:
            if fallback.target == system and not fallback.fixed:
                mapped = {code for there, code in translation.targets if there == local_system} | fallback.listed
                text = f"a code of {local_system} was read as the same of {system}, by ConceptMap {fallback.map}"
                found.append(
                    replace(
                        each,
                        coding=Coding(local_system, each.coding.code, each.coding.display),
                        caution=_joined(each.caution, text),
                        translated=True,
                        but=frozenset(mapped),
                    )
                )
    return found


def _told(each: Accepted, local: Key, key: Key, translation: Translation) -> Accepted:
    text = _target(translation, local, key).told(local)
    coding = Coding(*local, each.coding.display)
    return replace(each, coding=coding, caution=_joined(each.caution, text), translated=True)


def _target(translation: Translation, local: Key, key: Key) -> Translated:
    return next(each for each in translation.of(*local) if code_key(*each.key) == code_key(*key))


def _joined(caution: str | None, text: str) -> str:
    return text if caution is None else f"{caution}; {text}"


def _answers(concept: Concept, translation: Translation) -> list[Answer]:
    """Local answers, but for those that would mean two things."""
    known: dict[Key, Coding | bool] = {}
    for answer in concept.answers:
        known[answer.recorded.system, answer.recorded.code] = answer.means
        if isinstance(answer.means, Coding):
            known.setdefault((answer.means.system, answer.means.code), answer.means)
    found: dict[Key, list[Answer]] = {}
    for key, means in known.items():
        for local in translation.local([key]):
            if local not in known:
                note = _target(translation, local, key).told(local)
                found.setdefault(local, []).append(Answer(Coding(*local), means, note))
    return [answers[0] for answers in found.values() if all(each.means == answers[0].means for each in answers)]


def _order(accepted: Accepted) -> tuple[int, str, str]:
    return accepted.rank, accepted.coding.system, accepted.coding.code

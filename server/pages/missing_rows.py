"""What an answer lacks: what was looked for and not found, what was not retrieved, and what leaves its value open."""

from dataclasses import dataclass

from ontology.values import Absent
from ontology.words.lists import begin_small, list_words
from server.explain.results import AnswerResult, GroundView, Status, StepView
from server.pages.ground_rows import leaves
from server.pages.not_retrieved import was_not_retrieved


@dataclass(frozen=True, slots=True)
class MissingRow:
    """Inputs that were looked for and have no value, for one reason; ``role``: what they are needed for.

    ``retrieved``: False where their search was not answered.
    """

    reason: str
    names: tuple[str, ...]
    role: str
    retrieved: bool


def missing_rows(result: AnswerResult) -> list[MissingRow]:
    """What has no value, by reason and role; each input once, where it matters most."""
    roles: dict[str, tuple[str, str, bool]] = {}
    for ground, step in leaves(result):
        if not isinstance(ground.value, Absent) or ground.presumed is not None or ground.input.comparison:
            continue
        name, role = ground.concept.display, _role(ground, step, result)
        known = roles.get(name)
        if known is None or _ROLES.index(role) < _ROLES.index(known[1]):
            roles[name] = (ground.absence_reason or "no value", role, not was_not_retrieved(ground))
    grouped: dict[tuple[str, str, bool], list[str]] = {}
    for name, key in sorted(roles.items(), key=lambda item: _ROLES.index(item[1][1])):
        grouped.setdefault(key, []).append(name)
    return [MissingRow(reason, tuple(names), role, found) for (reason, role, found), names in grouped.items()]


_REQUIRED, _WHOM = "needed for a value", "decides whether it applies"
_ONE_WAY, _EXACTER, _OPTIONAL = "one way to a value", "would make it more exact", "optional"
_ROLES = (_REQUIRED, _ONE_WAY, _WHOM, _EXACTER, _OPTIONAL)


def _role(ground: GroundView, step: StepView | None, result: AnswerResult) -> str:
    """What an input is needed for.  Of several that a step can do with, none is needed once it has a value."""
    if ground.input.applicability_only:
        return _WHOM
    if ground.input.required or step is None:
        return _REQUIRED
    if isinstance(step.value, Absent):
        return _ONE_WAY
    return _EXACTER if step is result.step and result.status is Status.PARTIAL else _OPTIONAL


_MOST_UNKNOWN = 4


def unknown_inputs(result: AnswerResult) -> list[str]:
    """What leaves a value open, in sentences: its own inputs that are not known, and those taken as no.

    Of those that decide whom the module is for nothing: these are cautions.  Empty of any value but a partial one.
    """
    if result.status is not Status.PARTIAL or result.step is None:
        return []
    own = [each for each in result.step.grounds if not (each.input.applicability_only or each.input.comparison)]
    absent = [each for each in own if isinstance(each.value, Absent) and each.presumed is None]
    needed = [each for each in absent if each.input.required] or absent
    parts = (
        ("Not known", [each for each in needed if each.bounds is None]),
        ("Known within limits only", [each for each in needed if each.bounds is not None]),
        ("On no list, and taken as no", [each for each in own if each.presumed is not None]),
    )
    return [f"{begin}: {_names(found)}." for begin, found in parts if found]


def _names(grounds: list[GroundView]) -> str:
    names = list(dict.fromkeys(begin_small(each.concept.display) for each in grounds))
    more = len(names) - _MOST_UNKNOWN
    return list_words([*names[:_MOST_UNKNOWN], *([f"{more} more"] if more > 0 else [])])

"""What a result means, by the bands that its module's source gives, the remarks that its description adds, and which
unknowns could change it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ontology.concepts import Origin
from ontology.evaluation import Evaluation, Issue, Severity, SlotInput
from ontology.slots import Slot
from ontology.values import Absent, AbsentReason, Coding, Value
from ontology.words.lists import is_short, list_words, short_list, shortened
from server.catalog.criteria import Applicability, Criterion, Outcome
from server.catalog.descriptions import Description, Kind
from server.kinds.logic import Verdict, all_of, is_unread, judge, judge_optional, slots_of, unknown_slots
from server.kinds.rule import NO_CASE
from server.kinds.score import judge_single_criterion, score_criterion

RESULT = "result"


def with_result(inputs: Mapping[str, SlotInput], evaluation: Evaluation) -> dict[str, SlotInput]:
    """The inputs, and the result under its pseudo-slot.

    A value that has bounds is only the least that the result can be, so the bounds stand for it.
    """
    if evaluation.bounds is not None:
        result = SlotInput(Absent(AbsentReason.INPUT_ABSENT), evaluation.bounds)
    else:
        result = SlotInput(evaluation.value)
    return {**inputs, RESULT: result}


def interpret(description: Description, inputs: Mapping[str, SlotInput], evaluation: Evaluation) -> Outcome | None:
    """The first band that is known to hold; None where it cannot be determined, or there is no result.

    An earlier band that might hold as well leaves it open, unless it means the same (has the same code).  A value with
    a confidence interval is of a band only if all of the interval is.
    """
    if isinstance(evaluation.value, Absent) and evaluation.bounds is None:
        return None
    known = with_result(inputs, evaluation)
    if evaluation.interval is not None and evaluation.bounds is None:
        known[RESULT] = SlotInput(Absent(AbsentReason.INPUT_ABSENT), evaluation.interval)
    open_codes: set[Coding] = set()
    for outcome in description.outcomes:
        verdict = judge_outcome(description, outcome, known)
        if verdict is True:
            return outcome if open_codes <= {outcome.coding} else None
        if verdict is None:
            open_codes.add(outcome.coding)
    return None


def judge_outcome(description: Description, outcome: Outcome, known: Mapping[str, SlotInput]) -> Verdict:
    """Whether the band holds; ``known``: the inputs, and the result under its pseudo-slot (``with_result``)."""
    verdicts = [judge_optional(outcome.match, known), judge_optional(outcome.when, known)]
    if outcome.single is not None:
        verdicts.append(judge_single_criterion(description, known, outcome.single))
    return all_of(verdicts)


def with_remarks(description: Description, inputs: Mapping[str, SlotInput], evaluation: Evaluation) -> Evaluation:
    """The evaluation with the remarks that hold: as issues, or as qualifiers of the claim.

    Criteria may read the pseudo-slot ``result``.  A remark whose criterion is unknown is made only if it says so.
    A rule of which no case is met, and which warns of what it read, has not found that it does not hold: what is
    recorded contradicts itself.
    """
    known = with_result(inputs, evaluation)
    issues: list[Issue] = []
    qualifiers = [evaluation.working.qualifier] if evaluation.working.qualifier else []
    for remark in description.remarks:
        verdict = judge_optional(remark.criterion, known)
        if verdict is False or (verdict is None and not remark.on_unknown):
            continue
        if remark.qualifier:
            qualifiers.append(remark.text)
        else:
            short = remark.short or shortened(remark.text)
            issues.append(Issue(Severity(remark.severity), remark.code, remark.text, short=short))
    if not issues and not qualifiers:
        return evaluation
    working = replace(evaluation.working, qualifier="; ".join(qualifiers) or None)
    own = evaluation.issues
    if any(i.code == NO_CASE for i in own) and any(i.severity is Severity.WARNING for i in issues):
        own = tuple(i for i in own if i.code != NO_CASE)
        evaluation = replace(evaluation, value=Absent(AbsentReason.CONFLICTING))
    return replace(evaluation, working=working, issues=(*own, *issues))


@dataclass(frozen=True, slots=True)
class OpenGround:
    """A ground of applicability that is neither known nor excluded, and the slots that leave it open."""

    ground: Applicability
    slots: tuple[str, ...]


def open_grounds(
    description: Description, inputs: Mapping[str, SlotInput], evaluation: Evaluation | None = None
) -> tuple[OpenGround, ...]:
    """The grounds of which it must be said that they are unknown.  ``evaluation``: the result, once there is one.

    Left out is what cannot change the result: all where a module is refused; whom a ground cannot concern
    (``only_where``), of whom it is not recorded; and, without a value or limits of one, grounds for caution, and what
    only the missing input itself leaves open.
    """
    if any(ground.refuse and judge(ground.criterion, inputs) for ground in description.applicability):
        return ()
    lacks_result = evaluation is not None and not has_result(evaluation)
    found = []
    for ground in description.applicability:
        slots = _open_slots_of(description, ground, inputs, inputs)
        missing = lacks_result and all(_is_missing_input(_slot(description, name), inputs[name]) for name in slots)
        if slots and not (missing or (lacks_result and not ground.refuse)):
            found.append(OpenGround(ground, slots))
    return tuple(found)


def reported_grounds(description: Description, inputs: Mapping[str, SlotInput]) -> Iterator[Applicability]:
    """The grounds but for those of which one that says more is known to hold."""
    for each in description.applicability:
        if each.unless is None or judge(each.unless, inputs) is not True:
            yield each


def known_cautions(description: Description, inputs: Mapping[str, SlotInput]) -> tuple[Applicability, ...]:
    """The grounds for caution that are known to hold, by a record or as computed."""
    grounds = reported_grounds(description, inputs)
    return tuple(each for each in grounds if not each.refuse and judge(each.criterion, inputs))


def has_result(evaluation: Evaluation) -> bool:
    """Whether there is a value, limits of one, or a choice of values."""
    possible = any(issue.code in ("combinations", "undecided") for issue in evaluation.issues)
    return possible or not isinstance(evaluation.value, Absent) or evaluation.bounds is not None


def short_ground(ground: Applicability) -> str:
    """A ground of applicability in at most twelve words."""
    return ground.short or shortened(ground.text)


_UNDOCUMENTED, _UNKNOWN = "not documented", "unknown"
_NEGATIONS = ("no ", "not ", "none ", "without ")
_OPENINGS = ("on ", "known ", "a recorded ", "recorded ")
_ENDINGS = (" recorded",)


def _unknown_text(grounds: Iterable[Applicability], why: str, refuse: bool) -> str:
    """``Dialysis: not documented. The answer holds only without it.``; what is itself an absence is named after it."""
    texts = list(dict.fromkeys(ground.text for ground in grounds))
    named = [text for text in texts if not text.startswith(_NEGATIONS)]
    sentences = _named_sentences(named, why, refuse) if named else []
    if negative := [text for text in texts if text.startswith(_NEGATIONS)]:
        follows = "The answer holds only if it is excluded." if refuse else "Caution if so."
        sentences += [f"Not excluded: {'; '.join(negative)}.", follows]
    return " ".join(sentences)


def _short_unknown(grounds: Iterable[Applicability], why: str, refuse: bool) -> str:
    """``dialysis, kidney transplant not documented: holds only without``, as far as that is short.

    What is itself an absence cannot be "not documented": that would be said of its contrary.
    """
    texts = list(dict.fromkeys(map(short_ground, grounds)))
    if any(text.startswith(_NEGATIONS) for text in texts):
        return short_list("not excluded:", texts)
    heads = list(dict.fromkeys(_without_opening(text.partition(": ")[0]) for text in texts))
    heads = [head for head in heads if not any(head.startswith(f"{each},") for each in heads)]
    them = "it" if len(heads) == 1 else "them"
    follows = f"holds only without {them}" if refuse else "caution if present"
    text = f"{list_words(heads)} {why}: {follows}"
    if is_short(text):
        return text
    # What follows matters more than why it is not known, and each name more than both.
    only = f"holds only without: {', '.join(heads)}"
    return only if refuse and is_short(only) else short_list(f"{why}:", heads)


def _named_sentences(texts: list[str], why: str, refuse: bool) -> list[str]:
    """What is open, what follows from it, and the reason of each."""
    parts = [text.partition(": ") for text in texts]
    heads = list(dict.fromkeys(_without_opening(head) for head, _, _ in parts))
    # "Mitral stenosis" has "mitral stenosis, moderate or severe" in it.
    heads = [head for head in heads if not any(head.startswith(f"{each},") for each in heads)]
    names = ("; " if any("," in head for head in heads) else ", ").join(heads)
    lacks = f"{_capitalised(names)}: {why}."
    if len(texts) == 1:
        follows = "The answer holds only without it" if refuse else "Caution if present"
        return [lacks, f"{follows}: {parts[0][2]}." if parts[0][2] else f"{follows}."]
    follows = "The answer holds only if there is none." if refuse else "Caution if present."
    reasons = (f"{_capitalised(_without_opening(head))}: {reason}." for head, _, reason in parts if reason)
    return [lacks, follows, *reasons]


def _without_opening(text: str) -> str:
    """``dialysis`` of ``on dialysis``, ``diabetes`` of ``known diabetes``, ``dementia`` of ``dementia recorded``."""
    text = next((text.removeprefix(each) for each in _OPENINGS if text.startswith(each)), text)
    return next((text.removesuffix(each) for each in _ENDINGS if text.endswith(each)), text)


def _capitalised(text: str) -> str:
    """With a large letter, but for names such as ``eGFR``."""
    return text[0].upper() + text[1:] if text.split(" ", 1)[0].islower() else text


def unknown_issues(
    grounds: Iterable[OpenGround],
    inputs: Mapping[str, SlotInput],
    unread: Callable[[str], bool],
    undecided: Callable[[str], bool] = lambda _: False,
) -> tuple[Issue, ...]:
    """What could not be excluded, one issue ``applicability-unknown`` for each severity and reason.

    ``undecided``: whether something is on record that is neither a yes nor a no; "not recorded" is not said then.

    INFORMATION where a ground for caution is not recorded; WARNING where it may be recorded and is ``unread`` (failed,
    forbidden, unreadable), and for each ground to refuse.
    """
    groups: dict[tuple[bool, Severity, str], list[Applicability]] = {}
    for each in grounds:
        values = [inputs[name].value for name in each.slots]
        unrecorded = all(value == Absent(AbsentReason.NOT_FOUND) for value in values)
        why = _UNDOCUMENTED if unrecorded and not any(map(undecided, each.slots)) else _UNKNOWN
        warns = each.ground.refuse or any(unread(name) for name in each.slots)
        severity = Severity.WARNING if warns else Severity.INFORMATION
        groups.setdefault((not each.ground.refuse, severity, why), []).append(each.ground)
    ordered = sorted(groups.items(), key=lambda item: (item[0][0], item[0][1] is Severity.INFORMATION))
    return tuple(
        Issue(
            severity,
            "applicability-unknown",
            _unknown_text(group, why, refuse=not cautions),
            short=_short_unknown(group, why, refuse=not cautions),
        )
        for (cautions, severity, why), group in ordered
    )


def _open_slots_of(
    description: Description, ground: Applicability, inputs: Mapping[str, SlotInput], recorded: Mapping[str, SlotInput]
) -> tuple[str, ...]:
    """The slots that leave a ground open; ``recorded``: the inputs as they are, if some of ``inputs`` are withheld."""
    if ground.unless is not None and judge(ground.unless, inputs):
        return ()
    slots = unknown_slots(ground.criterion, inputs)
    slots = tuple(name for name in slots if not is_left_to_series(_slot(description, name), recorded[name].value))
    if not slots or ground.only_where is None:
        return slots
    concerned = judge(ground.only_where, inputs)
    # Recorded, it counts whoever it is of, though something else (an age) may leave the ground open.
    on_record = any(recorded[name].value is True for name in slots_of(ground.criterion))
    if concerned is False and not on_record and not any(is_unread(recorded, name) for name in slots):
        return ()
    return slots if concerned is not None else (*slots, *unknown_slots(ground.only_where, inputs))


def _slot(description: Description, name: str) -> Slot:
    return next(slot for slot in description.slots if slot.name == name)


def is_left_to_series(slot: Slot, value: Value) -> bool:
    """Whether a computed input is not asked at a point of a series, but by what reads the series."""
    computed = slot.current_only and slot.concept.origin is Origin.COMPUTED
    return computed and value == Absent(AbsentReason.NOT_QUERIED)


def _is_missing_input(slot: Slot, consumed: SlotInput) -> bool:
    """Whether nothing is known of an input that the value itself needs: reported for itself."""
    supports = not (slot.applicability_only or slot.comparison)
    return supports and isinstance(consumed.value, Absent) and consumed.bounds is None


_WITHHELD = SlotInput(Absent(AbsentReason.UNREACHABLE))


def irrelevant_slots(
    description: Description, inputs: Mapping[str, SlotInput], evaluation: Evaluation, candidates: Iterable[str]
) -> frozenset[str]:
    """Those of ``candidates`` that cannot change the result: its value, band, remarks or applicability.

    Sound: with all of them unknown at once, three-valued logic still decides all that the others decide.
    """
    found: frozenset[str] = frozenset()
    free = [name for name in candidates if _may_be_irrelevant(description, name, inputs)]
    # What is absent first: there is most to say of it.
    for name in sorted(free, key=lambda each: not isinstance(inputs[each].value, Absent)):
        withheld = found | {name}
        known = {**inputs, **dict.fromkeys(withheld, _WITHHELD)}
        if withheld.isdisjoint(_open_in_result(description, known, inputs, evaluation)):
            found = withheld
    return found


def _may_be_irrelevant(description: Description, name: str, inputs: Mapping[str, SlotInput]) -> bool:
    """Whether an input can be without effect on the value; one of a time or specimen with others decides on these."""
    if any(ground.refuse and judge(ground.criterion, inputs) for ground in description.applicability):
        return True
    slot = _slot(description, name)
    if description.within is not None and name in description.within.slots:
        return False
    specimen = description.one_specimen
    if specimen is not None and name in (specimen.result, *specimen.parts):
        return False
    if description.kind in (Kind.SCORE, Kind.RULE):
        return not slot.required or slot.applicability_only
    # What is held against the "no" of a list decides the number, where that is presumed or might be.
    against = [each.slot for each in description.contradictions if each.criterion.slot == name]
    return slot.applicability_only and not any(isinstance(inputs[each].value, Absent) for each in against)


def _open_in_result(
    description: Description,
    known: Mapping[str, SlotInput],
    recorded: Mapping[str, SlotInput],
    evaluation: Evaluation,
) -> Iterator[str]:
    """The slots that leave something of the result open; ``known``: the inputs, with those in question withheld."""
    refusing = [g.criterion for g in description.applicability if g.refuse and judge(g.criterion, recorded)]
    if refusing:
        for criterion in refusing:
            yield from unknown_slots(criterion, known)
        return
    result = has_result(evaluation)
    for ground in description.applicability:
        if ground.refuse or result:
            yield from _open_slots_of(description, ground, known, recorded)
    read = with_result(known, evaluation)
    for remark in description.remarks:
        yield from unknown_slots(remark.criterion, read)
    for outcome in description.outcomes if result else ():
        yield from (*unknown_slots(outcome.match, read), *unknown_slots(outcome.when, read))
    for part in description.criteria:
        if len(score_criterion(part, known).points) > 1:
            yield from _open_in(known, *(each for band in part.bands for each in (band.match, band.when)))
    if description.cases and not _is_decided(description, known):
        yield from _open_in(known, *(case.when for case in description.cases))


def _open_in(known: Mapping[str, SlotInput], *criteria: Criterion | None) -> Iterator[str]:
    for criterion in criteria:
        yield from unknown_slots(criterion, known)


def _is_decided(description: Description, known: Mapping[str, SlotInput]) -> bool:
    """Whether one output of the rule is the only possible one, or it is known that no case is met."""
    outputs = set()
    for case in description.cases:
        verdict = judge_optional(case.when, known)
        if verdict is not False:
            outputs.add(case.output)
        if verdict is True:
            return len(outputs) == 1
    return not outputs

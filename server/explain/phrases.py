"""Phrases of results and inputs, shared by the plain text and the FHIR notes: meaning, times, maturity, absence."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, time
from decimal import Decimal
from typing import TypeAlias

from ontology.evaluation import Issue, Severity, Standing
from ontology.values import Absent
from ontology.words import PLAIN, Style
from ontology.words.absence import absence_words
from ontology.words.lists import begin_small, count_words, is_short, list_words, short_list, shortened, truncated_list
from ontology.words.quantities import number_words
from ontology.words.time import duration_words, is_dated_to_day, time_words
from server.catalog.descriptions import Description
from server.executor.trace import BoundInput
from server.explain.results import AnswerResult, Contributions, MissingInput

USED_IN_CARE = "clinical"
_LEAST_SHARE = Decimal("0.03")
_MOST_NAMED = 10
_MATURITY_TEXTS = {
    "demonstration": "demonstration only, not for clinical use",
    "research": "for research, not for clinical use",
    USED_IN_CARE: "for clinical use within the limits of its card",
}


def describe_absence(given: BoundInput, style: Style = PLAIN) -> str:
    """Why an input that is absent is so, with what is known of its slot (ValueError where it is not absent)."""
    if not isinstance(given.value, Absent):
        raise ValueError("the input is not absent")
    codes = {issue.code for issue in given.issues}
    return absence_words(
        given.slot,
        given.value.reason,
        assumed=given.assumed,
        not_together="not-within" in codes,
        negated="negated" in codes,
        probable="probable" in codes,
        unread="codes-unreadable" in codes,
        style=style,
    )


_MOST_REASONS = 3
_MOST_SHORT = 3
_VITAL_SIGNS = frozenset(
    {
        "Body temperature",
        "Diastolic blood pressure",
        "Heart rate",
        "Level of consciousness",
        "Oxygen saturation",
        "Oxygen therapy",
        "Respiratory rate",
        "Systolic blood pressure",
    }
)
"""What a set of vital signs has, by the names of the concepts."""


NOT_APPLICABLE_PREFIX = "does not apply"
"""How the reason of an input begins whose module does not apply."""


def missing_reasons(missing: Iterable[MissingInput], short: bool = False) -> Iterator[str]:
    """Why there is no value: ``no vital signs in the last 24 hours``.  ``short``: at most three reasons and names.

    What failed, was forbidden or cannot be read comes first, and is never counted instead of named.  Of what is
    no number, "no X" would say that it is not so.
    """
    found = _longest_windows(missing)
    reasons: list[tuple[str, int]] = []
    for why in dict.fromkeys(each.why for each in found if not (each.unmeasured or each.undocumented)):
        names = [each.name for each in found if each.why == why]
        refusal = NOT_APPLICABLE_PREFIX if why.startswith(NOT_APPLICABLE_PREFIX) else ""
        verb = refusal if len(names) == 1 else refusal.replace("does", "do")
        listed, rest = _named(names, short), why.removeprefix(refusal)
        if all(begin_small(name) in why for name in names):
            # "Exact age unknown" names it.
            reasons.append((why, len(names)))
            continue
        # A claim has a colon before its reasons.
        reason = f"{listed} {verb}{rest}" if refusal else f"{listed}: {why}" if short else f"{listed} ({why})"
        reasons.append((reason, len(names)))
    unreadable = len(reasons)
    named = {each.name for each in found if not (each.unmeasured or each.undocumented)} & _VITAL_SIGNS
    plain = [each for each in found if each.unmeasured or each.undocumented]
    for window in dict.fromkeys(each.window for each in plain):
        within = f" in the last {duration_words(window)}" if window is not None else ""
        here = [each for each in plain if each.window == window]
        if len(here) + len(named) >= len(_VITAL_SIGNS) - 1 and all(each.name in _VITAL_SIGNS for each in here):
            reasons.append((f"no {'other ' if named else ''}vital signs{within}", len(here)))
            continue
        measured = [each.name for each in here if each.unmeasured]
        others = [each.name for each in here if each.undocumented]
        if measured:
            reasons.append((f"no {_named(measured, short, 'or')}{within or ' on record'}", len(measured)))
        if others:
            reasons.append((f"{_named(others, short)} not documented{within}", len(others)))
    few = not short or len(reasons) <= _MOST_REASONS
    most = len(reasons) if few else max(unreadable, _MOST_REASONS - 1)
    yield from (words for words, _ in reasons[:most])
    if uncounted := sum(count for _, count in reasons[most:]):
        yield f"{count_words(uncounted, 'more input')} missing"


def _longest_windows(missing: Iterable[MissingInput]) -> tuple[MissingInput, ...]:
    """Each name once where nothing was recorded of it: what is not there in three years is not there in one."""
    found: dict[tuple[str, bool], MissingInput] = {}
    others = []
    for each in missing:
        if not (each.unmeasured or each.undocumented):
            others.append(each)
            continue
        key = (each.name, each.unmeasured)
        known = found.get(key)
        if known is None or (known.window is not None and (each.window is None or each.window > known.window)):
            found[key] = each
    return (*others, *found.values())


def _named(names: Iterable[str], short: bool, last: str = "and") -> str:
    listed = list(dict.fromkeys(map(begin_small, names)))
    # One more is as short by its name.
    return truncated_list(listed, _MOST_SHORT) if short and len(listed) > _MOST_SHORT + 1 else list_words(listed, last)


SHORT_TEXTS: Mapping[str, str] = {
    # Missing, of an input that is named.
    "not-found": "{name}: no record",
    "stale": "{name}: only older values",
    "not-recorded": "{name}: not documented",
    "closed-world": "{name}: not documented, counted as no",
    "incomplete": "{name}: not documented; the records are incomplete",
    "codes-unreadable": "{name}: not documented; some entries are not understood",
    "probable": "{name}: probably recorded, not certain",
    "no-from-list": "{name}: not on a list that is kept",
    "list-not-reconciled": "{name}: not on its list, which may be incomplete",
    "list-contradicted": "{name}: not on its list, but something contradicts",
    "perhaps-over": "{name}: recorded, perhaps no longer current",
    "beyond-supply": "{name}: beyond what was supplied",
    "negated": "{name}: recorded as absent",
    "over": "{name}: recorded as over",
    "doubted": "{name}: recorded, not confirmed",
    "unreachable": "{name}: could not be retrieved",
    "not-permitted": "{name}: the source does not permit reading",
    "not-queried": "{name}: not searched",
    "not-set": "{name}: not set for this site",
    "not-within": "{name}: not measured together with the others",
    "input-absent": "{name}: missing",
    "points-left-out": "{name}: some values could not be computed",
    # How records were read, of an input that is named.
    "recorded-unknown": "{name}: recorded as unknown",
    "unconvertible": "{name}: recorded, cannot be read",
    "implausible": "{name}: implausible value recorded",
    "bound-not-usable": "{name}: only a limit is reported",
    "outside-validated-range": "{name}: outside the validated range",
    "conflicting": "{name}: conflicting values",
    "contradicted": "{name}: another record differs",
    "other-record": "{name}: another record differs",
    "left-out": "{name}: unusable records left out",
    "stepped-back": "{name}: newest record unusable, older value used",
    "undated": "{name}: undated records left out",
    "uncounted": "{name}: records that do not count left out",
    "time-imprecise": "{name}: time too imprecise",
    "not-yet-issued": "{name}: not yet reported at that time",
    "order-uncertain": "{name}: newest record uncertain",
    "preliminary": "{name}: preliminary",
    "pending": "{name}: a result is pending",
    "code-caution": "{name}: caution about its code",
    "another-measurement": "{name}: a record of something else left out",
    "answer-translated": "{name}: answer in a local code, translated",
    "device": "{name}: measuring device in doubt",
    "part-missing": "{name}: not all records were retrieved",
    "assumption": "{name}: assumed, not recorded",
    "site-setting": "{name}: set for this site",
    "administrative-gender": "administrative gender used as sex for clinical use",
    # The question, its sources, and the patient's identity.
    "source-unreachable": "records missing: source unreachable",
    "source-refused": "records missing: source refused access",
    "scope-missing": "records missing: not permitted to this app",
    "source-incomplete": "records missing: source returned only a part",
    "source-version": "source not asked: other version of FHIR",
    "not-offered": "source does not offer this type of record",
    "not-handed-in": "records neither supplied nor retrieved",
    "used-again": "records retrieved earlier were used again",
    "parameters-ignored": "source ignored a part of the search",
    "search-remark": "remark by the source about the search",
    "assumption-unused": "an assumption has no effect",
    "not-joined": "another source was not asked or not used",
    "not-known-there": "another source does not know the patient",
    "linked-patient": "another record of this patient was included",
    "replaced-patient": "the patient's record was replaced by another",
    "linked-patient-missing": "a linked record of this patient does not exist",
    "link-outside": "a link of the patient leads to no configured source",
    "wrong-subject": "records of another patient, or of none, left out",
    "unreadable-record": "an unreadable record was left out",
    "invalid-record": "an invalid record was left out",
    "withdrawn": "a withdrawn or replaced record was left out",
    "death": "the patient has died: answer as of then",
    "death-undated": "a death is recorded without a date",
    "death-contradicted": "conflicting dates of death",
    # Modules, where their own text is long.
    "no-case": "no case of the rule is met",
    "undetermined": "missing inputs could change the total",
    "combinations": "result depends on what is missing",
    "too-few-measured": "too few inputs are known",
    "model-fault": "the trained model cannot be used",
    "failed": "the computation failed",
    "out-of-distribution": "{name}: outside the training data",
    "in-the-tail": "{name}: rare in the training data",
    "unseen-value": "{name}: not seen in the training data",
    "bound-not-used": "{name}: only a limit is known, not used",
    "recorded-together": "{name}: beyond what the training data distinguish",
    "disagrees-with-recorded": "differs from the value that the laboratory recorded",
    "partial-birth-date": "birth date is incomplete: age is a range",
    "sex-undetermined": "sex unknown: the equation needs female or male",
}
"""Issues by code in at most twelve words; ``name`` is what fills the slot.  Others are shortened from their text."""
_OF_NAME = "{name}: "
_JOINED_CODES = frozenset({"not-found", "not-recorded", "closed-world"})
_BY_WINDOW = "not-found"
_NOT_DOCUMENTED = " not documented"


def joined_texts(result: AnswerResult) -> tuple[str, ...]:
    """The texts of the issues of a result; what was looked for and not found is one sentence for all inputs."""
    return tuple(dict.fromkeys(issue.text for issue in joined_issues(result, result.issues)))


def joined_issues(result: AnswerResult, issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """Issues of a result; what was looked for and not found is one for all inputs, in one sentence.

    ``No record of statin, diabetes mellitus or current smoking; this does not rule them out.``
    ``No heart rate or body temperature in the last 24 hours; no body height in the last 10 years.``
    """
    grounds = [ground for step in result.chain for ground in step.grounds]
    grounds += [result.leaf] if result.leaf is not None else []
    names = {ground.slot: ground.concept.display for ground in grounds}
    found: dict[object, list[_Named]] = {}
    for issue in issues:
        named = _named_in(issue, names.get(issue.slot or ""))
        key = issue if named is None else issue.code if issue.code == _BY_WINDOW else (issue.code, named[2], named[3])
        found.setdefault(key, []).append(named or (issue, "", "", ""))
    return tuple(_joined(each) for each in found.values())


_Named: TypeAlias = tuple[Issue, str, str, str]
"""An issue with the name of its input, and what its text has before and after that."""


def _named_in(issue: Issue, display: str | None) -> _Named | None:
    """The parts of a text that only says that an input was not found; None of others."""
    if issue.code not in _JOINED_CODES or display is None:
        return None
    name = begin_small(display)
    if issue.text.startswith(f"{display}{_NOT_DOCUMENTED}"):
        return issue, name, "", issue.text.removeprefix(display)
    before, found, after = issue.text.partition(name)
    plain = found and (before == "No " and ";" not in after if issue.code == _BY_WINDOW else True)
    return (issue, name, before, after) if plain else None


def _joined(issues: list[_Named]) -> Issue:
    """Several issues that differ in the names of their inputs, and of what was not found in how far back, as one."""
    first = issues[0][0]
    listed = list(dict.fromkeys(name for _, name, _, _ in issues))
    if len(listed) < 2:
        return first
    by_form: dict[tuple[str, str], list[str]] = {}
    for _, name, before, after in issues:
        by_form.setdefault((before, after.rstrip(".")), []).append(name)
    parts = [f"{before}{list_words(some, 'or' if before else 'and')}{end}" for (before, end), some in by_form.items()]
    text = "; ".join(map(begin_small, parts)).replace("rule it out", "rule them out")
    severity = min((issue.severity for issue, *_ in issues), key=list(reversed(Severity)).index)
    short = short_list(f"{SHORT_TEXTS[first.code].removeprefix(_OF_NAME)}:", listed)
    return replace(first, severity=severity, text=f"{text[0].upper()}{text[1:]}.", slot=None, short=short)


def short_text(issue: Issue, name: str | None = None) -> str:
    """An issue in at most twelve words; ``name``: the concept of its slot, where that is known and short enough."""
    if issue.short:
        return issue.short
    known = SHORT_TEXTS.get(issue.code)
    if known is None:
        return shortened(issue.text)
    named = known.format(name=name or (issue.slot or "").replace("_", " "))
    if not known.startswith(_OF_NAME) or (is_short(named) and (name or issue.slot)):
        return named
    return known.removeprefix(_OF_NAME)


def with_short_texts(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """The issues, each once, and each with a short text."""
    return tuple(each if each.short else replace(each, short=short_text(each)) for each in dict.fromkeys(issues))


def describe_meaning(result: AnswerResult) -> str | None:
    """What the value means, by whom; None where its module does not say."""
    meant = result.interpretation
    if meant is None:
        return None
    name = meant.code.display or meant.code.code
    begin, _, rest = meant.text.partition(": ")
    # "5 % in 5 years or more: 5 % or more: above …" has the limit twice.
    text = rest if rest and set(begin.casefold().split()) <= set(name.casefold().split()) else meant.text
    said = name if text.casefold() == name.casefold() else f"{name}: {text}"
    return f"{said} ({meant.citation})" if meant.citation else said


def ground_times(result: AnswerResult) -> tuple[datetime, datetime] | None:
    """The time of the oldest and of the latest record, where they are of more than one day or instant.

    What gives nothing rests on none.
    """
    oldest, latest = result.grounds_from, result.effective
    nothing = isinstance(result.value, Absent) and result.bounds is None
    if nothing or oldest is None or latest is None or oldest == latest:
        return None
    one_day = is_end_of_day(latest) and oldest.time() == time.min and oldest.date() == latest.date()
    return None if one_day else (oldest, latest)


def is_end_of_day(latest: datetime) -> bool:
    """Whether this is the end of a day, as which a record that is dated to the day counts."""
    return latest.time() == time.max


def describe_ground_times(result: AnswerResult) -> str | None:
    """From when to when the records are, where they are of more than one time."""
    times = ground_times(result)
    if times is None:
        return None
    oldest, latest = times
    style = result.circumstances.style
    begins = oldest.date().isoformat() if is_dated_to_day(oldest) else time_words(oldest, style)
    ends = latest.date().isoformat() if is_dated_to_day(latest) else time_words(latest, style)
    return f"rests on records from {begins} to {ends}"


def describe_contributions(contributions: Contributions) -> str:
    """What each input added: points, or which way it moved a model's estimate (log-odds are for who asks for them)."""
    if contributions.scale == "POINTS":
        return "points: " + ", ".join(
            f"{item.slot.replace('_', ' ')} {number_words(item.amount)} ({item.text})" for item in contributions.items
        )
    least = _LEAST_SHARE * sum(abs(item.amount) for item in contributions.items)
    named = [item for item in contributions.items if abs(item.amount) >= least][:_MOST_NAMED]
    up = [item.text for item in named if item.amount > 0]
    down = [item.text for item in named if item.amount < 0]
    told = [f"{word}: {list_words(texts)}" for word, texts in (("up", up), ("down", down)) if texts]
    if rest := sum(item.amount != 0 for item in contributions.items) - len(up) - len(down):
        told.append(f"less than these: {count_words(rest, 'more input')}")
    return f"moved the estimate, compared with {contributions.background}, most first: {'; '.join(told) or 'nothing'}"


def describe_maturity(module: Description) -> str | None:
    """How far a trained model has come; None of what is none."""
    model = module.model
    if model is None:
        return None
    return f"{model.maturity} model: {_MATURITY_TEXTS.get(model.maturity, 'not known to be for clinical use')}"


def maturity_notice(module: Description) -> str:
    """What stands above a value that is not for clinical use; empty where it is."""
    model = module.model
    if model is None or model.maturity == USED_IN_CARE:
        return ""
    return _MATURITY_TEXTS.get(model.maturity, "not known to be for clinical use")


def describe_standing(standing: Standing) -> str:
    """How the inputs of a model stand to what it was fitted to."""
    outside = "; ".join(standing.outside) or "none outside the training data"
    return f"{standing.measured} of {standing.of} inputs known; {outside}"

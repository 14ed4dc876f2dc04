"""What moved an answer, reckoned again: the sums, and the amounts from both ends of every input."""

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from decimal import Decimal
from math import isfinite

from ontology.errors import MedtwinError
from ontology.units import convert
from ontology.values import Quantity, Value
from server.attribution.attribute import attribute
from server.attribution.reference import reference_side
from server.attribution.shapley import EXACT
from server.attribution.sides import Side
from server.attribution.told import CODE, LOG_ODDS, Attribution, Item, Undefined
from server.catalog.load import Catalog
from server.explain.comparisons import Baseline
from server.explain.replay.ends import Actual, actual_end, baselines, is_time, unlaid
from server.explain.replay.found import Finding, Kind, ReplayedStep
from server.explain.replay.inputs import same_value
from server.explain.replay.said import Said, SaidAttribution, SaidItem
from server.explain.replay.wording import exact_words

REFERENCE = Baseline.REFERENCE.value
_BROKEN = frozenset({Kind.LINK, Kind.SLOT, Kind.TIME, Kind.NOT_COMPUTED})
NEAR = Decimal("1e-6")
"""Sums of floating-point numbers that lie nearer than this are the same."""


def moved_again(
    told: SaidAttribution, said: Said, steps: Sequence[ReplayedStep], catalog: Catalog, zone: tzinfo
) -> tuple[list[Finding], list[str]]:
    """What does not come out of an attribution, and what could not be looked at."""
    if not steps:
        return [_finding(told, "the answer is not computed, so nothing can move it")], []
    findings = [*_sums(told, said), *_groups(told)]
    sound = not any(finding.kind in _BROKEN for step in steps for finding in step.findings)
    actual = actual_end(said, steps, catalog) if sound else None
    if actual is None:
        return findings, [f"{name_of(told)}: a step could not be computed here; only the sums were checked."]
    if told.against == REFERENCE:
        # What is usual stands in the catalog: all of it can be made again.
        goal = actual.goal.call or ""
        sides = [reference_side(actual.plan, goal, actual.side)]
    else:
        laid = [item for item in told.items if not is_time(actual, item)]
        for item in unlaid(actual, laid):
            text = f"{item.concept} is said to be {exact_words(item.after)} now, which no step used so"
            findings.append(_finding(told, text))
        if told.scale == CODE:
            return findings, [f"{name_of(told)}: of a code there are no amounts to reckon."]
        if len(laid) < len(told.items) and told.since is None:
            text = "the time of the other end is not in the file; only the sums were checked."
            return findings, [f"{name_of(told)}: {text}"]
        # Nobody grows older after death: then both ends have the time of the answer.
        at = said.at if told.since is None else min(told.since, said.at)
        sides = list(baselines(actual, laid, at))
    if not findings:
        findings += _nearest(told, [_made(actual, side, zone) for side in sides])
    if len(told.items) > EXACT:
        return findings, [f"{name_of(told)}: the amounts were sampled; only their ends and their sum were checked."]
    return findings, []


def _sums(told: SaidAttribution, said: Said) -> list[Finding]:
    if told.scale == CODE:
        some = any((told.base, told.output, *(item.amount for item in told.items)))
        return [_finding(told, "it has amounts, and of a code there are none")] if some else []
    total = told.base + sum((item.amount for item in told.items), Decimal(0))
    found = []
    if abs(total - told.output) > NEAR:
        found.append(_finding(told, f"base and amounts add up to {total:f}, and the output is {told.output:f}"))
    number = _number(told.scale, said.value)
    if number is None or abs(number - told.output) > NEAR:
        text = f"the output is {told.output:f} on the scale {told.scale}, and the answer {exact_words(said.value)}"
        found.append(_finding(told, text))
    return found


def _groups(told: SaidAttribution) -> Iterator[Finding]:
    """Whether each group moved what those in it moved together; of codes there are no amounts."""
    for group in told.groups:
        total = sum((told.items[place].amount for place in group.items), Decimal(0))
        if abs(total - group.amount) > NEAR:
            text = f"a group is said to have moved it by {group.amount:f}, and its inputs add up to {total:f}"
            yield _finding(told, text)


def _number(scale: str, value: Value) -> Decimal | None:
    """The answer on the scale of an attribution; None where it has no place on it."""
    if not isinstance(value, Quantity):
        return None
    if scale != LOG_ODDS:
        return value.value
    probability = value.value / 100 if value.unit == "%" else value.value
    return (probability / (1 - probability)).ln() if 0 < probability < 1 else None


def _made(actual: Actual, side: Side, zone: tzinfo) -> Attribution | Undefined:
    try:
        made = attribute(actual.plan, actual.goal, side, actual.side, zone)
    except (ArithmeticError, ValueError):
        made = None
    # Of a Decimal that is too large for a float, Python makes an infinite one, and of two of those no number.
    if made is None or (
        isinstance(made, Attribution) and not all(map(isfinite, (made.base, *(item.amount for item in made.items))))
    ):
        return Undefined("the numbers at its other end cannot be reckoned with.")
    return made


def _nearest(told: SaidAttribution, made: Sequence[Attribution | Undefined]) -> list[Finding]:
    """What differs from the nearest of several."""
    found = [_compared(told, each) for each in made]
    return min(found, key=len, default=[_finding(told, "its inputs cannot be laid to slots of the steps")])


def _compared(told: SaidAttribution, made: Attribution | Undefined) -> list[Finding]:
    if isinstance(made, Undefined):
        return [_finding(told, f"there is none here: {made.why}")]
    found = []
    if told.scale != made.scale:
        found.append(_finding(told, f"the scale is {told.scale} in the file, {made.scale} here"))
    if abs(told.base - Decimal(made.base)) > NEAR:
        found.append(_finding(told, f"the base is {told.base:f} in the file, {made.base} here"))
    there = sorted(told.items, key=lambda item: (item.concept, item.amount))
    here = sorted(made.items, key=lambda item: (item.concept.iri, item.amount))
    if [item.concept for item in there] != [item.concept.iri for item in here]:
        return [*found, _finding(told, "other inputs take part here")]
    for one, other in zip(there, here, strict=True):
        found += [_finding(told, f"{other.concept.display} {text}") for text in _of_one(one, other)]
    return found


def _of_one(one: SaidItem, other: Item) -> Iterator[str]:
    sampled = other.error is not None
    if not sampled and abs(one.amount - Decimal(other.amount)) > NEAR:
        yield f"moved it by {one.amount:f} in the file, by {other.amount} here"
    for word, there, here in (("was", one.before, other.before), ("is", one.after, other.after)):
        if not _near(there, here, other.concept.molar_mass):
            yield f"{word} {exact_words(there)} in the file, {exact_words(here)} here"


def _near(one: Value, other: Value, molar_mass: Decimal | None) -> bool:
    """Equal values; of numbers, whichever of the units that slots take they are told in."""
    if not (isinstance(one, Quantity) and isinstance(other, Quantity)):
        return same_value(one, other)
    try:
        number = convert(one.value, one.unit, other.unit, molar_mass)
    except MedtwinError:
        return False
    return abs(number - other.value) <= abs(other.value) * Decimal("1e-20")


def _finding(told: SaidAttribution, text: str) -> Finding:
    return Finding(Kind.ATTRIBUTION, f"{name_of(told)}: {text}")


def name_of(told: SaidAttribution) -> str:
    """How an attribution is called, at the beginning of what is said of it."""
    return f"what moved it from {told.baseline}"

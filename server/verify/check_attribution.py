"""Checks an attribution: its sums, and the amounts computed again from both ends of every input."""

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from decimal import Decimal
from math import isfinite

from ontology.errors import MedtwinError
from ontology.units import convert
from ontology.values import Quantity, Value
from server.attribution.attribute import attribute
from server.attribution.game import Snapshot
from server.attribution.reference_baseline import reference_snapshot
from server.attribution.result import CODE, LOG_ODDS, Attribution, AttributionItem, NoAttribution
from server.attribution.shapley import MAX_EXACT_PLAYERS
from server.catalog.catalog import Catalog
from server.explain.comparisons import Baseline
from server.explain.prov.exported import ExportedAnswer, ExportedAttribution, ExportedItem
from server.verify.baselines import ActualEnd, actual_end, is_evaluation_time, possible_baselines, unmatched_items
from server.verify.check_inputs import same_value
from server.verify.findings import Finding, FindingKind, RecomputedStep, format_exact

REFERENCE = Baseline.REFERENCE.value
_BROKEN_KINDS = frozenset({FindingKind.LINK, FindingKind.SLOT, FindingKind.TIME, FindingKind.NOT_COMPUTED})
TOLERANCE = Decimal("1e-6")
"""Sums of floating-point numbers that lie nearer than this are the same."""


def check_attribution(
    attribution: ExportedAttribution,
    exported: ExportedAnswer,
    steps: Sequence[RecomputedStep],
    catalog: Catalog,
    zone: tzinfo,
) -> tuple[list[Finding], list[str]]:
    """The findings of an attribution, and notes on what could not be checked."""
    if not steps:
        return [_attribution_finding(attribution, "the answer is not computed, so nothing can move it")], []
    findings = [*_check_sums(attribution, exported), *_check_groups(attribution)]
    sound = not any(finding.kind in _BROKEN_KINDS for step in steps for finding in step.findings)
    actual = actual_end(exported, steps, catalog) if sound else None
    if actual is None:
        return findings, [
            f"{attribution_name(attribution)}: a step could not be computed here; only the sums were checked."
        ]
    if attribution.against == REFERENCE:
        # Usual values come from the catalog, so this end can be computed in full.
        goal = actual.goal.call or ""
        sides = [reference_snapshot(actual.plan, goal, actual.side)]
    else:
        inputs = [item for item in attribution.items if not is_evaluation_time(actual, item)]
        for item in unmatched_items(actual, inputs):
            text = f"{item.concept} is {format_exact(item.after)} now in the file, and no step used that value"
            findings.append(_attribution_finding(attribution, text))
        if attribution.scale == CODE:
            return findings, [f"{attribution_name(attribution)}: a code has no amounts to check."]
        if len(inputs) < len(attribution.items) and attribution.since is None:
            text = "the time of the other end is not in the file; only the sums were checked."
            return findings, [f"{attribution_name(attribution)}: {text}"]
        # Nobody grows older after death: then both ends have the time of the answer.
        at = exported.at if attribution.since is None else min(attribution.since, exported.at)
        sides = list(possible_baselines(actual, inputs, at))
    if not findings:
        findings += _nearest_findings(attribution, [_recompute_attribution(actual, side, zone) for side in sides])
    if len(attribution.items) > MAX_EXACT_PLAYERS:
        return findings, [
            f"{attribution_name(attribution)}: the amounts were sampled; only their ends and their sum were checked."
        ]
    return findings, []


def _check_sums(attribution: ExportedAttribution, exported: ExportedAnswer) -> list[Finding]:
    if attribution.scale == CODE:
        some = any((attribution.base, attribution.output, *(item.amount for item in attribution.items)))
        return [_attribution_finding(attribution, "it has amounts, and a code has none")] if some else []
    total = attribution.base + sum((item.amount for item in attribution.items), Decimal(0))
    found = []
    if abs(total - attribution.output) > TOLERANCE:
        found.append(
            _attribution_finding(
                attribution, f"base and amounts add up to {total:f}, and the output is {attribution.output:f}"
            )
        )
    number = _value_on_scale(attribution.scale, exported.value)
    if number is None or abs(number - attribution.output) > TOLERANCE:
        answer = format_exact(exported.value)
        text = f"the output is {attribution.output:f} on the scale {attribution.scale}, and the answer {answer}"
        found.append(_attribution_finding(attribution, text))
    return found


def _check_groups(attribution: ExportedAttribution) -> Iterator[Finding]:
    """Whether the amount of each group is the sum of its inputs' amounts."""
    for group in attribution.groups:
        total = sum((attribution.items[place].amount for place in group.items), Decimal(0))
        if abs(total - group.amount) > TOLERANCE:
            text = f"a group moved it by {group.amount:f} in the file, and its inputs add up to {total:f}"
            yield _attribution_finding(attribution, text)


def _value_on_scale(scale: str, value: Value) -> Decimal | None:
    """The answer on the scale of an attribution; None for what is no number, or a certain risk."""
    if not isinstance(value, Quantity):
        return None
    if scale != LOG_ODDS:
        return value.value
    probability = value.value / 100 if value.unit == "%" else value.value
    return (probability / (1 - probability)).ln() if 0 < probability < 1 else None


def _recompute_attribution(actual: ActualEnd, side: Snapshot, zone: tzinfo) -> Attribution | NoAttribution:
    try:
        made = attribute(actual.plan, actual.goal, side, actual.side, zone)
    except (ArithmeticError, ValueError):
        made = None
    # A Decimal too large for a float becomes infinite, and the difference of two of those is not a number.
    if made is None or (
        isinstance(made, Attribution) and not all(map(isfinite, (made.base, *(item.amount for item in made.items))))
    ):
        return NoAttribution("the numbers at its other end are out of range.")
    return made


def _nearest_findings(
    attribution: ExportedAttribution, recomputed: Sequence[Attribution | NoAttribution]
) -> list[Finding]:
    """What differs from the nearest of several."""
    found = [_compare_attributions(attribution, each) for each in recomputed]
    return min(found, key=len, default=[_attribution_finding(attribution, "its inputs match no slots of the steps")])


def _compare_attributions(attribution: ExportedAttribution, recomputed: Attribution | NoAttribution) -> list[Finding]:
    if isinstance(recomputed, NoAttribution):
        return [_attribution_finding(attribution, f"there is none here: {recomputed.reason}")]
    found = []
    if attribution.scale != recomputed.scale:
        found.append(
            _attribution_finding(attribution, f"the scale is {attribution.scale} in the file, {recomputed.scale} here")
        )
    if abs(attribution.base - Decimal(recomputed.base)) > TOLERANCE:
        found.append(
            _attribution_finding(attribution, f"the base is {attribution.base:f} in the file, {recomputed.base} here")
        )
    there = sorted(attribution.items, key=lambda item: (item.concept, item.amount))
    here = sorted(recomputed.items, key=lambda item: (item.concept.iri, item.amount))
    if [item.concept for item in there] != [item.concept.iri for item in here]:
        return [*found, _attribution_finding(attribution, "other inputs take part here")]
    for one, other in zip(there, here, strict=True):
        found += [
            _attribution_finding(attribution, f"{other.concept.display} {text}") for text in _compare_item(one, other)
        ]
    return found


def _compare_item(one: ExportedItem, other: AttributionItem) -> Iterator[str]:
    sampled = other.error is not None
    if not sampled and abs(one.amount - Decimal(other.amount)) > TOLERANCE:
        yield f"moved it by {one.amount:f} in the file, by {other.amount} here"
    for word, there, here in (("was", one.before, other.before), ("is", one.after, other.after)):
        if not _is_near(there, here, other.concept.molar_mass):
            yield f"{word} {format_exact(there)} in the file, {format_exact(here)} here"


def _is_near(one: Value, other: Value, molar_mass: Decimal | None) -> bool:
    """Equal values; numbers may be in different units, since several slots may take a concept."""
    if not (isinstance(one, Quantity) and isinstance(other, Quantity)):
        return same_value(one, other)
    try:
        number = convert(one.value, one.unit, other.unit, molar_mass)
    except MedtwinError:
        return False
    return abs(number - other.value) <= abs(other.value) * Decimal("1e-20")


def _attribution_finding(attribution: ExportedAttribution, text: str) -> Finding:
    return Finding(FindingKind.ATTRIBUTION, f"{attribution_name(attribution)}: {text}")


def attribution_name(attribution: ExportedAttribution) -> str:
    """The name of an attribution, with which its findings, notes and line in the report begin."""
    return f"attribution against {attribution.baseline}"

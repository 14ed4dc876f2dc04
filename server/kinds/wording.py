"""Words that the kinds share: names of slots, reasons of absence, values for sentences."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from ontology.concepts import EVENT_ORIGINS
from ontology.evaluation import Interval, SlotInput
from ontology.slots import Slot
from ontology.values import Absent, AbsentReason, Quantity, Value
from ontology.words import amount, begin_small, number_words, words

REASONS: Mapping[AbsentReason, str] = {
    AbsentReason.NOT_FOUND: "not found",
    AbsentReason.STALE: "too old",
    AbsentReason.RECORDED_UNKNOWN: "recorded as unknown",
    AbsentReason.UNCONVERTIBLE: "in a unit or a form that cannot be read",
    AbsentReason.IMPLAUSIBLE: "not plausible",
    AbsentReason.CONFLICTING: "conflicting records",
    AbsentReason.NOT_PERMITTED: "not permitted to be read",
    AbsentReason.UNREACHABLE: "source not reachable",
    AbsentReason.NOT_QUERIED: "not asked for",
    AbsentReason.INPUT_ABSENT: "not computed, since its own inputs are missing",
    AbsentReason.NOT_APPLICABLE: "not computed, since its module does not hold",
    AbsentReason.FAILED: "not computed, since its module failed",
}


_LACKING_EVENT = frozenset({AbsentReason.NOT_FOUND})
_LACKING = frozenset({AbsentReason.NOT_FOUND, AbsentReason.STALE})
"""Reasons of absence that say that nobody measured it, within the window that is asked about."""


def named(slot: Slot) -> str:
    """What fills a slot, as a reader calls it within a sentence."""
    return begin_small(slot.concept.display)


def unknown(slot: Slot, value: Value) -> str:
    """Of what is measured that it was not; of a diagnosis or a treatment, that nobody recorded it.

    Only where the record says so: of what could not be had, or be read, nothing is known.
    """
    event = slot.concept.origin in EVENT_ORIGINS
    if isinstance(value, Absent) and value.reason not in (_LACKING_EVENT if event else _LACKING):
        return "not known"
    return "not recorded" if event else "not measured"


def shown(value: Value, decimals: int | None) -> str:
    """A value for a sentence, rounded half up to ``decimals`` where they are given."""
    if isinstance(value, Quantity) and decimals is not None:
        value = replace(value, value=value.value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))
    return words(value)


def why_missing(consumed: SlotInput) -> str:
    """Why a slot is not filled, in words, and between which values it is known to lie."""
    if isinstance(consumed.value, Absent):
        reason = REASONS[consumed.value.reason]
        return reason if consumed.bounds is None else f"{reason}; {between(consumed.bounds)}"
    return f"known only as {words(consumed.value)}"


def told(consumed: SlotInput) -> str:
    """What is known of an input: its value, else its limits, else that it is missing."""
    if not isinstance(consumed.value, Absent):
        return words(consumed.value)
    return "missing" if consumed.bounds is None else between(consumed.bounds)


def between(bounds: Interval) -> str:
    """``between 46 and 52 mL/min/1.73 m²``."""
    return f"between {number_words(bounds.low)} and {amount(bounds.high, bounds.unit)}"


def listed(items: Iterable[str], last: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``; each item once."""
    parts = list(dict.fromkeys(items))
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"

"""Why there is no value, in words."""

from collections.abc import Mapping
from datetime import timedelta

from ontology.concepts import EVENT_ORIGINS, Origin
from ontology.slots import Slot
from ontology.values import Absent, AbsentReason, Value
from ontology.words import PLAIN, Length, Style
from ontology.words.time import duration_words

_FULL: Mapping[AbsentReason, str] = {
    AbsentReason.NOT_FOUND: "not found in the record",
    AbsentReason.STALE: "too old",
    AbsentReason.RECORDED_UNKNOWN: "recorded as unknown",
    AbsentReason.UNCONVERTIBLE: "recorded in an unreadable unit or form",
    AbsentReason.IMPLAUSIBLE: "recorded with an implausible value",
    AbsentReason.CONFLICTING: "conflicting values",
    AbsentReason.NOT_PERMITTED: "the source does not permit access",
    AbsentReason.UNREACHABLE: "the source could not be reached",
    AbsentReason.NOT_QUERIED: "not requested",
    AbsentReason.INPUT_ABSENT: "its inputs are missing",
    AbsentReason.NOT_APPLICABLE: "not applicable to this patient",
    AbsentReason.FAILED: "the computation failed",
}
_SHORT: Mapping[AbsentReason, str] = {
    AbsentReason.NOT_FOUND: "not found",
    AbsentReason.STALE: "too old",
    AbsentReason.RECORDED_UNKNOWN: "recorded as unknown",
    AbsentReason.UNCONVERTIBLE: "in an unreadable unit or form",
    AbsentReason.IMPLAUSIBLE: "not plausible",
    AbsentReason.CONFLICTING: "conflicting records",
    AbsentReason.NOT_PERMITTED: "access not permitted",
    AbsentReason.UNREACHABLE: "source not reachable",
    AbsentReason.NOT_QUERIED: "not asked for",
    AbsentReason.INPUT_ABSENT: "not computed: its inputs are missing",
    AbsentReason.NOT_APPLICABLE: "not applicable to this patient",
    AbsentReason.FAILED: "not computed: the computation failed",
}
# What stands in a record that gives no value.
_RECORDED: Mapping[AbsentReason, str] = {
    AbsentReason.RECORDED_UNKNOWN: "unknown",
    AbsentReason.IMPLAUSIBLE: "an implausible value",
    AbsentReason.UNCONVERTIBLE: "a value that cannot be read",
    AbsentReason.CONFLICTING: "different values",
}
# Reasons that say that nobody measured it, within the window that is asked about; or that nobody recorded it.
_UNMEASURED = frozenset({AbsentReason.NOT_FOUND, AbsentReason.STALE})
_UNRECORDED = frozenset({AbsentReason.NOT_FOUND})


def reason_words(reason: AbsentReason, window: timedelta | None = None, style: Style = PLAIN) -> str:
    """Why there is no value; NOT_FOUND and STALE name the window in which it was looked for.  SHORT: no window."""
    if style.length is Length.SHORT:
        return _SHORT[reason]
    if window and reason is AbsentReason.NOT_FOUND:
        return f"not found in the last {duration_words(window, style)}"
    if window and reason is AbsentReason.STALE:
        return f"only older than {duration_words(window, style)}"
    return _FULL[reason]


def reason_name(reason: AbsentReason, style: Style = PLAIN) -> str:
    """The name of the reason: ``recorded unknown``."""
    return reason.value.lower().replace("_", " ")


def recorded_reason_words(reason: AbsentReason, style: Style = PLAIN) -> str:
    """What a record says that gives no value: ``unknown``, ``an implausible value``."""
    return _RECORDED.get(reason, "no value")


def absence_words(
    slot: Slot,
    reason: AbsentReason,
    *,
    assumed: bool = False,
    not_together: bool = False,
    negated: bool = False,
    probable: bool = False,
    unread: bool = False,
    style: Style = PLAIN,
) -> str:
    """Why a slot is empty, with what is known of it.

    ``assumed``: the question took it as missing.  ``not_together``: what there is was not measured within the time of
    the others.  ``negated``: a record says that there is none.  ``probable``: a record is probably of it; ``unread``:
    records that are not understood could be of it.
    """
    event = slot.concept.origin in EVENT_ORIGINS
    if assumed:
        return "assumed missing"
    if not_together and reason is AbsentReason.STALE:
        return "not measured together with the others"
    if slot.concept.origin is Origin.SITE:
        return "not set for this site"
    if event and reason is AbsentReason.NOT_FOUND:
        return (
            "recorded as absent, not confirmed by a complete list"
            if negated
            else "not documented (absence not assumed)"
        )
    if event and reason is AbsentReason.STALE and slot.window is None:
        return "recorded long ago; whether it continues is unknown"
    if event and reason is AbsentReason.UNCONVERTIBLE and (probable or unread):
        return "unclear: a record probably means it" if probable else "unclear: some records are not understood"
    if event and reason is AbsentReason.UNCONVERTIBLE:
        return "recorded, but unclear for this time"
    return reason_words(reason, slot.window, style)


def unknown_words(slot: Slot, value: Value, style: Style = PLAIN) -> str:
    """Of what is measured that it was not; of a diagnosis or a treatment, that nobody recorded it.

    Only where the record says so: of what could not be retrieved, or be read, nothing is known.
    """
    event = slot.concept.origin in EVENT_ORIGINS
    if isinstance(value, Absent) and value.reason not in (_UNRECORDED if event else _UNMEASURED):
        return "not known"
    return "not documented" if event else "not measured"

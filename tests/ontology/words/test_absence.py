"""Why there is no value: "not recorded" only where the record shows that, and never ended is not "not found"."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ontology.concepts import Concept, Origin
from ontology.values import Absent, AbsentReason, Coding
from ontology.words import SHORT
from ontology.words.absence import absence_words, reason_name, reason_words, recorded_reason_words, unknown_words
from tests.support.descriptions import make_concept, make_slot

STATIN: Concept = make_concept("statin", origin=Origin.MEDICATION)
ANALYTE: Concept = make_concept("creatinine", origin=Origin.OBSERVATION)
SITE: Concept = make_concept("north-america", origin=Origin.SITE)
SAID = {
    Origin.OBSERVATION: {AbsentReason.NOT_FOUND: "not measured", AbsentReason.STALE: "not measured"},
    Origin.CONDITION: {AbsentReason.NOT_FOUND: "not documented"},
    Origin.MEDICATION: {AbsentReason.NOT_FOUND: "not documented"},
}


@pytest.mark.parametrize("reason", AbsentReason)
@pytest.mark.parametrize("origin", SAID)
def test_of_what_could_not_be_retrieved_nothing_is_known(origin: Origin, reason: AbsentReason) -> None:
    given = make_slot("given", concept=make_concept("given", origin=origin))
    assert unknown_words(given, Absent(reason)) == SAID[origin].get(reason, "not known")


def test_a_value_that_cannot_be_used_is_as_one_that_is_not_there() -> None:
    given = make_slot("given", concept=make_concept("given", origin=Origin.OBSERVATION))
    assert unknown_words(given, Coding("urn:s", "odd", "Odd")) == "not measured"


@pytest.mark.parametrize("reason", AbsentReason)
def test_every_reason_has_words_in_each_length(reason: AbsentReason) -> None:
    assert reason_words(reason)
    assert reason_words(reason, style=SHORT)
    assert reason_name(reason).replace(" ", "_").upper() == reason


@pytest.mark.parametrize(
    ("reason", "window", "full", "short"),
    [
        (AbsentReason.NOT_FOUND, None, "not found in the record", "not found"),
        (AbsentReason.NOT_FOUND, timedelta(days=90), "not found in the last 90 days", "not found"),
        (AbsentReason.STALE, None, "too old", "too old"),
        (AbsentReason.STALE, timedelta(days=3653), "only older than 10 years", "too old"),
        (AbsentReason.FAILED, timedelta(days=1), "the computation failed", "not computed: the computation failed"),
    ],
)
def test_a_sentence_names_the_window(reason: AbsentReason, window: timedelta | None, full: str, short: str) -> None:
    assert reason_words(reason, window) == full
    assert reason_words(reason, window, SHORT) == short


@pytest.mark.parametrize(
    ("reason", "words"),
    [(AbsentReason.IMPLAUSIBLE, "an implausible value"), (AbsentReason.CONFLICTING, "different values")],
)
def test_what_a_record_without_a_value_says(reason: AbsentReason, words: str) -> None:
    assert recorded_reason_words(reason) == words


@pytest.mark.parametrize(
    ("concept", "reason", "words"),
    [
        (STATIN, AbsentReason.STALE, "recorded long ago; whether it continues is unknown"),
        (STATIN, AbsentReason.NOT_FOUND, "not documented (absence not assumed)"),
        (STATIN, AbsentReason.UNCONVERTIBLE, "recorded, but unclear for this time"),
        (ANALYTE, AbsentReason.STALE, "too old"),
        (SITE, AbsentReason.NOT_FOUND, "not set for this site"),
    ],
)
def test_empty_slots(concept: Concept, reason: AbsentReason, words: str) -> None:
    assert absence_words(make_slot("input", concept=concept, window=None), reason) == words


def test_what_else_is_known_of_an_empty_slot() -> None:
    slot = replace(make_slot("input", concept=STATIN), window=timedelta(days=90))
    assert absence_words(slot, AbsentReason.STALE) == "only older than 90 days"
    assert absence_words(slot, AbsentReason.STALE, not_together=True) == "not measured together with the others"
    assert absence_words(slot, AbsentReason.NOT_FOUND, not_together=True) == "not documented (absence not assumed)"
    denied = absence_words(slot, AbsentReason.NOT_FOUND, negated=True)
    assert denied == "recorded as absent, not confirmed by a complete list"
    assert absence_words(slot, AbsentReason.NOT_FOUND, assumed=True, negated=True) == "assumed missing"

"""The level of consciousness that NEWS2 scores: ACVPU as charted, else the Glasgow Coma Scale, where the site uses it.

The report (RCP 2017, ISBN 978-1-86016-682-2) scores ACVPU alone.  The table from the coma scale is declared here: 15 is
alert, below 15 is not.  A score of E4 V4 M6 is what confusion alone gives: where chronic confusion is on record, it
does not tell new confusion from that.
"""

from decimal import Decimal

from ontology.evaluation import Evaluation, Issue, Severity, Working
from ontology.values import Absent, AbsentReason, Coding
from ontology.words.quantities import number_words

SNOMED = "http://snomed.info/sct"
ALERT = Coding(SNOMED, "248234008", "Mentally alert")
CHRONIC_CONFUSION = Coding(SNOMED, "130988005", "Chronic confusion")
BELOW_15 = Coding("https://medtwin.example/codes", "gcs-below-15", "Glasgow Coma Scale below 15")
FULL_SCORE = Decimal(15)
FULL = (Decimal(4), Decimal(5), Decimal(6))
# E4 V4 M6.
CONFUSED = (Decimal(4), Decimal(4), Decimal(6))
# Absences that say that nobody charted it with this set of observations; all others leave open what was charted.
UNCHARTED = frozenset({AbsentReason.NOT_FOUND, AbsentReason.STALE})


def evaluate(
    consciousness: Coding | Absent,
    gcs: Decimal | Absent,
    gcs_eye: Decimal | Absent,
    gcs_verbal: Decimal | Absent,
    gcs_motor: Decimal | Absent,
    sedation: bool | Absent,
    chronic_confusion: bool | Absent,
    charted_before: Coding | Absent,
    gcs_of_the_day: Decimal | Absent,
) -> Evaluation:
    """The charted level; else ALERT or BELOW_15 by the coma scale; else Absent, with the reason of the charted level.

    Where the site does not use the coma scale, all but ``consciousness`` and ``gcs_of_the_day`` are absent.
    """
    if isinstance(consciousness, Coding):
        issues = _disagreement(consciousness, gcs, gcs_of_the_day)
        return Evaluation(consciousness, Working(f"Charted as {consciousness.display or consciousness.code}"), issues)
    if consciousness.reason not in UNCHARTED:
        return Evaluation(consciousness, Working("Level of consciousness is charted but unreadable."))
    components = (gcs_eye, gcs_verbal, gcs_motor)
    total = _total(gcs, components)
    unusable = _why_unusable(gcs, components, sedation)
    if unusable is not None:
        text = f"Glasgow Coma Scale not used: {unusable}"
        issues = (Issue(Severity.WARNING, "gcs-not-used", text, "gcs"),)
        return Evaluation(consciousness, Working("Level of consciousness not charted."), issues)
    if total is None:
        return Evaluation(consciousness, Working("Level of consciousness not charted."))
    words = f"Glasgow Coma Scale {number_words(total)}"
    if total >= FULL_SCORE:
        text = f"Alert by {words} (site setting); this does not exclude delirium"
        return Evaluation(ALERT, _by_gcs(words, "alert"), (Issue(Severity.WARNING, "alert-by-gcs", text, "gcs"),))
    if _is_confused(total, components) and (chronic_confusion is True or charted_before == CHRONIC_CONFUSION):
        text = f"{words} with chronic confusion on record: new confusion cannot be distinguished"
        issues = (Issue(Severity.WARNING, "gcs-undecided", text, "gcs"),)
        return Evaluation(Absent(AbsentReason.CONFLICTING), Working(f"{text}."), issues)
    text = f"Not alert by {words} (site setting); ACVPU is not charted"
    return Evaluation(BELOW_15, _by_gcs(words, "below 15"), (Issue(Severity.WARNING, "not-alert-by-gcs", text, "gcs"),))


def _by_gcs(words: str, level: str) -> Working:
    return Working(f"ACVPU is not charted; {words} is {level}", f"Level of consciousness by {words}: {level}")


def _total(gcs: Decimal | Absent, components: tuple[Decimal | Absent, ...]) -> Decimal | None:
    """The recorded total; without one, the sum of its three components."""
    if isinstance(gcs, Decimal):
        return gcs
    known = [each for each in components if isinstance(each, Decimal)]
    return sum(known, Decimal(0)) if len(known) == len(components) else None


def _why_unusable(
    gcs: Decimal | Absent, components: tuple[Decimal | Absent, ...], sedation: bool | Absent
) -> str | None:
    if isinstance(gcs, Absent) and gcs.reason not in UNCHARTED:
        return "its total is unreadable"
    if any(isinstance(each, Absent) and each.reason not in UNCHARTED for each in components):
        return "a component is untestable or unreadable"
    if sedation is True:
        return "the patient is sedated"
    if isinstance(sedation, Absent) and sedation.reason not in UNCHARTED:
        return "whether the patient is sedated is unreadable"
    known = [each for each in components if isinstance(each, Decimal)]
    if not isinstance(gcs, Decimal):
        return None
    if len(known) == len(components) and sum(known) != gcs:
        return f"its components sum to {number_words(sum(known, Decimal(0)))}, not {number_words(gcs)}"
    if gcs >= FULL_SCORE and any(a != b for a, b in zip(components, FULL, strict=True) if isinstance(a, Decimal)):
        return f"a component is not full, but its total is {number_words(gcs)}"
    return None


def _is_confused(total: Decimal, components: tuple[Decimal | Absent, ...]) -> bool:
    """Whether the score may be E4 V4 M6: by its total, unless a component says otherwise."""
    return total == sum(CONFUSED) and all(
        isinstance(each, Absent) or each == usual for each, usual in zip(components, CONFUSED, strict=True)
    )


def _disagreement(level: Coding, gcs: Decimal | Absent, gcs_of_the_day: Decimal | Absent) -> tuple[Issue, ...]:
    if level == ALERT and isinstance(gcs_of_the_day, Decimal) and gcs_of_the_day < FULL_SCORE:
        text = "Charted as alert; a Glasgow Coma Scale below 15 in the last 24 hours is not scored"
        return (Issue(Severity.WARNING, "gcs-below-15", text, "gcs_of_the_day"),)
    if level not in (ALERT, CHRONIC_CONFUSION) and isinstance(gcs, Decimal) and gcs >= FULL_SCORE:
        text = "Charted as not alert; the simultaneous Glasgow Coma Scale of 15 is not scored"
        return (Issue(Severity.WARNING, "gcs-15-not-alert", text, "gcs"),)
    return ()

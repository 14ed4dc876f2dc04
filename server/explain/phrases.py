"""Phrases of results and inputs, shared by the plain text and the FHIR notes: meaning, times, maturity, absence."""

from datetime import datetime, time
from decimal import Decimal

from ontology.evaluation import Standing
from ontology.values import Absent
from ontology.words.absence import absence_words
from ontology.words.lists import count_words, list_words
from ontology.words.quantities import number_words
from ontology.words.time import time_words
from server.catalog.descriptions import Description
from server.executor.trace import BoundInput
from server.explain.results import AnswerResult, Contributions

USED_IN_CARE = "clinical"
_LEAST_SHARE = Decimal("0.03")
_MOST_NAMED = 10
_MATURITY_TEXTS = {
    "demonstration": "it shows what can be done, and is not for use in care",
    "research": "it is for research, and not for use in care",
    USED_IN_CARE: "for use in care, as its card says",
}


def describe_absence(given: BoundInput) -> str:
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
    )


def describe_meaning(result: AnswerResult) -> str | None:
    """What the value means, by whom; None where its module does not say."""
    meant = result.interpretation
    if meant is None:
        return None
    name = meant.code.display or meant.code.code
    said = name if meant.text.casefold() == name.casefold() else f"{name}: {meant.text}"
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
    begins = oldest.date().isoformat() if oldest.time() == time.min else time_words(oldest)
    ends = latest.date().isoformat() if is_end_of_day(latest) else time_words(latest)
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
    return f"{model.maturity} model: {_MATURITY_TEXTS.get(model.maturity, 'not known to be for use in care')}"


def describe_standing(standing: Standing) -> str:
    """How the inputs of a model stand to what it was fitted to."""
    outside = "; ".join(standing.outside) or "none outside the training data"
    return f"{standing.measured} of {standing.of} inputs known; {outside}"

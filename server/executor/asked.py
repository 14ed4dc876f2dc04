"""What a question asks for: as of when it can be answered, and what of its assumptions changes nothing."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from collectors.facts import Facts
from ontology.concepts import Concept
from ontology.evaluation import Issue, Severity
from ontology.words import begin_small
from server.compiler.plan import Plan
from server.errors import QuestionError
from server.executor.question import Question

EARLIEST, LATEST = datetime(1850, 1, 1, tzinfo=UTC), datetime(2500, 1, 1, tzinfo=UTC)
"""Evaluation times lie between these: windows are reckoned back from them, and de-identified records lie ahead."""


def time_of(question: Question) -> datetime:
    """The evaluation time: now, where the question has none.

    Raises QuestionError for a time without a zone or out of range, and for an earlier time that is not earlier.
    """
    at = question.at or datetime.now(UTC)
    if at.utcoffset() is None:
        raise QuestionError("time-without-zone", "the evaluation time needs a time zone")
    if not EARLIEST <= at < LATEST:
        text = f"the evaluation time must lie in the years {EARLIEST.year} to {LATEST.year - 1}"
        raise QuestionError("time-out-of-range", text)
    if any(time.utcoffset() is None or not EARLIEST <= time < at for time in question.earlier):
        text = (
            f"the earlier time (`since`, or `from`) needs a time zone, and lies in the year {EARLIEST.year} or after, "
            "and before the later (`at`, or `to`)"
        )
        raise QuestionError("since-not-earlier", text)
    return at


def alive_at(at: datetime, facts: Facts) -> tuple[datetime, tuple[Issue, ...]]:
    """Death caps the evaluation time: nobody grows older after it."""
    death = facts.death
    if death is None or death.end >= at:
        return at, ()
    text = f"The patient died on {death.end:%Y-%m-%d}; the answer is as of then."
    return max(death.end, EARLIEST), (Issue(Severity.WARNING, "death", text),)


def unused(question: Question, plan: Plan, concepts: Mapping[str, Concept]) -> Iterator[Issue]:
    """What was assumed and changes nothing: else a what-if of something else would look like one without effect."""
    for concept in sorted(question.assume.keys() - plan.read) if question.assume else ():
        text = f"What was assumed of {begin_small(concepts[concept].display)} is used by nothing that was asked for."
        yield Issue(Severity.WARNING, "assumption-unused", text)

"""A question about one patient: its concepts, its evaluation time, its assumptions and which of these are unused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from collectors.facts import Facts
from ontology.concepts import Concept
from ontology.evaluation import Issue, Severity
from ontology.values import Value
from ontology.words import begin_small
from server.compiler.plan import Plan
from server.errors import QuestionError
from server.executor.budget import Budget


@dataclass(frozen=True, slots=True)
class Question:
    """Which concepts (ids) of which patient, as of when (None: now), in which source, on which assumptions.

    ``assume`` maps concept ids to values in the concept's unit.  ``token`` is the caller's bearer token, passed on to
    sources that ask for it.  ``scope`` stands for the caller's authorisation (left out: a keyed hash of the token):
    what one caller was last told never shows in another's answer.

    ``earlier``: times before ``at`` at which the same is answered too, from the same records and with what was known
    then, to compare with; ``recorded``: so it is without the assumptions.  ``budget`` is that of the request (None:
    one of its own, as the settings allow).
    """

    patient: str
    concepts: tuple[str, ...]
    at: datetime | None = None
    source: str | None = None
    assumptions: Mapping[str, Value] = field(default_factory=dict)
    scope: str = ""
    token: str | None = field(default=None, repr=False)
    earlier_times: tuple[datetime, ...] = ()
    compare_without_assumptions: bool = False
    budget: Budget | None = field(default=None, repr=False, compare=False)


EARLIEST, LATEST = datetime(1850, 1, 1, tzinfo=UTC), datetime(2500, 1, 1, tzinfo=UTC)
"""Evaluation times lie between these: windows are reckoned back from them, and de-identified records lie ahead."""


def evaluation_time(question: Question) -> datetime:
    """The evaluation time: now, where the question has none.

    Raises QuestionError for a time without a zone or out of range, and for an earlier time that is not earlier.
    """
    at = question.at or datetime.now(UTC)
    if at.utcoffset() is None:
        raise QuestionError("time-without-zone", "the evaluation time needs a time zone")
    if not EARLIEST <= at < LATEST:
        text = f"the evaluation time must lie in the years {EARLIEST.year} to {LATEST.year - 1}"
        raise QuestionError("time-out-of-range", text)
    if any(time.utcoffset() is None or not EARLIEST <= time < at for time in question.earlier_times):
        text = (
            f"the earlier time (`since`, or `from`) needs a time zone, and lies in the year {EARLIEST.year} or after, "
            "and before the later (`at`, or `to`)"
        )
        raise QuestionError("since-not-earlier", text)
    return at


def cap_at_death(at: datetime, facts: Facts) -> tuple[datetime, tuple[Issue, ...]]:
    """Death caps the evaluation time: nobody grows older after it."""
    death = facts.death
    if death is None or death.end >= at:
        return at, ()
    text = f"The patient died on {death.end:%Y-%m-%d}; the answer is as of then."
    return max(death.end, EARLIEST), (Issue(Severity.WARNING, "death", text),)


def unused_assumption_issues(question: Question, plan: Plan, concepts: Mapping[str, Concept]) -> Iterator[Issue]:
    """What was assumed and changes nothing: else a what-if of something else would look like one without effect."""
    for concept in sorted(question.assumptions.keys() - plan.input_concepts) if question.assumptions else ():
        text = f"What was assumed of {begin_small(concepts[concept].display)} is used by nothing that was asked for."
        yield Issue(Severity.WARNING, "assumption-unused", text)

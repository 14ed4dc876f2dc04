"""A question about one patient: its concepts, evaluation time and assumptions, and which of those are unused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from collectors.auth.authorisations import Caller
from collectors.facts import Facts
from ontology.concepts import Concept
from ontology.evaluation import Issue, Severity
from ontology.values import Value
from ontology.words.lists import begin_small
from ontology.words.time import day_words
from server.compiler.plan import Plan
from server.errors import QuestionError
from server.executor.budget import Budget


@dataclass(frozen=True, slots=True)
class Question:
    """Concepts (ids) of a patient (FHIR id), as of a time (None: now), in a source (id; None: the only one).

    ``assumptions`` maps concept ids to values in the concept's unit.  ``token`` is the caller's bearer token, passed on
    to sources with ``auth = "caller"``.  ``scope`` stands for the caller's authorisation (empty: a keyed hash of the
    token is used): what one caller was last shown is never in another's answer.

    ``caller`` takes the place of both, where a checked token says who asks: bound to one patient of one source, and
    limited to what the token permits.  None: whoever operates this server asks.

    ``earlier_times``: times before ``at`` for which the question is answered too, from the same records and with what
    was known then, to compare with; ``compare_without_assumptions``: the same without the assumptions.  ``budget`` is
    that of the request (None: one of its own, by the settings).
    """

    patient: str
    concepts: tuple[str, ...]
    at: datetime | None = None
    source: str | None = None
    assumptions: Mapping[str, Value] = field(default_factory=dict)
    scope: str = ""
    token: str | None = field(default=None, repr=False)
    caller: Caller | None = field(default=None, repr=False)
    earlier_times: tuple[datetime, ...] = ()
    compare_without_assumptions: bool = False
    budget: Budget | None = field(default=None, repr=False, compare=False)


EARLIEST, LATEST = datetime(1850, 1, 1, tzinfo=UTC), datetime(2500, 1, 1, tzinfo=UTC)
"""Limits of evaluation times: windows reach back from them, and de-identified records are dated in the future."""


def evaluation_time(question: Question) -> datetime:
    """The evaluation time: that of the question, or now.

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
    """The evaluation time capped at the patient's death, and the issue that says so (none if it was not capped).

    Nobody grows older after death.
    """
    death = facts.death
    if death is None or death.end >= at:
        return at, ()
    text = f"The patient died on {day_words(death.end)}; the answer is as of then."
    return max(death.end, EARLIEST), (Issue(Severity.WARNING, "death", text),)


def unused_assumption_issues(question: Question, plan: Plan, concepts: Mapping[str, Concept]) -> Iterator[Issue]:
    """A warning for each assumption that no module uses: otherwise the assumption would seem to have no effect."""
    for concept in sorted(question.assumptions.keys() - plan.input_concepts) if question.assumptions else ():
        text = f"The assumption for {begin_small(concepts[concept].display)} has no effect on these answers."
        yield Issue(Severity.WARNING, "assumption-unused", text)

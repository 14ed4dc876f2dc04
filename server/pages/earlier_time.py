"""With which earlier time a page compares: the one of its address, else the last finished encounter, else 90 days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ontology.concepts import Origin
from ontology.errors import MedtwinError
from ontology.values import Absent
from server.explain.results import AnswerResult
from server.pages.context import PageContext

DAYS_BACK = 90
_FINISHED = "finished"
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class EarlierTime:
    """An earlier time, and in a sentence why it is this one."""

    when: datetime
    why: str


async def earlier_time(context: PageContext, at: datetime) -> EarlierTime:
    """The time that the answers as of ``at`` are compared with.

    Of an encounter that is its beginning: what was found in it is news.  Where encounters cannot be read, it is the
    time that counts where there are none.
    """
    if context.since is not None:
        return EarlierTime(context.since, "This time was chosen.")
    try:
        begin, retrieved = await _last_finished_encounter(context, at)
    except MedtwinError:
        begin, retrieved = None, False
    if begin is not None:
        return EarlierTime(begin, "The last finished encounter began then.")
    why = "No finished encounter was found" if retrieved else "Encounters could not be retrieved"
    return EarlierTime(at - timedelta(days=DAYS_BACK), f"{why}: {DAYS_BACK} days before.")


def before_death(compared: EarlierTime, end: datetime) -> EarlierTime:
    """The time itself; where the answers are as of a death (``end``) before it, a time before that.

    As of any time after a death the answers are as of the death, and would read as if they had stayed the same.
    """
    if compared.when < end:
        return compared
    return EarlierTime(end - timedelta(days=DAYS_BACK), f"The patient had died by then: {DAYS_BACK} days before that.")


def nearer_time(points: Sequence[AnswerResult], now: AnswerResult) -> EarlierTime | None:
    """Where there is no value at the time that counts else: when the course of ``now`` had another one, not a range.

    Within the day before, the first such time; else the last one.  None: it had none.
    """
    others = [
        each
        for each in points
        if each.at < now.at and not isinstance(each.value, Absent) and each.bounds is None and each.value != now.value
    ]
    within = [each for each in others if now.at - _ONE_DAY <= each.at]
    if within:
        return EarlierTime(within[0].at, "Within the last day it had another value then.")
    return EarlierTime(others[-1].at, "Its last other value was of then.") if others else None


async def _last_finished_encounter(context: PageContext, at: datetime) -> tuple[datetime | None, bool]:
    """When it began, and whether all encounters could be searched for."""
    engine = context.engine
    concepts = tuple(
        each.id
        for each in engine.catalog.concepts.values()
        if each.origin is Origin.ENCOUNTER and each.value_type == "FLAG"
    )
    if not concepts:
        return None, True
    _, facts = await engine.ask_with_facts(context.question(concepts, at))
    gathered = facts.gathered_facts
    found = [each for concept in concepts for each in gathered.resources.get(concept, ())]
    spans = [each.effective for each in found if each.status == _FINISHED and each.effective is not None]
    begin = max((span.start for span in spans if span.start < at), default=None)
    return begin, gathered.failures.keys().isdisjoint(concepts)

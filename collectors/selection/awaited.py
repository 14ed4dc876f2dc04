"""Results that are not there yet: told beside the value that is used in the meantime."""

from collections.abc import Iterable
from datetime import datetime

from collectors.reading.records import Fact
from collectors.selection.pool import Pool, listed
from collectors.selection.telling import say
from ontology.evaluation import Issue, Severity
from ontology.resources import Resource
from ontology.slots import Slot


def awaited(
    slot: Slot, pool: Pool, used: Iterable[Resource], as_of: datetime, known_at: datetime, valued: bool
) -> list[Issue]:
    """That results of a later time than what is used are pending as of a time; ``valued``: what is used has a value."""
    pending = [fact for fact in pool.timeline(known_at).pending if _since(fact) is None or _started(fact, as_of)]
    if not pending:
        return []
    newest = max((each.effective.end for each in used if each.effective is not None), default=None)
    later = [fact for fact in pending if _later(fact, newest if valued else None, slot, as_of)]
    if not later:
        return []
    text = f"{'A newer result' if valued else 'A result'} is pending: {listed(later)}."
    return [say(slot, "pending", text, Severity.INFORMATION)]


def _started(fact: Fact, as_of: datetime) -> bool:
    span = fact.resource.effective
    return span is None or span.start <= as_of


def _since(fact: Fact) -> datetime | None:
    """Since when at the latest it is pending."""
    span = fact.resource.effective
    return span.end if span is not None else fact.resource.issued


def _later(fact: Fact, newest: datetime | None, slot: Slot, as_of: datetime) -> bool:
    since = _since(fact)
    if since is None:
        return True
    if newest is not None:
        return since > newest
    return slot.window is None or as_of - since <= slot.window

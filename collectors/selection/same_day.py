"""What is dated by the day that is asked about: whether it was before the time asked about, or may come after it.

A day is an interval, which has not ended by then.  But what was recorded by then was so by then.
"""

from dataclasses import replace
from datetime import datetime, time, timedelta

import msgspec

from collectors.reading.records import Fact, Record
from ontology.times import Span

_MINUTE = timedelta(minutes=1)


def by_then(fact: Fact, as_of: datetime) -> Fact:
    """The same fact, where its day or minute holds ``as_of`` and it is on record by then: with a time that ends there.

    Nothing else changes: what is dated by a month, or lasts (a period), may still be going on.
    """
    span = fact.resource.effective
    if span is None or not span.start <= as_of < span.end or fact.samples or not _short(span):
        return fact
    issued = fact.resource.issued
    known = issued is not None and span.start <= issued <= as_of
    if not known and not on_record(fact.record, span.start, as_of):
        return fact
    return msgspec.structs.replace(fact, resource=replace(fact.resource, effective=Span(span.start, as_of)))


def on_record(record: Record, since: datetime, until: datetime) -> bool:
    """Whether the source says that this version of the record was made between these times."""
    if record.updated is None:
        return False
    try:
        updated = datetime.fromisoformat(record.updated)
    except ValueError:
        return False
    return updated.tzinfo is not None and since <= updated <= until


def _short(span: Span) -> bool:
    """Whether it is a day or a minute, as a time without a part is read."""
    start, end = span.start, span.end
    whole_day = start.date() == end.date() and start.time() == time.min and end.time() == time.max
    return whole_day or end - start < _MINUTE

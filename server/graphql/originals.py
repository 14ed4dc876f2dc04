"""The records themselves that the answers of one request rest on: each fetched once, and only those of its answers."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from collectors.auth.authorisations import Caller
from collectors.errors import OtherPatientError
from collectors.reading.record_content import RecordContent
from ontology.resources import RecordRef
from server.errors import QuestionError
from server.executor.budget import Budget
from server.executor.record_question import MOST_RECORDS, RecordQuestion, records_of_trace
from server.executor.trace import Trace
from server.graphql.turns import Turns

Fetch: TypeAlias = Callable[[RecordQuestion], Awaitable[RecordContent]]


@dataclass(slots=True)
class Originals:
    """``traces`` are those of the request so far, each with its caller: whoever adds one makes its records available.

    Two fields of one record are one request.  Nothing is kept beyond the request.
    """

    fetch: Fetch
    budget: Budget | None = None
    turns: Turns = field(default_factory=Turns)
    traces: list[tuple[Trace, Caller]] = field(default_factory=list)
    _known: dict[RecordRef, RecordQuestion] = field(default_factory=dict)
    _fetched: dict[RecordRef, asyncio.Future[RecordContent]] = field(default_factory=dict)

    async def content(self, ref: RecordRef) -> RecordContent:
        """The record.  Raises QuestionError (``too-many-records``) and what ``Engine.record`` raises."""
        if ref not in self._fetched:
            if len(self._fetched) >= MOST_RECORDS:
                text = f"a request may ask for at most {MOST_RECORDS} records themselves"
                raise QuestionError("too-many-records", text)
            self._fetched[ref] = asyncio.ensure_future(self.fetch(self._question(ref)))
        return await self._fetched[ref]

    def _question(self, ref: RecordRef) -> RecordQuestion:
        while self.traces:
            for known, found in records_of_trace(*self.traces.pop()).items():
                self._known.setdefault(known, found)
        question = self._known.get(ref)
        if question is None:
            raise OtherPatientError("the record is not one that an answer of this request rests on")
        return replace(question, budget=self.budget)

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
from server.explain.prov import Form, serialize_record
from server.graphql.turns import Turns

Fetch: TypeAlias = Callable[[RecordQuestion], Awaitable[RecordContent]]


@dataclass(slots=True)
class Originals:
    """``traces`` are those of the request so far, each with its caller: whoever adds one makes its records available.

    Two fields of one record are one request to its source, and two of one form of it are rendered once.  Whatever is
    given out counts against what the request may read: aliases can ask for one record ten thousand times.  Nothing is
    kept beyond the request.
    """

    fetch: Fetch
    budget: Budget | None = None
    turns: Turns = field(default_factory=Turns)
    traces: list[tuple[Trace, Caller]] = field(default_factory=list)
    _known: dict[RecordRef, RecordQuestion | None] = field(default_factory=dict)
    _fetched: dict[RecordRef, asyncio.Future[RecordContent]] = field(default_factory=dict)
    _rendered: dict[tuple[RecordRef, Form], asyncio.Future[str]] = field(default_factory=dict)

    async def json(self, ref: RecordRef) -> bytes:
        """The record as FHIR JSON, as it came.

        Raises QuestionError (``too-many-records``) and what ``Engine.record`` raises, as ``rdf`` does.
        """
        body = (await self._content(ref)).body
        self._give_out(ref, len(body))
        return body

    async def rdf(self, ref: RecordRef, form: Form) -> str:
        """The record as FHIR RDF."""
        content = await self._content(ref)
        if (ref, form) not in self._rendered:
            rendering = self.turns.render(serialize_record, content.values, ref.server, form)
            self._rendered[ref, form] = asyncio.ensure_future(rendering)
        text = await self._rendered[ref, form]
        self._give_out(ref, len(text))
        return text

    def _give_out(self, ref: RecordRef, size: int) -> None:
        if self.budget is not None:
            self.budget.read_budget.spend(ref.source, 0, size)

    async def _content(self, ref: RecordRef) -> RecordContent:
        # Of each field anew: meanwhile an answer about another patient may rest on what has the same name.
        question = self._question(ref)
        if ref not in self._fetched:
            if len(self._fetched) >= MOST_RECORDS:
                text = f"a request may ask for at most {MOST_RECORDS} records themselves"
                raise QuestionError("too-many-records", text)
            self._fetched[ref] = asyncio.ensure_future(self.fetch(question))
        return await self._fetched[ref]

    def _question(self, ref: RecordRef) -> RecordQuestion:
        while self.traces:
            for known, found in records_of_trace(*self.traces.pop()).items():
                first = self._known.setdefault(known, found)
                if first is not None and first.subject != found.subject:
                    # A record without versions that went from one patient to another between two answers.
                    self._known[known] = None
        question = self._known.get(ref)
        if question is None:
            raise OtherPatientError("the record is not one that answers about one patient of this request rest on")
        return replace(question, budget=self.budget)

"""An engine that answers from traces made by hand, and queries put to the GraphQL endpoint over it."""

from collections.abc import Callable
from typing import Any

import msgspec

from collectors.auth.authorisations import Caller
from collectors.patient.banner import Banner
from collectors.reading.record_content import RecordContent
from collectors.settings import Source
from server.catalog.catalog import Catalog
from server.errors import QuestionError
from server.executor.question import Question
from server.executor.record_question import RecordQuestion
from server.executor.timeline import ConceptTimeline
from server.executor.trace import Trace
from server.graphql.endpoint import GraphQL
from server.settings import ServerSettings
from tests.support import traces as t


class FakeEngine:
    """Answers every question with one trace, or raises what it is given; keeps the questions."""

    def __init__(self, answer: Callable[[], Trace] | Exception = t.kfre_trace, sources: tuple[str, ...] = ("ehr",)):
        by_iri = {module.iri: module for module in t.MODULES.values()}
        self.catalog = Catalog(t.MODULES, by_iri, t.CONCEPTS, {}, "fake")
        self.answer = answer
        self.sources = sources
        self.questions: list[Question] = []

    def source(self, source_id: str | None) -> Source:
        if source_id is None and len(self.sources) == 1:
            return Source(self.sources[0], "http://127.0.0.1:8191/fhir")
        if source_id is None:
            raise QuestionError("source-required", f"say which source: {', '.join(self.sources)}")
        if source_id not in self.sources:
            raise QuestionError("unknown-source", "no source of this id is configured")
        return Source(source_id, "http://127.0.0.1:8191/fhir")

    async def banner(self, source_id: str, patient: str, caller: Caller | None = None) -> Banner:
        raise NotImplementedError("traces made by hand have no patients")

    async def timeline(self, question: Question, most: int) -> ConceptTimeline:
        raise NotImplementedError("traces made by hand have one time each")

    async def record(self, question: RecordQuestion) -> RecordContent:
        raise NotImplementedError("there is no source to read a record from")

    async def ask(self, question: Question) -> Trace:
        self.questions.append(question)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer()


Json = dict[str, Any]
TEXT = '{ patient(id: "p-17") { results(of: ["egfr"]) { text } } }'


def endpoint(engine: FakeEngine | None = None, **settings: Any) -> GraphQL:
    return GraphQL(engine or FakeEngine(), ServerSettings(**settings))


async def ask(query: str, engine: FakeEngine | None = None, variables: Json | None = None, **settings: Any) -> Json:
    response, _ = await endpoint(engine, **settings).run(query, variables)
    # As it is sent: a Bundle is encoded already.
    sent: Json = msgspec.json.decode(msgspec.json.encode(response))
    return sent


def error_codes(response: Json) -> list[str]:
    return [error["extensions"]["code"] for error in response.get("errors", [])]

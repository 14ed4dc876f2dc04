"""Several searches in one request: a FHIR batch, each part of which succeeds or fails alone."""

from collections.abc import Sequence
from typing import TypeAlias
from urllib.parse import urlencode

import msgspec

from collectors.errors import SourceAnswerError, SourceRefusedError
from collectors.fetching.search import Parameters
from collectors.reading.wire import NONE
from collectors.settings import Source

Query: TypeAlias = tuple[str, Parameters]
"""A search: its resource type and parameters."""


class _Response(msgspec.Struct, gc=False):
    status: str | None = None


class _Part(msgspec.Struct, gc=False):
    resource: msgspec.Raw = NONE
    response: _Response | None = None


class _Answer(msgspec.Struct, gc=False):
    resourceType: str  # noqa: N815  (FHIR's own name)
    type: str | None = None
    entry: list[_Part] = []


_ANSWER = msgspec.json.Decoder(_Answer)


def batch_of(searches: Sequence[Query]) -> bytes:
    """The batch that asks all of them."""
    parts = [
        {"request": {"method": "GET", "url": f"{resource_type}?{urlencode(list(parameters))}"}}
        for resource_type, parameters in searches
    ]
    return msgspec.json.encode({"resourceType": "Bundle", "type": "batch", "entry": parts})


def answers_in(body: bytes, count: int, source: Source) -> list[bytes]:
    """What answers each part, in the order asked.

    Raises SourceAnswerError where it is no answer to a batch or one of its parts fails, SourceRefusedError where one
    is not permitted.
    """
    try:
        answer = _ANSWER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SourceAnswerError(f"source {source.id}: the answer to a batch is no FHIR Bundle") from None
    if answer.resourceType != "Bundle" or answer.type != "batch-response" or len(answer.entry) != count:
        raise SourceAnswerError(f"source {source.id}: the answer to a batch is not one to each of its parts")
    for part in answer.entry:
        status = (part.response.status if part.response is not None else None) or ""
        if status[:3] in ("401", "403"):
            raise SourceRefusedError(f"source {source.id}: a part of a batch is not permitted ({status[:3]})")
        if status[:1] != "2" or not part.resource:
            raise SourceAnswerError(f"source {source.id}: a part of a batch fails")
    return [bytes(part.resource) for part in answer.entry]

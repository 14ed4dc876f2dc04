"""Several searches in one request: a FHIR batch, each part of which succeeds or fails alone."""

from collections.abc import Sequence
from urllib.parse import urlencode

import httpx
import msgspec

from collectors.errors import CollectorError, SourceAnswerError, SourceRefusedError
from collectors.fetching.client import Client, Fetched
from collectors.fetching.search import Parameters
from collectors.fetching.transport import Transport
from collectors.reading.wire import NONE
from collectors.settings import Source


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


async def batch(
    client: Client, transport: Transport, source: Source, resource_type: str, searches: Sequence[Parameters]
) -> tuple[list[Fetched | CollectorError], int]:
    """The first page of each search, in the order given, or why it could not be had; and how many requests it took.

    Raises CollectorError where the batch as a whole fails.
    """
    parts = [
        {"request": {"method": "GET", "url": f"{resource_type}?{urlencode(list(parameters))}"}}
        for parameters in searches
    ]
    sent = msgspec.json.encode({"resourceType": "Bundle", "type": "batch", "entry": parts})
    body, tries = await transport.post(httpx.URL(source.base_url), sent)
    try:
        answer = _ANSWER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SourceAnswerError(f"source {source.id}: the answer to a batch is no FHIR Bundle") from None
    if answer.resourceType != "Bundle" or answer.type != "batch-response" or len(answer.entry) != len(searches):
        raise SourceAnswerError(f"source {source.id}: the answer to a batch is not one to each of its parts")
    return [_part(part, client, source) for part in answer.entry], tries


def _part(part: _Part, client: Client, source: Source) -> Fetched | CollectorError:
    status = (part.response.status if part.response is not None else None) or ""
    if status[:3] in ("401", "403"):
        return SourceRefusedError(f"source {source.id}: a part of a batch is not permitted ({status[:3]})")
    if status[:1] != "2" or not part.resource:
        return SourceAnswerError(f"source {source.id}: a part of a batch fails")
    try:
        return client.page(bytes(part.resource))
    except CollectorError as error:
        return error

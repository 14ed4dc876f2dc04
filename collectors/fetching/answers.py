"""What of an answer can be used: its status, its kind, and the body."""

import re
from dataclasses import dataclass

import httpx

from collectors.fetching.addresses import joined, within
from collectors.fetching.unpacking import PACKED, UnfitError, read_body

HEADERS = {"Accept": "application/fhir+json", "Accept-Encoding": PACKED, "Cache-Control": "no-cache"}
"""What every request says: FHIR JSON, and none out of a cache that was not asked whether it still holds."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# RFC 9110, 8.8.3
_ETAG = re.compile(r'(W/)?"[\x21\x23-\x7e]{0,200}"')


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer, and how many requests it took.

    ``etag`` is the validator that came with it.  ``unchanged``: there is no body, since it is what it was at the ETag
    that was asked about.  ``keepable``: it does not forbid to be kept (no-store).
    """

    body: bytes
    requests: int = 1
    etag: str | None = None
    unchanged: bool = False
    keepable: bool = True


async def read_answer(response: httpx.Response, most: int) -> Answer:
    """The body of an answer of status 200, at most ``most`` bytes (UnfitError)."""
    check_kind(response.headers.get("content-type", ""))
    body = await read_body(response, most)
    etag = response.headers.get("etag", "").strip()
    control = {part.strip().lower() for part in response.headers.get("cache-control", "").split(",")}
    return Answer(
        body,
        etag=etag if _ETAG.fullmatch(etag) else None,
        keepable="no-store" not in control,
    )


def is_json(label: str) -> bool:
    """Whether a Content-Type is one of JSON."""
    kind = label.split(";")[0].strip().lower()
    # The last is FHIR's label of before STU3, which some servers of R4 have kept.
    return kind.endswith("+json") or kind in ("application/json", "text/json", "application/json+fhir")


def check_kind(label: str) -> None:
    """UnfitError where a Content-Type is not that of FHIR R4 in JSON."""
    if not is_json(label):
        html = "html" in label.lower()
        raise UnfitError("an answer is HTML, not FHIR" if html else "an answer is not labelled as JSON")
    for parameter in label.split(";")[1:]:
        name, _, value = parameter.partition("=")
        version = value.strip().strip('"')
        if name.strip().lower() == "fhirversion" and not version.startswith("4."):
            raise UnfitError("an answer is labelled as another version of FHIR than R4")


def redirected(response: httpx.Response, method: str, address: httpx.URL, base_url: str) -> httpx.URL | None:
    """Where an answer sends us, if it does: within the source only (UnfitError)."""
    status = response.status_code
    if status not in _REDIRECTS:
        return None
    if method != "GET":
        raise UnfitError(f"it redirects ({status}) what was posted, which is not followed")
    following = joined(address, response.headers.get("location", ""))
    if following is None:
        raise UnfitError(f"it redirects ({status}) to what is no address")
    if not within(following, base_url):
        raise UnfitError(f"it redirects ({status}) out of the source, which is not followed")
    return following

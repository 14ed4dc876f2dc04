"""One page of a search: a Bundle, and where the next one is."""

import msgspec

from collectors.fetching.unpacking import UnfitError
from collectors.reading import wire

_BOM = b"\xef\xbb\xbf"


def bundle_of(body: bytes) -> wire.Bundle:
    """A page (UnfitError)."""
    try:
        bundle = wire.BUNDLE.decode(body.removeprefix(_BOM))
    except msgspec.ValidationError:
        raise UnfitError("an answer is JSON, but not a FHIR Bundle") from None
    except RecursionError:
        raise UnfitError("an answer nests too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UnfitError("an answer is empty" if not body.strip() else "an answer is not readable JSON") from None
    if bundle.resourceType != "Bundle":
        # Only this type is named: any other is content of the answer.
        what = "an OperationOutcome" if bundle.resourceType == "OperationOutcome" else "a single record"
        raise UnfitError(f"an answer is {what}, not a search set")
    if bundle.type not in (None, "searchset"):
        raise UnfitError("an answer is a Bundle, but not a search set")
    return bundle


def total_of(bundle: wire.Bundle) -> int | None:
    """How many records there are, as the server says."""
    # Some write it as text, or with decimals.
    text = bytes(bundle.total).strip(b'"').removesuffix(b".0")
    return int(text) if text.isdigit() and len(text) < 20 else None


def next_of(bundle: wire.Bundle) -> str | None:
    """The address of the next page.  UnfitError where there are two, or one without an address."""
    links = {link.url or "" for link in bundle.link if link.relation == "next"}
    if "" in links:
        raise UnfitError("an answer has a next page, and does not say where")
    if len(links) > 1:
        raise UnfitError("an answer has more than one next page")
    return links.pop() if links else None


def link_of(bundle: wire.Bundle, relation: str) -> str | None:
    """The address of a link, as it is written."""
    return next((link.url for link in bundle.link if link.relation == relation and link.url), None)

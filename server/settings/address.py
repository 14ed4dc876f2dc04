"""Addresses of servers that are called."""

from urllib.parse import urlsplit

import httpx

from collectors.auth.hosts import loopback


def check_address(url: str, allow_http: bool) -> None:
    """ValueError unless this is an absolute https URL without user, query and fragment.

    Plain http only on loopback, or where it is allowed by name.
    """
    parts = urlsplit(url)
    # Reading the port raises ValueError where it is none.
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("base_url must be an absolute https URL")
    if not url.isprintable() or " " in url:
        raise ValueError("base_url must be an absolute https URL")
    try:
        _ = httpx.URL(url).host
    except (httpx.InvalidURL, ValueError):
        # An internationalised name that is none; the error would repeat parts of it.
        raise ValueError("base_url must be an absolute https URL") from None
    if "?" in url or "#" in url or parts.username is not None or parts.password is not None:
        raise ValueError("base_url must have no user, query or fragment")
    if parts.scheme == "http" and not (allow_http or loopback(parts.hostname)):
        raise ValueError("base_url must be https; plain http only on loopback, or with allow_http = true")

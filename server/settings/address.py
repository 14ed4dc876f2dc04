"""Addresses of servers that are called."""

from urllib.parse import urlsplit

from collectors.auth.hosts import loopback
from collectors.fetching.addresses import callable_address


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
    if not callable_address(url):
        raise ValueError("base_url must be an absolute https URL")
    if "?" in url or "#" in url or parts.username is not None or parts.password is not None:
        raise ValueError("base_url must have no user, query or fragment")
    if parts.scheme == "http" and not (allow_http or loopback(parts.hostname)):
        raise ValueError("base_url must be https; plain http only on loopback, or with allow_http = true")

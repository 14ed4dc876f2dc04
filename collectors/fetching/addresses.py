"""Addresses: which belong to a source, and to which a credential may be sent."""

import re
from ipaddress import ip_address

import httpx

# A server or a proxy before it may unpack %2f and %5c, even twice, take a backslash for a slash, and drop what follows
# a semicolon.
_STEPS_UP = re.compile(r"(^|[/\\]|%2f|%5c)(\.|%2e){1,2}([/\\;]|%2f|%5c|%3b|%00|$)", re.IGNORECASE)
_UNPACKED_TWICE = re.compile(r"%25(2e|2f|5c)", re.IGNORECASE)
INVALID_ADDRESS = (httpx.InvalidURL, UnicodeError)
"""What httpx raises where an answer redirects to no address, before it is asked to follow: no HTTPError."""

_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_within(address: httpx.URL, base_url: str) -> bool:
    """Whether an address lies at the source's origin and under its base path, and carries no credentials."""
    base = httpx.URL(base_url)
    try:
        host = address.host
    except ValueError:
        # It begins as an internationalised name does, and is none.
        return False
    if (address.scheme, host, _port(address)) != _origin(base) or address.userinfo:
        return False
    path = address.raw_path.split(b"?")[0].decode("ascii", "replace")
    root = base.raw_path.split(b"?")[0].decode("ascii", "replace").rstrip("/")
    if _STEPS_UP.search(path) or _UNPACKED_TWICE.search(path):
        return False
    return path == root or path.startswith(root + "/")


def is_callable_address(url: str) -> bool:
    """Whether a text is an address that can be called: an internationalised name may be none, for one."""
    try:
        return bool(httpx.URL(url).host)
    except (httpx.InvalidURL, ValueError):
        return False


def resolve_link(address: httpx.URL, link: str) -> httpx.URL | None:
    """The address that a link on the page at ``address`` leads to; None where it is none.

    A fragment is dropped: it is not sent, so that addresses that differ in it alone are one.
    """
    if not link or not link.isprintable():
        return None
    try:
        return address.join(link).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError):
        return None


def _port(address: httpx.URL) -> int | None:
    return address.port or _DEFAULT_PORTS.get(address.scheme)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_secure(address: httpx.URL) -> bool:
    """Whether what is sent to an address cannot be read on the way: https, or this machine."""
    return address.scheme == "https" or (address.scheme == "http" and is_loopback(address.host))


def may_receive_credentials(url: str) -> bool:
    """Whether a configured address is absolute, secure, and names no user and no fragment."""
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return bool(address.host) and is_secure(address) and not address.userinfo and not address.fragment


def same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether two addresses have scheme, host and port in common."""
    return _origin(one) == _origin(other)


def _origin(address: httpx.URL) -> tuple[str, str, int | None]:
    return address.scheme, address.host, _port(address)

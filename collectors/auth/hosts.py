"""Which addresses a credential may be sent to."""

from ipaddress import ip_address

import httpx

_PORTS = {"http": 80, "https": 443}


def loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def secure(address: httpx.URL) -> bool:
    """Whether what is sent to an address cannot be read on the way: https, or this machine."""
    return address.scheme == "https" or (address.scheme == "http" and loopback(address.host))


def fit_for_credentials(url: str) -> bool:
    """Whether a configured address is absolute, secure, and names no user and no fragment."""
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return bool(address.host) and secure(address) and not address.userinfo and not address.fragment


def same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether two addresses have scheme, host and port in common."""
    return _origin(one) == _origin(other)


def _origin(address: httpx.URL) -> tuple[str, str, int | None]:
    return address.scheme, address.host, address.port or _PORTS.get(address.scheme)

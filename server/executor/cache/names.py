"""The names of what the cache holds.  Each ends in a keyed hash: nothing about a patient can be read in one."""

from server.executor.fingerprint import FORMAT

_PREFIX = f"mt:{FORMAT}"


def value_name(fingerprint: str) -> str:
    """Where the evaluation with this fingerprint is."""
    return f"{_PREFIX}:{fingerprint}"


def lock_name(fingerprint: str) -> str:
    """Who holds this may evaluate what the fingerprint names."""
    return f"{_PREFIX}:lock:{fingerprint}"


def seen_name(hashed: str) -> str:
    """Where the last-seen entry with this keyed hash is."""
    return f"{_PREFIX}:seen:{hashed}"


def shelf_name(hashed: str) -> str:
    """Where what was fetched under the name with this keyed hash is."""
    return f"{_PREFIX}:shelf:{hashed}"

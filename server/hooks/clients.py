"""The clients that may call services, and the check of the JWT that each call bears (CDS Hooks 2.0, security)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HookClient:
    """Who calls: an EHR that the settings name, or anybody on loopback where none are named (``id`` is empty then).

    sources: the ids of the sources whose base URLs and aliases it may name as ``fhirServer``.
    """

    id: str
    sources: frozenset[str]

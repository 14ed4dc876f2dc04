"""What the executor remembers between questions: results by fingerprint, and what each caller was told last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ontology.inputs import Consumed
from server.catalog.descriptions import Description
from server.executor.cache.keys import Keyring
from server.executor.cache.store import Store
from server.executor.environment import Environment
from server.executor.fingerprint import fingerprint
from server.executor.flight import SingleFlight
from server.executor.trace import Execution


@dataclass(frozen=True, slots=True)
class Subject:
    """Who was told about whom: source, patient, and the caller's scope."""

    source: str
    patient: str
    scope: str


class Memory:
    """The cache, with the keys and the environment that make names in it."""

    def __init__(self, store: Store, keys: Keyring, environment: Environment, zone: ZoneInfo, ttl: timedelta) -> None:
        self.store = store
        self.keys = keys
        self.environment = environment
        self.zone = zone
        self.ttl = ttl
        self.flight = SingleFlight(store, ttl)

    def fingerprint(self, description: Description, inputs: Mapping[str, Consumed], at: datetime) -> str:
        """The name of the result of this call on these inputs."""
        return fingerprint(description, inputs, at, self.environment, self.keys.fingerprint, self.zone)

    async def explain(
        self, subject: Subject, made: Sequence[Execution], points: Sequence[bool]
    ) -> tuple[Execution, ...]:
        """The executions with the reason why each ran, or that it was reused."""
        return tuple(replace(e, reason="reused" if e.reused else "first seen") for e in made)

    async def close(self) -> None:
        """Give back connections, and stop the embedded cache."""
        await self.store.close()

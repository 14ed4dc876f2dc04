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
from server.executor.fingerprint import Digests, fingerprint
from server.executor.flight import SingleFlight
from server.executor.lastseen import LastSeen, last_seen_name, observe, read_last_seen, write_last_seen
from server.executor.reasons import reason
from server.executor.trace import Circumstances, Execution
from server.executor.turns import by_turns

REUSED = "reused"


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
        self.under = Circumstances(environment, zone, keys.sealing)
        self.ttl = ttl
        self.flight = SingleFlight(store, ttl)

    def digests(self) -> Digests:
        """For the inputs of one run."""
        return Digests(self.keys.fingerprint)

    def fingerprint(
        self, description: Description, inputs: Mapping[str, Consumed], at: datetime, digests: Digests | None = None
    ) -> str:
        """The name of the result of this call on these inputs."""
        return fingerprint(description, inputs, at, self.environment, self.keys.fingerprint, self.zone, digests)

    async def explain(
        self, subject: Subject, made: Sequence[Execution], points: Sequence[bool], digests: Digests | None = None
    ) -> tuple[Execution, ...]:
        """The executions with the reason why each ran, or that it was reused; one look-up, and one write at most.

        Entries are written anew for each answer, so that they outlive the results and "expired" can be said; but for
        points of a series, of which there may be thousands.
        """
        pairs = list(zip(made, points, strict=True))
        names = await by_turns(lambda pair: self._seen_name(subject, *pair), pairs)
        previous = await read_last_seen(self.store, names)
        entries: dict[str, LastSeen] = {}

        def tell(each: tuple[Execution, bool, str, LastSeen | None]) -> Execution:
            execution, point, name, before = each
            if execution.reused and before is not None and before.fingerprint == execution.fingerprint:
                if not point:
                    entries[name] = before
                return replace(execution, reason=REUSED)
            entries[name] = now = self._observe(execution, digests)
            return replace(execution, reason=reason(before, now, execution.reused, self.store.available))

        told = await by_turns(tell, list(zip(made, points, names, previous, strict=True)))
        if entries:
            await write_last_seen(self.store, entries, self.ttl)
        return tuple(told)

    def _seen_name(self, subject: Subject, execution: Execution, point: bool) -> str:
        at = execution.as_of if point else None
        module = execution.description.iri
        return last_seen_name(subject.source, subject.patient, module, at, subject.scope, self.keys.seen)

    def _observe(self, execution: Execution, digests: Digests | None) -> LastSeen:
        return observe(
            execution.description,
            {name: Consumed(i.value, i.bounds) for name, i in execution.inputs.items()},
            execution.as_of,
            execution.fingerprint,
            self.environment,
            self.keys.fingerprint,
            self.zone,
            digests,
        )

    async def close(self) -> None:
        """Give back connections, and stop the embedded cache."""
        await self.store.close()

"""The name of a result: a keyed hash of exactly what it is computed from.

Values enter by their own digests, not by the fingerprints of what produced them: where a call upstream runs again
and yields the same value, all downstream of it stays cached (early cutoff).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo

from ontology.encoding import Encodable, digest, digest_encoded, encode, framed_list
from ontology.inputs import Consumed
from server.catalog.descriptions import Description
from server.executor.environment import Environment, measure_environment

__all__ = [
    "FORMAT",
    "PUBLIC",
    "Consumed",
    "Digests",
    "Environment",
    "consumed_digest",
    "fingerprint",
    "measure_environment",
    "truncate",
]

FORMAT = 2
"""Version of the form of fingerprints and of cached values; raise it when either changes."""

PUBLIC = b"medtwin public"
"""A key that is no secret: under it a fingerprint can be reckoned anywhere.  Only for what tells inputs in clear."""

_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PERSON = b"mt.fingerprint"


def consumed_digest(consumed: Consumed, key: bytes) -> str:
    """Keyed digest of one input: the value in canonical form and the limits of its bounds, in hex."""
    bounds = consumed.bounds
    limits = None if bounds is None else (bounds.low, bounds.high, bounds.unit)
    return digest((consumed.value, limits), key, _PERSON)


class Digests:
    """The digests of the inputs of one run: many modules read the same values, and each is digested once.

    It holds what patients' values are found by, so it must not outlive the run.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: dict[tuple[type, Consumed], str] = {}

    def of(self, consumed: Consumed) -> str:
        """``consumed_digest`` under the key.  Equal inputs of one type have one canonical form."""
        known = self._known.get((type(consumed.value), consumed))
        if known is None:
            known = self._known[type(consumed.value), consumed] = consumed_digest(consumed, self._key)
        return known


def fingerprint(
    description: Description,
    inputs: Mapping[str, Consumed],
    at: datetime | None,
    environment: Environment,
    key: bytes,
    zone: tzinfo = UTC,
    digests: Digests | None = None,
) -> str:
    """Keyed BLAKE2b (32 bytes, in hex) of all that the module's result depends on; ``key`` has at most 64 bytes.

    The evaluation time counts only where the module declares that it reads it, at the granularity it declares, in
    ``zone``: the module must then be given ``truncate(at, …)`` and nothing finer.  ``digests``: those of the run,
    under the same key.  Raises ValueError where a
    module that reads the time is given none, and EncodingError for an input without canonical form.
    """
    known = digests or Digests(key)
    inputs_form = {name: known.of(consumed) for name, consumed in inputs.items()}
    time = _time(description.evaluation_time, at, zone)
    items = (encode(inputs_form), encode(time), encode(environment.digest(description.kind)))
    return digest_encoded(framed_list(_described(description), *items), key, _PERSON)


_described_forms: dict[int, tuple[Description, bytes]] = {}
_MOST_DESCRIBED = 4096


def _described(description: Description) -> bytes:
    """What of the form belongs to the description, encoded: the same at each of its executions.

    Known by the object itself, which is held so that its identity stays its own.
    """
    found = _described_forms.get(id(description))
    if found is not None and found[0] is description:
        return found[1]
    parts: tuple[Encodable, ...] = (
        FORMAT,
        description.iri,
        description.digest,
        description.code_digest,
        dict(description.parameters),
    )
    encoded = b"".join([encode(part) for part in parts])
    if len(_described_forms) >= _MOST_DESCRIBED:
        _described_forms.clear()
    _described_forms[id(description)] = (description, encoded)
    return encoded


def truncate(at: datetime, granularity: timedelta, zone: tzinfo = UTC) -> datetime:
    """The evaluation time as a module that reads it at this granularity may see it, in ``zone``.

    Whole days begin at local midnight and are counted from 1970-01-01; finer steps are counted in UTC from
    then.  Raises ValueError for a granularity that is not positive or a time without a zone.
    """
    if granularity <= timedelta(0):
        raise ValueError("a granularity must be positive")
    if at.utcoffset() is None:
        raise ValueError("an evaluation time must carry a zone")
    if granularity % _DAY:
        return (at - (at - _EPOCH) % granularity).astimezone(zone)
    local = at.astimezone(zone).date()
    days = (local - _EPOCH.date()).days % (granularity // _DAY)
    return datetime.combine(local - timedelta(days=days), datetime.min.time(), zone)


def _time(granularity: timedelta | None, at: datetime | None, zone: tzinfo) -> str | None:
    if granularity is None:
        return None
    if at is None:
        raise ValueError("a module that reads the evaluation time was given none")
    # As written, with its offset: one instant is a different day in another zone.
    return truncate(at, granularity, zone).isoformat()

"""A question about one patient."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ontology.values import Value
from server.executor.budget import Budget


@dataclass(frozen=True, slots=True)
class Question:
    """Which concepts (ids) of which patient, as of when (None: now), in which source, on which assumptions.

    ``assume`` maps concept ids to values in the concept's unit.  ``token`` is the caller's bearer token, passed on to
    sources that ask for it.  ``scope`` stands for the caller's authorisation (left out: a keyed hash of the token):
    what one caller was last told never shows in another's answer.

    ``earlier``: times before ``at`` at which the same is answered too, from the same records and with what was known
    then, to compare with; ``recorded``: so it is without the assumptions.  ``budget`` is that of the request (None:
    one of its own, as the settings allow).
    """

    patient: str
    of: tuple[str, ...]
    at: datetime | None = None
    source: str | None = None
    assume: Mapping[str, Value] = field(default_factory=dict)
    scope: str = ""
    token: str | None = field(default=None, repr=False)
    earlier: tuple[datetime, ...] = ()
    recorded: bool = False
    budget: Budget | None = field(default=None, repr=False, compare=False)

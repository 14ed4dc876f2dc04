"""Slots: the named inputs of a module."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from ontology.concepts import Concept
from ontology.values import Coding


class Select(StrEnum):
    """Which of the facts fills the slot, as of the evaluation time."""

    LATEST = "latest"
    EARLIEST = "earliest"
    SERIES = "series"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Slot:
    """A named input: what, in which unit, which of the facts, how old at most, and whether it must be there.

    ``window`` bounds the age of a fact at the evaluation time (None: any age).  ``minimum``/``maximum`` are the
    module's validated range, in ``unit``: a value outside is used with a rebuttal, since plausible it is.
    ``step_back`` lets ``latest`` pass a newer fact that is implausible or unreadable.  ``accepts_bound`` lets a
    ``Bound`` in.  ``closed_world``: "not recorded" is "no" for ``any``.  ``bound_by_ends``: where only an interval
    is known, the module may be evaluated at both ends (it is monotone there); ``candidates``: where nothing is
    known, it may be evaluated for each.  ``applicability_only``: read by the criteria, not by ``evaluate``.
    ``ever``: a resolved or "history of" condition counts too.  ``comparison``: handed to ``evaluate`` only to be
    compared with the result (a laboratory's own figure); its absence leaves nothing incomplete.
    ``current_only``: not asked at the points of a series, which are looked at as a whole by what consumes it.
    ``no_if_reconciled``: the list of which a missing entry means "no" if it is complete (``site.absence``).
    ``alternative``: one of several ways to the value; where it is not recorded, nothing is incomplete for that.
    ``enabled_by``: the id of a site concept; unless that is set to true, the slot stays empty.
    """

    name: str
    concept: Concept
    select: Select
    required: bool
    unit: str | None = None
    window: timedelta | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    step_back: bool = False
    accepts_bound: bool = False
    closed_world: bool = False
    bound_by_ends: bool = False
    candidates: tuple[Coding | bool, ...] = ()
    applicability_only: bool = False
    ever: bool = False
    comparison: bool = False
    current_only: bool = False
    prefer_recorded: bool = False
    no_if_reconciled: Concept | None = None
    alternative: bool = False
    enabled_by: str | None = None

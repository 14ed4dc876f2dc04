"""Criteria as descriptions declare them: trees over slots, read in three-valued logic by ``server.kinds``."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from ontology.values import Coding


@dataclass(frozen=True, slots=True)
class Compare:
    """A number against limits; ``None`` is no limit.

    ``precision`` rounds half up to a multiple of it before comparing; ``completed`` floors to whole units
    (completed years of age).  Both leave the shown value as it is.
    """

    slot: str
    at_least: Decimal | None = None
    above: Decimal | None = None
    at_most: Decimal | None = None
    below: Decimal | None = None
    precision: Decimal | None = None
    completed: bool = False
    label: str | None = None


@dataclass(frozen=True, slots=True)
class OneOf:
    """A code among others."""

    slot: str
    codes: tuple[Coding, ...]
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Is:
    """A truth value."""

    slot: str
    expected: bool
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Present:
    """Whether the slot is filled: unknown where that cannot be determined.

    Not found, stale and recorded as unknown are "no"; a failed or forbidden search, and records that contradict each
    other or cannot be read, are unknown.
    """

    slot: str
    label: str | None = None


@dataclass(frozen=True, slots=True)
class AllOf:
    """True if all parts are; false if one is false."""

    parts: tuple["Criterion", ...]
    label: str | None = None


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True if one part is; false if all are false."""

    parts: tuple["Criterion", ...]
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; unknown stays unknown."""

    part: "Criterion"
    label: str | None = None


Criterion: TypeAlias = Compare | OneOf | Is | Present | AllOf | AnyOf | Not


@dataclass(frozen=True, slots=True)
class Band:
    """One band of a score's criterion: ``match`` None matches everything that came so far."""

    match: Criterion | None
    points: Decimal
    label: str
    when: Criterion | None = None


@dataclass(frozen=True, slots=True)
class ScoreCriterion:
    """Ordered bands over one slot (``slot`` names the contribution); the first that matches gives the points."""

    slot: str
    label: str
    bands: tuple[Band, ...]


@dataclass(frozen=True, slots=True)
class RuleCase:
    """One case of a rule: the first whose criterion is true gives the output.  ``when`` None: otherwise."""

    when: Criterion | None
    output: Coding | bool
    label: str


@dataclass(frozen=True, slots=True)
class Applicability:
    """For whom the module is not applicable (``refuse``), or less valid; unknown adds a rebuttal.

    ``consequence``: what follows where it is known to hold.  ``unless``: the criterion of a ground that says more;
    where that one is known to hold, this one is not reported.
    ``only_where``: whom the ground can concern at all.  Where that is known to be false, it is not raised that the
    ground is not recorded; a ground that is known counts whoever it is.  ``short``: ``text`` in at most twelve words.
    """

    criterion: Criterion
    refuse: bool
    text: str
    consequence: str | None = None
    unless: Criterion | None = None
    only_where: Criterion | None = None
    short: str | None = None


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What, where it is recorded, speaks against a "no" from a list in ``slot``: a criterion on one other slot.

    Of a series it is enough that one of its values meets the criterion.
    """

    slot: str
    criterion: Compare | Is
    text: str


@dataclass(frozen=True, slots=True)
class Remark:
    """What is reported when a criterion holds (or, with ``on_unknown``, is unknown).

    ``criterion`` None: always.  ``qualifier``: limits the claim itself instead of standing among the issues.
    ``short``: ``text`` in at most twelve words.  ``always_shown``: a short answer shows it, though every answer has it.
    """

    criterion: Criterion | None
    text: str
    code: str
    severity: str = "WARNING"
    on_unknown: bool = False
    qualifier: bool = False
    short: str | None = None
    always_shown: bool = False


@dataclass(frozen=True, slots=True)
class Advice:
    """What the module's source recommends in this band."""

    text: str
    citation: str
    strength: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One interpretation band over the result: ordered, the first that matches counts.

    ``match`` compares the pseudo-slot ``result``; ``single`` matches where one criterion alone scores that many
    points; ``when`` limits the band to whom its source means; all None matches everything.
    """

    match: Criterion | None
    coding: Coding
    text: str
    single: Decimal | None = None
    when: Criterion | None = None
    citation: str | None = None
    advice: tuple[Advice, ...] = ()

"""What resources are about and what questions ask for, as the Turtle describes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from ontology.values import Coding, Value


class Origin(StrEnum):
    """Where a concept's values come from."""

    OBSERVATION = "OBSERVATION"
    CONDITION = "CONDITION"
    MEDICATION = "MEDICATION"
    DRAFT_ORDER = "DRAFT_ORDER"
    ALLERGY = "ALLERGY"
    PROCEDURE = "PROCEDURE"
    ENCOUNTER = "ENCOUNTER"
    LIST = "LIST"
    IMMUNIZATION = "IMMUNIZATION"
    FAMILY_HISTORY = "FAMILY_HISTORY"
    QUESTIONNAIRE = "QUESTIONNAIRE"
    PATIENT = "PATIENT"
    SITE = "SITE"
    COMPUTED = "COMPUTED"


EVENT_ORIGINS = frozenset(
    {
        Origin.CONDITION,
        Origin.MEDICATION,
        Origin.DRAFT_ORDER,
        Origin.ALLERGY,
        Origin.PROCEDURE,
        Origin.ENCOUNTER,
        Origin.IMMUNIZATION,
        Origin.FAMILY_HISTORY,
    }
)
"""Origins whose records say that something was so or was done, rather than what was measured."""


class ValueType(StrEnum):
    """Of which type a concept's values are."""

    QUANTITY = "QUANTITY"
    CODING = "CODING"
    FLAG = "FLAG"
    DATE = "DATE"


@dataclass(frozen=True, slots=True)
class AcceptedCode:
    """A code under which the concept is found in records.

    ``caution`` is reported when a record with this code is used; ``needs_unit`` refuses a record
    without a unit under it; ``ever``: the code itself says "history of", so it counts only where a slot asks ever;
    of two codes the one with lower ``rank`` is preferred at one time.  ``asserts``: what a record under this code
    states by itself, where it has neither a value nor a reason for its absence (None: nothing).
    ``translated``: a source's local code that a concept map reads as one of the concept's own; ``but`` are the codes
    that one with a * at its end does not stand for.  ``of_set``: a member of a value set, whose codes are all known.
    ``probable``: the code may mean the concept or something else (a group of combinations), so that it says neither.
    ``timed``: by the code, the specimen was collected over time.

    ``recorded_in``: records of this origin hold the code, not those of the concept's own (a pregnancy status is an
    Observation, a session of dialysis a Procedure).  For so long after it was recorded, such a yes counts as going on
    (``holds_for``), and such a no as still so (``denied_for``); None: without limit.
    """

    coding: Coding
    caution: str | None = None
    needs_unit: bool = False
    ever: bool = False
    rank: int = 0
    asserts: bool | None = None
    translated: bool = False
    excluded: frozenset[str] = frozenset()
    of_set: bool = False
    probable: bool = False
    timed: bool = False
    recorded_in: Origin | None = None
    holds_for: timedelta | None = None
    denied_for: timedelta | None = None


@dataclass(frozen=True, slots=True)
class AcceptedValueSet:
    """A value set all of whose codes are accepted alike, by its canonical; the rest as in ``AcceptedCode``."""

    canonical: str
    caution: str | None = None
    needs_unit: bool = False
    ever: bool = False
    rank: int = 0
    asserts: bool | None = None


@dataclass(frozen=True, slots=True)
class CompleteIn:
    """Code systems of which a concept decides every code: one that it does not accept is something else.

    ``undecided`` are codes (with * at the end: all that begin with it) that leave the concept open.
    """

    systems: frozenset[str]
    undecided: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExcludingCode:
    """A code that, beside an accepted one, says that a record is of something else: its display says of what.

    ``caution``: the record is used all the same, and this is reported (None: it is not used).
    """

    coding: Coding
    caution: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A recorded answer and the canonical code that it means for the concept; ``note`` is reported where it is used."""

    recorded: Coding
    means: Coding | bool
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Concept:
    """A concept: identity, codes in use, unit and limits.

    ``unit`` is the UCUM unit in which values are kept; ``units`` are the only UCUM units that are read.
    ``plausible_low``/``plausible_high`` bound what a living person can have, in ``unit``.  ``molar_mass``
    in g/mol lets mass and molar units meet.  ``element`` names what a Patient record gives.
    ``recorded_as`` is the IRI of the concept under which records hold what is computed here.  ``codes`` name the
    concept itself on the way out; ``accepted`` are the codes under which it is read.  ``panels`` are the
    panel codes under which records hold the concept as a component; ``valued_panels`` those of them whose records have
    a value of their own (an oxygen saturation, with the flow as a component).

    ``accepted_sets`` and ``only_in`` are value sets (canonicals) that only a terminology server can work out, when the
    concept is asked for: all codes of the former are accepted, and of all that is accepted only what is in the latter.
    What can be worked out at start is in ``accepted`` already.  ``relationships`` are the relatives (codes of HL7's
    v3-RoleCode) whose conditions a family history counts; none: those of any relative.  ``ingredient_names`` are the
    names of the ingredients of a medication, and of products that contain one of them: an entry that has such a name in
    its words is probably that.  ``complete_in``: in
    which code systems a code that is not accepted is known to be something else.  ``order_of`` is the IRI of the
    medication of which it is a draft order; the catalog copies codes and names from there.
    ``system_aliases`` gives the code system's URI for each other spelling of it, of all systems.

    ``synonyms`` are other words by which clinicians look for it; they are never matched with what records say.

    ``excluded_by`` are the codes that take a record away from the concept.  ``rivals`` are the codes, as (system,
    code), of all measurements that no value can be of as well, each with the display of its concept: a record coded as
    both says nothing certain.  The catalog fills it.  ``usual_sites``: the body sites (codes, and words of a text) at
    which it is measured; a value of any other site carries a caution.
    """

    iri: str
    id: str
    display: str
    origin: Origin
    value_type: ValueType
    codes: tuple[Coding, ...] = ()
    accepted: tuple[AcceptedCode, ...] = ()
    panels: tuple[Coding, ...] = ()
    answers: tuple[Answer, ...] = ()
    unit: str | None = None
    units: tuple[str, ...] = ()
    plausible_low: Decimal | None = None
    plausible_high: Decimal | None = None
    molar_mass: Decimal | None = None
    reference: Value | None = None
    element: str | None = None
    recorded_as: str | None = None
    note: str | None = None
    accepted_sets: tuple[AcceptedValueSet, ...] = ()
    only_in: str | None = None
    relationships: tuple[str, ...] = ()
    ingredient_names: tuple[str, ...] = ()
    complete_in: tuple[CompleteIn, ...] = ()
    valued_panels: tuple[Coding, ...] = ()
    system_aliases: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False, compare=False)
    excluded_by: tuple[ExcludingCode, ...] = ()
    synonyms: tuple[str, ...] = field(default=(), compare=False)
    rivals: Mapping[tuple[str, str], str] = field(default_factory=dict, repr=False, compare=False)
    usual_sites: tuple[Coding, ...] = ()
    usual_site_words: tuple[str, ...] = ()
    order_of: str | None = None

    @property
    def origins(self) -> frozenset[Origin]:
        """The origins of all records that hold it: its own, and those of codes that are recorded elsewhere."""
        return frozenset({self.origin, *(each.recorded_in for each in self.accepted if each.recorded_in is not None)})

    def codes_in(self, origin: Origin) -> tuple[Coding, ...]:
        """The codes under which records of an origin hold it, on their own or as a component."""
        held = tuple(each.coding for each in self.accepted if (each.recorded_in or self.origin) is origin)
        return (*held, *self.panels) if origin is self.origin else held

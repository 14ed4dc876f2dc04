"""The description of a module: identity, slots, criteria, parameters and digests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from ontology.concepts import Concept
from ontology.slots import Slot
from server.catalog.criteria import Applicability, Contradiction, Outcome, Remark, RuleCase, ScoreCriterion
from server.catalog.trained_model import TrainedModel


class Kind(StrEnum):
    """The kinds of module."""

    EQUATION = "EQUATION"
    SCORE = "SCORE"
    RULE = "RULE"
    MODEL = "MODEL"


@dataclass(frozen=True, slots=True)
class MaxTimeApart:
    """How far apart the facts of a group of slots may lie; older ones than the newest allows are stale."""

    slots: tuple[str, ...]
    duration: timedelta


@dataclass(frozen=True, slots=True)
class OneSpecimen:
    """Slots that are filled from one specimen: a recorded result, and the parts from which it can be computed."""

    result: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RiskDefinition:
    """What a probability is of, and until when (ISO 8601 duration); ``kidney failure``, ``P5Y``."""

    outcome: str
    horizon: str


@dataclass(frozen=True, slots=True)
class Description:
    """A module as its Turtle describes it.

    ``digest`` is over the canonical graph of the description; ``code_digest`` over the folder's Python sources
    (empty where there are none).  ``evaluation_time``: the granularity in which the module reads the evaluation
    time (None: it does not).  ``partial_total``: a score that may be shown with inputs missing, as its lowest total.
    ``display_decimals`` is for sentences only.  ``model``: what a module of the model kind loads.  ``contradictions``:
    what is recorded against a "no" from a list.
    """

    iri: str
    id: str
    kind: Kind
    version: str
    title: str
    produces: Concept
    unit: str | None
    slots: tuple[Slot, ...]
    digest: str
    turtle: str
    folder: Path
    citations: tuple[str, ...]
    intended_use: str
    code_digest: str = ""
    parameters: Mapping[str, Decimal] = field(default_factory=dict)
    evaluation_time: timedelta | None = None
    within: MaxTimeApart | None = None
    one_specimen: OneSpecimen | None = None
    applicability: tuple[Applicability, ...] = ()
    criteria: tuple[ScoreCriterion, ...] = ()
    cases: tuple[RuleCase, ...] = ()
    remarks: tuple[Remark, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    partial_total: bool = False
    preferred: bool = False
    risk: RiskDefinition | None = None
    display_decimals: int | None = None
    model: TrainedModel | None = None
    contradictions: tuple[Contradiction, ...] = ()

    def slot(self, name: str) -> Slot:
        """The slot of this name (KeyError if there is none)."""
        for slot in self.slots:
            if slot.name == name:
                return slot
        raise KeyError(name)

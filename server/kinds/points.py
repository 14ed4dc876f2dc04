"""The points of one criterion of a score.

Bands are read in order: a band known not to match is passed, one that may match stays possible, and the first that is
known to match ends the reading.  Where every band is known not to match, the criterion gives no points.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ontology.inputs import Consumed
from server.catalog.criteria import Band, ScoreCriterion
from server.catalog.descriptions import Description
from server.kinds.logic import Verdict, all_of, any_of, judge_optional, slots_of
from server.kinds.wording import listed


@dataclass(frozen=True, slots=True)
class Scored:
    """One criterion with the bands that may still hold; no band stands for no points."""

    criterion: ScoreCriterion
    bands: tuple[Band | None, ...]

    @property
    def points(self) -> tuple[Decimal, ...]:
        """The possible points, least first, each once."""
        return tuple(sorted({Decimal(0) if band is None else band.points for band in self.bands}))

    @property
    def label(self) -> str:
        """The possible bands in words."""
        return listed(("none of its bands" if band is None else band.label for band in self.bands), "or")


def score_criterion(criterion: ScoreCriterion, inputs: Mapping[str, Consumed]) -> Scored:
    """Which bands of the criterion may hold."""
    possible: list[Band | None] = []
    for band in criterion.bands:
        verdict = all_of((judge_optional(band.when, inputs), judge_optional(band.match, inputs)))
        if verdict is not False:
            possible.append(band)
        if verdict is True:
            return Scored(criterion, tuple(possible))
    return Scored(criterion, (*possible, None))


def read_by(criterion: ScoreCriterion) -> tuple[str, ...]:
    """The slots that the criterion reads: its own first, then those of its bands."""
    names = [criterion.slot]
    for band in criterion.bands:
        names += [*slots_of(band.match), *slots_of(band.when)]
    return tuple(dict.fromkeys(names))


def alone(description: Description, inputs: Mapping[str, Consumed], points: Decimal) -> Verdict:
    """Whether one criterion by itself scores ``points`` or more."""
    verdicts: list[Verdict] = []
    for criterion in description.criteria:
        possible = score_criterion(criterion, inputs).points
        verdicts.append(True if possible[0] >= points else None if possible[-1] >= points else False)
    return any_of(verdicts)

"""The bands of a score and of a value, and the criteria of a rule: in words, with limits, and which are met."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from ontology.values import Coding
from ontology.words.lists import list_words
from ontology.words.quantities import number_words, unit_words
from server.catalog.criteria import OneOf, Outcome
from server.catalog.descriptions import Description, Kind
from server.explain.bands import BandView, bands_of, met_bands
from server.explain.results import StepView
from server.kinds.logic import judge_optional

MET, NOT_MET, UNKNOWN, NOT_ASKED = "met", "not met", "not known", "not looked at"
_SHOWN_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Criterion:
    """A band or a criterion in words, its points or the values that it covers, and whether it is met."""

    text: str
    points: str
    verdict: str
    limits: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The bands of one criterion or of the value, in order; the first that holds counts.

    ``limits``: the head of the column of values; empty where there is none.
    """

    name: str
    rows: tuple[Criterion, ...]
    limits: str = ""


def band_tables(step: StepView) -> Iterator[Table]:
    """The bands of each criterion of a score, then those of the value."""
    met, bands = met_bands(step), bands_of(step.module)
    scored = [each for each in bands if each.slot is not None]
    for _, some in groupby(scored, key=lambda each: (each.slot, each.text.partition(": ")[0])):
        found = tuple(some)
        name = found[0].text.partition(": ")[0]
        own = [each for each in found if each in met]
        rows = tuple(
            Criterion(each.text.partition(": ")[2] or each.text, _points(each), _verdict(each in own, bool(own)))
            for each in found
        )
        yield Table(name, rows)
    outcomes = [each for each in bands if each.slot is None]
    if outcomes:
        yield _meanings(step.module, outcomes, [each for each in met if each.slot is None])


def _meanings(module: Description, bands: Sequence[BandView], met: Sequence[BandView]) -> Table:
    """The bands of the value, with the values that each covers where its own words do not have them all."""
    points = [[band.points for band in each.bands] for each in module.criteria]
    least = sum((min(each) for each in points), Decimal(0)) if module.kind is Kind.SCORE else None
    limits = [_limits_words(each, least) for each in bands]
    shown = any(limits) and not all(_has_limits(each) for each in bands)
    rows = tuple(
        Criterion(f"{each.text}{_for_whom(outcome)}", "", _verdict(each in met, bool(met)), words if shown else "")
        for each, outcome, words in zip(bands, module.outcomes, limits, strict=True)
    )
    unit = module.produces.unit
    head = "Points" if unit == "{score}" else f"Value, {unit_words(unit)}" if unit else "Value"
    return Table("What the value means", rows, head if shown else "")


def _for_whom(outcome: Outcome) -> str:
    """`` (female)``: to whom the source limits a band."""
    when = outcome.when
    if not isinstance(when, OneOf):
        return ""
    return f" ({list_words((_name(each) for each in when.codes), 'or')})"


def _name(code: Coding) -> str:
    return code.display or code.code


def _has_limits(band: BandView) -> bool:
    return all(each is None or number_words(each) in band.text for each in (band.low, band.high))


def _limits_words(band: BandView, least: Decimal | None) -> str:
    """``7 or more``, ``5 to 6``, ``15 to below 30``, ``above 10``; empty where there is no limit.

    ``least``: of a score, whose points are whole, the fewest.
    """
    low, high = band.low, band.high
    if least is not None and high is not None:
        first, last = (number_words(each) for each in (least if low is None else low, high - 1))
        return last if first == last else f"{first} to {last}"
    begin = "" if low is None else f"above {number_words(low)}" if _is_next(low) else number_words(low)
    if high is None:
        return begin if _is_next(low) or not begin else f"{begin} or more"
    end = f"up to {number_words(high)}" if _is_next(high) else f"below {number_words(high)}"
    return f"{begin}{' to ' if begin and not begin.startswith('above') else ', ' if begin else ''}{end}"


def _is_next(limit: Decimal | None) -> bool:
    """Whether it is the first number above a limit, which is then the limit of what is at most that."""
    return limit is not None and len(limit.as_tuple().digits) > _SHOWN_DIGITS


def _verdict(met: bool, decided: bool) -> str:
    return MET if met else NOT_MET if decided else UNKNOWN


def _points(band: BandView) -> str:
    return "" if band.points is None else number_words(band.points)


def rule_cases(step: StepView) -> Iterator[Criterion]:
    """The cases of a rule in order: the first that holds gives the value; those after it are not looked at."""
    inputs = {ground.slot: ground.consumed for ground in step.grounds}
    over = False
    for case in step.module.cases:
        verdict = None if over else judge_optional(case.when, inputs)
        shown = NOT_ASKED if over else MET if verdict else UNKNOWN if verdict is None else NOT_MET
        yield Criterion(case.label, "", shown)
        over = over or verdict is not False

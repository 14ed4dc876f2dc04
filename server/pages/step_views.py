"""How an answer follows: each step with its warrant, the bands of a score, the criteria of a rule, a model's shares."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from markupsafe import Markup

from ontology.values import Absent
from ontology.words.quantities import number_words
from server.catalog.descriptions import Kind
from server.explain.bands import BandView, bands_of, met_bands
from server.explain.phrases import describe_maturity, describe_standing
from server.explain.results import AnswerResult, Contributions, StepView
from server.explain.text import describe_run
from server.kinds.logic import judge_optional
from server.pages.marked import marked, step_words
from server.pages.rendering import initial, words

MET, NOT_MET, UNKNOWN = "met", "not met", "not known"


@dataclass(frozen=True, slots=True)
class Criterion:
    """A band or a criterion in words, its points, and whether it is met: ``met``, ``not met`` or ``not known``."""

    text: str
    points: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Table:
    """The bands of one criterion or of the value, in order; the first that holds counts."""

    name: str
    rows: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """What one input added to a model's estimate: a bar in percent of the widest, to the right where it raised it."""

    text: str
    up: bool
    width: float


@dataclass(frozen=True, slots=True)
class StepPage:
    """One step, as it is shown."""

    title: str
    value: Markup
    warrant: str
    version: str
    run: str
    citations: tuple[str, ...]
    tables: tuple[Table, ...]
    cases: tuple[Criterion, ...]
    shares: tuple[Share, ...]
    background: str
    standing: str
    calibration: str
    maturity: str
    card: str | None
    fingerprint: str


def step_pages(result: AnswerResult) -> list[StepPage]:
    """The steps as of the time asked for, the goal's first."""
    return [_step_page(step, result) for step in reversed(result.chain) if step.as_of == result.at]


def _step_page(step: StepView, result: AnswerResult) -> StepPage:
    module = step.module
    if isinstance(step.value, Absent):
        value = words(step.claim)
    else:
        when = _latest(step)
        value = marked(step.value, step_words(step, result), when)
    made, standing = step.contributions, step.standing
    is_model = module.kind is Kind.MODEL
    return StepPage(
        module.title,
        value,
        step.warrant,
        module.version,
        initial(describe_run(step)),
        module.citations,
        tuple(_band_tables(step)),
        tuple(_rule_cases(step)),
        tuple(_shares(made)) if made is not None and is_model else (),
        made.background if made is not None and is_model else "",
        describe_standing(standing) if standing is not None else "",
        module.model.calibration if module.model is not None else "",
        describe_maturity(module) or "",
        f"/modules/{module.id}/card" if module.model is not None else None,
        step.fingerprint,
    )


def _latest(step: StepView) -> datetime | None:
    return max((each.effective for each in step.grounds if each.effective is not None), default=None)


def _band_tables(step: StepView) -> Iterator[Table]:
    """The bands of each criterion of a score, then those of the value."""
    met, bands = met_bands(step), bands_of(step.module)
    decided = {each.slot for each in met}
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
        yield Table(
            "What the value means",
            tuple(Criterion(each.text, "", _verdict(each in met, None in decided)) for each in outcomes),
        )


def _verdict(met: bool, decided: bool) -> str:
    return MET if met else NOT_MET if decided else UNKNOWN


def _points(band: BandView) -> str:
    return "" if band.points is None else number_words(band.points)


def _rule_cases(step: StepView) -> Iterator[Criterion]:
    """The cases of a rule in order: the first that holds gives the value; those after it are not looked at."""
    inputs = {ground.slot: ground.consumed for ground in step.grounds}
    over = False
    for case in step.module.cases:
        verdict = None if over else judge_optional(case.when, inputs)
        shown = "not looked at" if over else MET if verdict else UNKNOWN if verdict is None else NOT_MET
        yield Criterion(case.label, "", shown)
        over = over or verdict is not False


def _shares(made: Contributions) -> Iterator[Share]:
    """The largest first; what moved nothing is left out."""
    items = sorted((each for each in made.items if each.amount), key=lambda each: -abs(each.amount))
    largest = max((abs(each.amount) for each in items), default=Decimal(1))
    for each in items:
        width = round(float(50 * abs(each.amount) / largest), 2)
        yield Share(initial(each.text), each.amount > 0, width)

"""How an answer follows: each step with its warrant, the bands of a score, the criteria of a rule, a model's shares."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from markupsafe import Markup

from ontology.values import Absent, AbsentReason
from server.catalog.descriptions import Kind
from server.explain.attribution_text import rank_word
from server.explain.phrases import describe_maturity, describe_standing
from server.explain.results import AnswerResult, Contributions, StepView
from server.explain.short_text import with_calendar_days
from server.explain.text import describe_run
from server.pages.band_tables import Criterion, Table, band_tables, rule_cases
from server.pages.marked import marked, step_words
from server.pages.rendering import initial, words

_NEVER_RAN = (AbsentReason.NOT_APPLICABLE, AbsentReason.FAILED)


@dataclass(frozen=True, slots=True)
class Share:
    """What one input added to a model's estimate: a bar in percent of the widest, to the right where it raised it.

    ``how``: in a word how much that is beside the others.
    """

    text: str
    how: str
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
        value = words(_why_absent(step))
    else:
        when = _latest(step)
        value = marked(step.value, step_words(step, result), when)
    made, standing = step.contributions, step.standing
    is_model = module.kind is Kind.MODEL
    # Of what does not apply no band is met, not met or not known.
    ran = not isinstance(step.value, Absent) or step.value.reason not in _NEVER_RAN
    return StepPage(
        module.title,
        value,
        step.warrant,
        module.version,
        initial(describe_run(step)),
        module.citations,
        tuple(band_tables(step)) if ran else (),
        tuple(rule_cases(step)) if ran else (),
        tuple(_shares(made)) if made is not None and is_model else (),
        made.background if made is not None and is_model else "",
        describe_standing(standing) if standing is not None else "",
        module.model.calibration if module.model is not None else "",
        describe_maturity(module) or "",
        f"/modules/{module.id}/card" if module.model is not None else None,
        step.fingerprint,
    )


def _why_absent(step: StepView) -> str:
    """Without the name, which stands before it."""
    text = with_calendar_days(step.claim.split(" (as of ")[0].rstrip("."))
    name = step.module.produces.display
    return text.removeprefix(f"{name} ").replace("could not be computed: ", "no value: ", 1)


def _latest(step: StepView) -> datetime | None:
    return max((each.effective for each in step.grounds if each.effective is not None), default=None)


def _shares(made: Contributions) -> Iterator[Share]:
    """The largest first; what moved nothing is left out."""
    items = sorted((each for each in made.items if each.amount), key=lambda each: -abs(each.amount))
    largest = max((abs(each.amount) for each in items), default=Decimal(1))
    total = float(sum(abs(each.amount) for each in items))
    for place, each in enumerate(items):
        width = round(float(50 * abs(each.amount) / largest), 2)
        how = rank_word(float(each.amount), float(items[0].amount), total, first=place == 0)
        yield Share(initial(each.text), how, each.amount > 0, width)

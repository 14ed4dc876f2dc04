"""The metrics of a card as tables: the candidates side by side, groups below each other, and the decision curve."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ontology.words import number_words
from server.catalog.cards import Metric

_NAMES = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "brier": "Brier score",
    "calibration-slope": "calibration slope",
    "calibration-intercept": "calibration intercept",
    "net-benefit": "net benefit",
    "net-benefit-treat-all": "net benefit, treat all",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "ppv": "PPV",
    "npv": "NPV",
}
CURVE = ("net-benefit", "net-benefit-treat-all")
SHIPPED = "the model in use"


@dataclass(frozen=True, slots=True)
class Table:
    """What is shown, in words: ``rows`` begin with what the row is of; ``notes`` say how the numbers were found."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def tables(metrics: Sequence[Metric]) -> tuple[Table, ...]:
    """The tables that there are metrics for; together they show every metric of the card."""
    curve = _curve(metrics)
    rest = [metric for metric in metrics if metric not in curve]
    compared = [metric for metric in rest if metric.subgroup is None]
    groups = [metric for metric in rest if metric.subgroup is not None]
    made = (_candidates(compared), _groups(groups), _decisions(curve))
    return tuple(table for table in made if table is not None)


def _curve(metrics: Iterable[Metric]) -> list[Metric]:
    """What the decision curve is drawn of: of the model in use, and of all people."""
    of_all = (metric for metric in metrics if metric.subgroup is None and metric.candidate is None)
    return [metric for metric in of_all if metric.measure in CURVE and metric.threshold is not None]


def measure_words(metric: Metric) -> str:
    """What was measured, with its threshold where it has one."""
    name = _NAMES.get(metric.measure, metric.measure)
    return name if metric.threshold is None else f"{name} at {number_words(metric.threshold)}"


def _candidates(metrics: Sequence[Metric]) -> Table | None:
    names = dict.fromkeys(metric.candidate for metric in metrics)
    rows = []
    for measure in dict.fromkeys(measure_words(metric) for metric in metrics):
        found = {metric.candidate: metric for metric in metrics if measure_words(metric) == measure}
        people = next(_people(metric) for metric in found.values())
        rows.append((measure, *(_cell(found.get(name)) for name in names), people))
    head = ("measure", *(name or SHIPPED for name in names), "people (events)")
    caption = "Performance" if len(names) < 2 else "Performance, and of what it was compared with"
    return _table(caption, head, rows, metrics)


def _groups(metrics: Sequence[Metric]) -> Table | None:
    measures = list(dict.fromkeys(measure_words(metric) for metric in metrics))
    candidates = dict.fromkeys(metric.candidate for metric in metrics)
    rows = []
    for group, candidate in dict.fromkeys((metric.subgroup or "", metric.candidate) for metric in metrics):
        own = [metric for metric in metrics if (metric.subgroup, metric.candidate) == (group, candidate)]
        found = {measure_words(metric): metric for metric in own}
        whom = group if len(candidates) < 2 else f"{group} ({candidate or SHIPPED})"
        rows.append((whom, _people(own[0]), *(_cell(found.get(measure)) for measure in measures)))
    return _table("Performance by group", ("whom", "people (events)", *measures), rows, metrics)


def _decisions(metrics: Sequence[Metric]) -> Table | None:
    rows = []
    for place in sorted({metric.threshold or Decimal(0) for metric in metrics}):
        found = {metric.measure: metric for metric in metrics if metric.threshold == place}
        rows.append((f"{number_words(100 * place)} %", *(_cell(found.get(measure)) for measure in CURVE), "0"))
    head = ("acting from a risk of", f"by {SHIPPED}", "acting on all", "acting on none")
    return _table("Decision curve: net benefit, in true positives for each person", head, rows, metrics)


def _table(
    caption: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]], metrics: Sequence[Metric]
) -> Table | None:
    """None without metrics.  How a number was found is said once, with whose it is where that differs."""
    methods = dict.fromkeys(metric.method for metric in metrics)
    several = len(methods) > 1
    return Table(caption, head, tuple(rows), tuple(_note(m, metrics, several) for m in methods)) if metrics else None


def _note(method: str, metrics: Sequence[Metric], several: bool) -> str:
    if not several:
        return method
    whose = dict.fromkeys(
        f"{metric.subgroup or 'all'}, {measure_words(metric)}" for metric in metrics if metric.method == method
    )
    return f"{'; '.join(whose)}: {method}"


def _cell(metric: Metric | None) -> str:
    if metric is None:
        return "not known"
    if metric.low is None or metric.high is None:
        return f"{number_words(metric.value)} (interval not known)"
    level = "" if metric.level is None else f", {number_words(100 * metric.level)} %"
    return f"{number_words(metric.value)} ({number_words(metric.low)} to {number_words(metric.high)}{level})"


def _people(metric: Metric) -> str:
    if metric.number is None:
        return "not known"
    return str(metric.number) + ("" if metric.events is None else f" ({metric.events})")


def curve_points(metrics: Sequence[Metric]) -> Iterator[tuple[str, list[tuple[Decimal, Decimal]]]]:
    """The lines of the decision curve: whom one acts on, and (threshold, net benefit) in order, two at least."""
    for measure, name in zip(CURVE, (SHIPPED, "all"), strict=True):
        points = sorted(
            (m.threshold, m.value) for m in _curve(metrics) if m.measure == measure and m.threshold is not None
        )
        if len(points) > 1:
            yield name, points

"""Model cards: which module has one, its metrics as tables, and the card as Markdown.

Candidates are side by side, subgroups below each other, and the decision curve has a table of its own.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ontology.words.quantities import number_words
from server.catalog.cards import Card, Metric
from server.catalog.catalog import Catalog
from server.catalog.descriptions import Description
from server.errors import QuestionError

_MEASURE_NAMES = {
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
CURVE_MEASURES = ("net-benefit", "net-benefit-treat-all")
MODEL_IN_USE = "the model in use"


@dataclass(frozen=True, slots=True)
class MetricTable:
    """What is shown, in words: ``rows`` begin with what the row is of; ``notes`` say how the numbers were found."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def metric_tables(metrics: Sequence[Metric]) -> tuple[MetricTable, ...]:
    """The tables that there are metrics for; together they show every metric of the card."""
    curve = _curve_metrics(metrics)
    rest = [metric for metric in metrics if metric not in curve]
    compared = [metric for metric in rest if metric.subgroup is None]
    groups = [metric for metric in rest if metric.subgroup is not None]
    made = (_candidate_table(compared), _subgroup_table(groups), _curve_table(curve))
    return tuple(table for table in made if table is not None)


def _curve_metrics(metrics: Iterable[Metric]) -> list[Metric]:
    """What the decision curve is drawn of: of the model in use, and of all people."""
    of_all = (metric for metric in metrics if metric.subgroup is None and metric.candidate is None)
    return [metric for metric in of_all if metric.measure in CURVE_MEASURES and metric.threshold is not None]


def measure_text(metric: Metric) -> str:
    """What was measured, with its threshold where it has one."""
    name = _MEASURE_NAMES.get(metric.measure, metric.measure)
    return name if metric.threshold is None else f"{name} at {number_words(metric.threshold)}"


def _candidate_table(metrics: Sequence[Metric]) -> MetricTable | None:
    names = dict.fromkeys(metric.candidate for metric in metrics)
    rows = []
    for measure in dict.fromkeys(measure_text(metric) for metric in metrics):
        found = {metric.candidate: metric for metric in metrics if measure_text(metric) == measure}
        people = next(_format_people(metric) for metric in found.values())
        rows.append((measure, *(_format_metric(found.get(name)) for name in names), people))
    head = ("measure", *(name or MODEL_IN_USE for name in names), "people (events)")
    caption = "Performance" if len(names) < 2 else "Performance, with comparators"
    return _metric_table(caption, head, rows, metrics)


def _subgroup_table(metrics: Sequence[Metric]) -> MetricTable | None:
    measures = list(dict.fromkeys(measure_text(metric) for metric in metrics))
    candidates = dict.fromkeys(metric.candidate for metric in metrics)
    rows = []
    for group, candidate in dict.fromkeys((metric.subgroup or "", metric.candidate) for metric in metrics):
        own = [metric for metric in metrics if (metric.subgroup, metric.candidate) == (group, candidate)]
        found = {measure_text(metric): metric for metric in own}
        whom = group if len(candidates) < 2 else f"{group} ({candidate or MODEL_IN_USE})"
        rows.append((whom, _format_people(own[0]), *(_format_metric(found.get(measure)) for measure in measures)))
    return _metric_table("Performance by group", ("whom", "people (events)", *measures), rows, metrics)


def _curve_table(metrics: Sequence[Metric]) -> MetricTable | None:
    rows = []
    for place in sorted({metric.threshold or Decimal(0) for metric in metrics}):
        found = {metric.measure: metric for metric in metrics if metric.threshold == place}
        rows.append(
            (f"{number_words(100 * place)} %", *(_format_metric(found.get(measure)) for measure in CURVE_MEASURES), "0")
        )
    head = ("acting from a risk of", f"by {MODEL_IN_USE}", "acting on all", "acting on none")
    return _metric_table("Decision curve: net benefit, in true positives per person", head, rows, metrics)


def _metric_table(
    caption: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]], metrics: Sequence[Metric]
) -> MetricTable | None:
    """None without metrics.  The method of a number is given once, with the metrics it is for where methods differ."""
    methods = dict.fromkeys(metric.method for metric in metrics)
    several = len(methods) > 1
    return (
        MetricTable(caption, head, tuple(rows), tuple(_method_note(m, metrics, several) for m in methods))
        if metrics
        else None
    )


def _method_note(method: str, metrics: Sequence[Metric], several: bool) -> str:
    if not several:
        return method
    whose = dict.fromkeys(
        f"{metric.subgroup or 'all'}, {measure_text(metric)}" for metric in metrics if metric.method == method
    )
    return f"{'; '.join(whose)}: {method}"


def _format_metric(metric: Metric | None) -> str:
    if metric is None:
        return "not known"
    if metric.low is None or metric.high is None:
        return f"{number_words(metric.value)} (interval not known)"
    level = "" if metric.level is None else f", {number_words(100 * metric.level)} %"
    return f"{number_words(metric.value)} ({number_words(metric.low)} to {number_words(metric.high)}{level})"


def _format_people(metric: Metric) -> str:
    if metric.number is None:
        return "not known"
    return str(metric.number) + ("" if metric.events is None else f" ({metric.events})")


def curve_points(metrics: Sequence[Metric]) -> Iterator[tuple[str, list[tuple[Decimal, Decimal]]]]:
    """The lines of the decision curve: whom one acts on, and (threshold, net benefit) in order, two at least."""
    for measure, name in zip(CURVE_MEASURES, (MODEL_IN_USE, "all"), strict=True):
        points = sorted(
            (m.threshold, m.value) for m in _curve_metrics(metrics) if m.measure == measure and m.threshold is not None
        )
        if len(points) > 1:
            yield name, points


RULE = "45 CFR 170.315(b)(11)(iv)(B)"
ABOUT = f"The source attributes of a predictive decision support intervention, as {RULE} requires, in our words."


def card_of(catalog: Catalog, module_id: str) -> tuple[Card, list[Description]]:
    """The card of a module, and the modules that it is of.

    QuestionError ``unknown-module`` or ``no-card``; neither repeats the id of the question, which may be anything.
    """
    module = catalog.modules.get(module_id)
    if module is None:
        raise QuestionError("unknown-module", f"no module has this id; it is one of {_list_ids(catalog.modules)}")
    card = catalog.cards.get(module.iri)
    if card is None:
        others = _list_ids(each.id for each in modules_with_card(catalog))
        raise QuestionError("no-card", f"{module.id} was not fitted to data, and has no card; these have: {others}")
    return card, [catalog.by_iri[iri] for iri in card.module_iris]


def modules_with_card(catalog: Catalog) -> list[Description]:
    """The modules that have a card, by id."""
    return sorted((each for each in catalog.modules.values() if each.iri in catalog.cards), key=lambda each: each.id)


def render_markdown(card: Card, modules: Sequence[Description] = ()) -> str:
    """The page of a card; ``modules`` are those that it is of, for its head."""
    return (
        "\n".join([*_head_lines(modules), *_attribute_lines(card), *_metric_lines(metric_tables(card.metrics))]) + "\n"
    )


def _head_lines(modules: Sequence[Description]) -> Iterator[str]:
    for module in modules:
        yield f"# {module.title}"
        yield ""
        yield f"Module `{module.id}`, version {module.version}. {module.intended_use}"
        if module.model is not None:
            yield ""
            yield f"Maturity: {module.model.maturity}. Calibration: {module.model.calibration}."
        yield ""


def _attribute_lines(card: Card) -> Iterator[str]:
    yield ABOUT
    for group in card.groups:
        yield ""
        yield f"## {group.title}"
        yield ""
        for attribute in group.attributes:
            yield f"- {attribute.paragraph} **{attribute.label}**: {attribute.text}"


def _metric_lines(tables: Sequence[MetricTable]) -> Iterator[str]:
    if not tables:
        return
    yield ""
    yield "## Metrics"
    for table in tables:
        yield ""
        yield f"### {table.caption}"
        yield ""
        yield f"| {' | '.join(_escape_cells(table.head))} |"
        yield f"|{' --- |' * len(table.head)}"
        for row in table.rows:
            yield f"| {' | '.join(_escape_cells(row))} |"
        for note in table.notes:
            yield ""
            yield f"How: {note}."


def _escape_cells(texts: Iterable[str]) -> Iterator[str]:
    return (text.replace("|", "\\|").replace("\n", " ") for text in texts)


def _list_ids(ids: Iterable[str]) -> str:
    return ", ".join(sorted(ids)) or "none"

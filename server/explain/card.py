"""A card as a page: Markdown."""

from collections.abc import Iterable, Iterator, Sequence

from ontology.words import number_words
from server.catalog.cards import Card, Metric
from server.catalog.descriptions import Description

RULE = "45 CFR 170.315(b)(11)(iv)(B)"
_MEASURES = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "brier": "Brier score",
    "calibration-slope": "calibration slope",
    "calibration-intercept": "calibration intercept",
    "net-benefit": "net benefit",
    "net-benefit-treat-all": "net benefit, treat all",
    "ppv": "PPV",
    "npv": "NPV",
}


def markdown(card: Card, modules: Sequence[Description] = ()) -> str:
    """The page of a card; ``modules`` are those that it is of, for its head."""
    return "\n".join([*_head(modules), *_attributes(card), *_metrics(card.metrics)]) + "\n"


def _head(modules: Sequence[Description]) -> Iterator[str]:
    for module in modules:
        yield f"# {module.title}"
        yield ""
        yield f"Module `{module.id}`, version {module.version}. {module.intended_use}"
        if module.model is not None:
            yield ""
            yield f"Maturity: {module.model.maturity}. Calibration: {module.model.calibration}."
        yield ""


def _attributes(card: Card) -> Iterator[str]:
    yield f"The source attributes of a predictive decision support intervention, {RULE}."
    for group in card.groups:
        yield ""
        yield f"## {group.title}"
        yield ""
        for attribute in group.attributes:
            yield f"- {attribute.paragraph} **{attribute.label}**: {attribute.text}"


def _metrics(metrics: Sequence[Metric]) -> Iterator[str]:
    if not metrics:
        return
    yield ""
    yield "## Metrics"
    for candidate in dict.fromkeys(metric.candidate for metric in metrics):
        shown = [metric for metric in metrics if metric.candidate == candidate]
        yield ""
        yield "| measure | whom | value | interval | people (events) | how |"
        yield "| --- | --- | --- | --- | --- | --- |"
        for metric in shown:
            cells = (_measure(metric), metric.subgroup or "all", number_words(metric.value), _interval(metric))
            yield f"| {' | '.join(_cells((*cells, _people(metric), metric.method)))} |"


def _cells(texts: Iterable[str]) -> Iterator[str]:
    return (text.replace("|", "\\|").replace("\n", " ") for text in texts)


def _measure(metric: Metric) -> str:
    name = _MEASURES.get(metric.measure, metric.measure)
    at = "" if metric.threshold is None else f" at {number_words(metric.threshold)}"
    of = "" if metric.candidate is None else f" ({metric.candidate}, compared)"
    return f"{name}{at}{of}"


def _interval(metric: Metric) -> str:
    if metric.low is None or metric.high is None:
        return "not known"
    level = "" if metric.level is None else f" ({number_words(100 * metric.level)} %)"
    return f"{number_words(metric.low)} to {number_words(metric.high)}{level}"


def _people(metric: Metric) -> str:
    if metric.number is None:
        return "not known"
    return str(metric.number) + ("" if metric.events is None else f" ({metric.events})")

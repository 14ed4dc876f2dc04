"""Extensions of ours, for numbers for which R4 has no element; notes have the same as text."""

from collections.abc import Iterable
from decimal import Decimal
from math import isfinite

from ontology.evaluation import Interval
from ontology.words.values import value_words
from server.attribution.result import AttributionItem
from server.explain.comparisons import AttributionView
from server.explain.fhir.bundle_parts import Part
from server.explain.fhir.datatypes import EXTENSIONS, Json, date_time, instant, json_number, range_
from server.explain.phrases import ground_times
from server.explain.results import AnswerResult, Contributions


def extensions(part: Part) -> list[Json]:
    """Times of the grounds, limits of a risk, what moved a model's estimate, and the attributions of the question.

    Limits and points of an Observation are its components.
    """
    result = part.result
    found = [*_ground_period(result)]
    if result.risk is not None:
        limits = (("interval", result.interval), ("bounds", result.bounds))
        found += [_limits_extension(name, each) for name, each in limits if each is not None]
    added = part.step.contributions if part.step is not None else None
    if added is not None and added.scale != "POINTS":
        found.append(_contributions_extension(added))
    views = (each for each in result.attributions.values() if isinstance(each, AttributionView))
    return [*found, *(_attribution_extension(each) for each in views if _has_finite_ends(each))]


def _ground_period(result: AnswerResult) -> Iterable[Json]:
    """From the oldest to the latest record: R4 has one time for what a result holds for."""
    if (times := ground_times(result)) is not None:
        oldest, latest = times
        yield {"url": f"{EXTENSIONS}/grounds", "valuePeriod": {"start": instant(oldest), "end": date_time(latest)}}


def _limits_extension(name: str, limits: Interval) -> Json:
    level = [_simple("level", "Decimal", json_number(limits.level))] if limits.level is not None else []
    between = _simple("range", "Range", range_(limits.low, limits.high, limits.unit))
    return _nested(name, between, *level, _simple("text", "String", limits.text))


def _contributions_extension(contributions: Contributions) -> Json:
    ends = (("base", contributions.base), ("output", contributions.output), ("residual", contributions.residual))
    return _nested(
        "contributions",
        _simple("scale", "Code", contributions.scale),
        *(_simple(name, "Decimal", json_number(value)) for name, value in ends),
        _simple("background", "String", contributions.background),
        *(
            _nested_item(
                _simple("slot", "String", item.slot),
                _simple("amount", "Decimal", json_number(item.amount)),
                _simple("text", "String", item.text),
            )
            for item in contributions.items
        ),
    )


def _has_finite_ends(view: AttributionView) -> bool:
    return isfinite(view.attribution.base) and isfinite(view.attribution.output)


def _attribution_extension(view: AttributionView) -> Json:
    attribution = view.attribution
    ends = (("base", attribution.base), ("output", attribution.output), ("residual", attribution.residual))
    return _nested(
        "attribution",
        _simple("scale", "Code", attribution.scale),
        *(_simple(name, "Decimal", _float_number(value)) for name, value in ends),
        _simple("baseline", "String", view.baseline),
        *(_nested_item(*_item_extensions(item)) for item in attribution.items if isfinite(item.amount)),
    )


def _item_extensions(item: AttributionItem) -> Iterable[Json]:
    yield _simple("concept", "Code", item.concept.id)
    yield _simple("amount", "Decimal", _float_number(item.amount))
    yield _simple("from", "String", value_words(item.before))
    yield _simple("to", "String", value_words(item.after))


def _float_number(value: float) -> float | int:
    return json_number(Decimal(repr(value)))


def _nested(name: str, *inner: Json) -> Json:
    return {"url": f"{EXTENSIONS}/{name}", "extension": list(inner)}


def _nested_item(*inner: Json) -> Json:
    return {"url": "item", "extension": list(inner)}


def _simple(name: str, kind: str, value: object) -> Json:
    return {"url": name, f"value{kind}": value}

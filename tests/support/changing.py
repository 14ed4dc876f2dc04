"""Every number of an exported argument, and how to change it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from ontology.evaluation import Interval
from ontology.values import Bound, Quantity, Series, Value
from server.explain.prov.exported import ExportedAnswer, ExportedContributions, ExportedInput


def with_step(said: ExportedAnswer, place: int, **changes: Any) -> ExportedAnswer:
    """The argument with one step changed."""
    steps = list(said.steps)
    steps[place] = replace(steps[place], **changes)
    return replace(said, steps=tuple(steps))


def with_input(said: ExportedAnswer, place: int, slot: str, **changes: Any) -> ExportedAnswer:
    """The argument with one input changed."""
    inputs = dict(said.steps[place].inputs)
    inputs[slot] = replace(inputs[slot], **changes)
    return with_step(said, place, inputs=inputs)


Change = Callable[[Decimal], ExportedAnswer]


def numbers(said: ExportedAnswer) -> Iterator[Change]:
    """Every number of every step: how to change it."""
    for place, step in enumerate(said.steps):
        for value in _of(step.value):
            yield lambda by, p=place, v=value: with_step(said, p, value=v(by))
        for limits in _limits(step.bounds):
            yield lambda by, p=place, b=limits: with_step(said, p, bounds=b(by))
        for name, given in step.inputs.items():
            yield from _of_input(said, place, name, given)
        yield from _of_contributions(said, place, step.contributions)
    for limits in _limits(said.interval):
        yield lambda by, i=limits: replace(said, interval=i(by))
    for place, told in enumerate(said.attributions):
        for which in range(len(told.groups)):
            yield lambda by, p=place, w=which: _group(said, p, w, by)
        for field in ("base", "output"):
            yield lambda by, p=place, f=field: _attributed(said, p, **{f: getattr(said.attributions[p], f) + by})
        for which, item in enumerate(told.items):
            if told.scale == "CODE" and told.against != "REFERENCE":
                continue
            yield lambda by, p=place, w=which: _item(said, p, w, amount=said.attributions[p].items[w].amount + by)
            # What an input was at an earlier time is the file's word, as far as it moves nothing.
            for end in ("before", "after") if told.against == "REFERENCE" else ("after",):
                for value in _of(getattr(item, end)):
                    yield lambda by, p=place, w=which, e=end, v=value: _item(said, p, w, **{e: v(by)})


def _of_input(said: ExportedAnswer, place: int, name: str, given: ExportedInput) -> Iterator[Change]:
    consumed = given.consumed
    for value in _of(consumed.value):
        yield lambda by, v=value: with_input(said, place, name, consumed=replace(consumed, value=v(by)))
    for limits in _limits(consumed.bounds):
        yield lambda by, b=limits: with_input(said, place, name, consumed=replace(consumed, bounds=b(by)))


def _of_contributions(said: ExportedAnswer, place: int, told: ExportedContributions | None) -> Iterator[Change]:
    if told is None:
        return
    for field in ("base", "output", "residual"):
        yield lambda by, f=field: with_step(said, place, contributions=replace(told, **{f: getattr(told, f) + by}))
    for which, (slot, amount) in enumerate(told.items):
        yield lambda by, w=which, s=slot, a=amount: with_step(
            said, place, contributions=replace(told, items=_with(told.items, w, (s, a + by)))
        )


def _of(value: Value) -> Iterator[Callable[[Decimal], Value]]:
    if isinstance(value, Quantity | Bound):
        yield lambda by: replace(value, value=value.value + by)
    if isinstance(value, Series):
        for place, (time, number) in enumerate(value.points):
            yield lambda by, p=place, t=time, n=number: replace(value, points=_with(value.points, p, (t, n + by)))
            yield lambda by, p=place, t=time, n=number: replace(value, points=_with(value.points, p, (t - DAY, n)))


DAY = timedelta(days=1)


def _with(points: tuple[Any, ...], place: int, point: Any) -> tuple[Any, ...]:
    return (*points[:place], point, *points[place + 1 :])


def _limits(bounds: Interval | None) -> Iterator[Callable[[Decimal], Interval]]:
    if bounds is not None:
        yield lambda by: replace(bounds, low=bounds.low + by)
        yield lambda by: replace(bounds, high=bounds.high + by)


def _attributed(said: ExportedAnswer, place: int, **changes: Any) -> ExportedAnswer:
    told = replace(said.attributions[place], **changes)
    return replace(said, attributions=(*said.attributions[:place], told, *said.attributions[place + 1 :]))


def _group(said: ExportedAnswer, place: int, which: int, by: Decimal) -> ExportedAnswer:
    groups = list(said.attributions[place].groups)
    groups[which] = replace(groups[which], amount=groups[which].amount + by)
    return _attributed(said, place, groups=tuple(groups))


def _item(said: ExportedAnswer, place: int, which: int, **changes: Any) -> ExportedAnswer:
    items = list(said.attributions[place].items)
    items[which] = replace(items[which], **changes)
    return _attributed(said, place, items=tuple(items))

"""Changed exported arguments: every number and how to change it; changes with the finding that each must give."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

from ontology.evaluation import Interval, SlotInput
from ontology.values import Absent, AbsentReason, Bound, Quantity, Series, Value
from server.explain.prov.exported import ExportedAnswer, ExportedInput, ExportedStep
from server.explain.results import Contributions


def with_step(answer: ExportedAnswer, place: int, **changes: Any) -> ExportedAnswer:
    """The argument with one step changed."""
    steps = list(answer.steps)
    steps[place] = replace(steps[place], **changes)
    return replace(answer, steps=tuple(steps))


def with_input(answer: ExportedAnswer, place: int, slot: str, **changes: Any) -> ExportedAnswer:
    """The argument with one input changed."""
    inputs = dict(answer.steps[place].inputs)
    inputs[slot] = replace(inputs[slot], **changes)
    return with_step(answer, place, inputs=inputs)


Change = Callable[[Decimal], ExportedAnswer]
T = TypeVar("T")


def _bound(change: Callable[..., T], *arguments: Any) -> Callable[[Decimal], T]:
    """A change by a number, with the rest of its arguments as they are now: loops go on."""
    return lambda by: change(by, *arguments)


def numbers(answer: ExportedAnswer) -> Iterator[Change]:
    """Every number of every step: how to change it."""
    for place, step in enumerate(answer.steps):
        for value in _numbers_of_value(step.value):
            yield _bound(lambda by, p, v: with_step(answer, p, value=v(by)), place, value)
        for limits in _numbers_of_interval(step.bounds):
            yield _bound(lambda by, p, b: with_step(answer, p, bounds=b(by)), place, limits)
        for name, given in step.inputs.items():
            yield from _numbers_of_input(answer, place, name, given)
        yield from _numbers_of_contributions(answer, place, step.contributions)
    for limits in _numbers_of_interval(answer.interval):
        yield _bound(lambda by, i: replace(answer, interval=i(by)), limits)
    for place, attributed in enumerate(answer.attributions):
        for which in range(len(attributed.groups)):
            yield _bound(lambda by, p, w: _with_group(answer, p, w, by), place, which)
        for field in ("base", "output"):
            yield _bound(
                lambda by, p, f: _with_attribution(answer, p, **{f: getattr(answer.attributions[p], f) + by}),
                place,
                field,
            )
        for which, item in enumerate(attributed.items):
            if attributed.scale == "CODE" and attributed.against != "REFERENCE":
                continue
            yield _bound(
                lambda by, p, w: _with_item(answer, p, w, amount=answer.attributions[p].items[w].amount + by),
                place,
                which,
            )
            # What an input was at an earlier time is the file's word, as far as it moves nothing.
            for end in ("before", "after") if attributed.against == "REFERENCE" else ("after",):
                for value in _numbers_of_value(getattr(item, end)):
                    yield _bound(
                        lambda by, p, w, e, v: _with_item(answer, p, w, **{e: v(by)}), place, which, end, value
                    )


def _numbers_of_input(answer: ExportedAnswer, place: int, name: str, given: ExportedInput) -> Iterator[Change]:
    consumed = given.consumed
    for value in _numbers_of_value(consumed.value):
        yield _bound(lambda by, v: with_input(answer, place, name, consumed=replace(consumed, value=v(by))), value)
    for limits in _numbers_of_interval(consumed.bounds):
        yield _bound(lambda by, b: with_input(answer, place, name, consumed=replace(consumed, bounds=b(by))), limits)


def _numbers_of_contributions(
    answer: ExportedAnswer, place: int, contributions: Contributions | None
) -> Iterator[Change]:
    if contributions is None:
        return
    for field in ("base", "output", "residual"):
        yield _bound(
            lambda by, f: with_step(
                answer, place, contributions=replace(contributions, **{f: getattr(contributions, f) + by})
            ),
            field,
        )
    for which, item in enumerate(contributions.items):
        yield _bound(
            lambda by, w, i: with_step(
                answer,
                place,
                contributions=replace(
                    contributions, items=_with_point(contributions.items, w, replace(i, amount=i.amount + by))
                ),
            ),
            which,
            item,
        )


def _numbers_of_value(value: Value) -> Iterator[Callable[[Decimal], Value]]:
    if isinstance(value, Quantity | Bound):
        yield lambda by: replace(value, value=value.value + by)
    if isinstance(value, Series):
        for place, (time, number) in enumerate(value.points):
            yield _bound(
                lambda by, p, t, n: replace(value, points=_with_point(value.points, p, (t, n + by))),
                place,
                time,
                number,
            )
            yield _bound(
                lambda by, p, t, n: replace(value, points=_with_point(value.points, p, (t - DAY, n))),
                place,
                time,
                number,
            )


DAY = timedelta(days=1)


def _with_point(points: tuple[Any, ...], place: int, point: Any) -> tuple[Any, ...]:
    return (*points[:place], point, *points[place + 1 :])


def _numbers_of_interval(bounds: Interval | None) -> Iterator[Callable[[Decimal], Interval]]:
    if bounds is not None:
        yield lambda by: replace(bounds, low=bounds.low + by)
        yield lambda by: replace(bounds, high=bounds.high + by)


def _with_attribution(answer: ExportedAnswer, place: int, **changes: Any) -> ExportedAnswer:
    attribution = replace(answer.attributions[place], **changes)
    return replace(answer, attributions=(*answer.attributions[:place], attribution, *answer.attributions[place + 1 :]))


def _with_group(answer: ExportedAnswer, place: int, which: int, by: Decimal) -> ExportedAnswer:
    groups = list(answer.attributions[place].groups)
    groups[which] = replace(groups[which], amount=groups[which].amount + by)
    return _with_attribution(answer, place, groups=tuple(groups))


def _with_item(answer: ExportedAnswer, place: int, which: int, **changes: Any) -> ExportedAnswer:
    items = list(answer.attributions[place].items)
    items[which] = replace(items[which], **changes)
    return _with_attribution(answer, place, items=tuple(items))


def step_index(answer: ExportedAnswer, module: str) -> int:
    """The last step of a module."""
    return max(place for place, step in enumerate(answer.steps) if f"/{module}#" in step.module)


def last_step_index(answer: ExportedAnswer) -> int:
    return len(answer.steps) - 1


def changed_value(answer: ExportedAnswer, by: Decimal = Decimal("0.1")) -> Value:
    assert isinstance(answer.value, Quantity)
    return replace(answer.value, value=answer.value.value + by)


def consumed_quantity(answer: ExportedAnswer, place: int, slot: str) -> Quantity:
    value = answer.steps[place].inputs[slot].consumed.value
    assert isinstance(value, Quantity)
    return value


def egfr_step_index(answer: ExportedAnswer) -> int:
    return step_index(answer, "egfr")


def used_egfr_index(answer: ExportedAnswer) -> int:
    """The eGFR that the risk rests on: those of a series have no order that stays."""
    return answer.steps[-1].inputs["egfr"].steps[0]


def with_swapped_inputs(answer: ExportedAnswer) -> ExportedAnswer:
    place = step_index(answer, "egfr")
    inputs = dict(answer.steps[place].inputs)
    inputs["dialysis"], inputs["pregnancy"] = inputs["pregnancy"], inputs["dialysis"]
    return with_step(answer, place, inputs=inputs)


def without_step(answer: ExportedAnswer, place: int) -> ExportedAnswer:
    """As a reader finds it where a step is gone: what rested on it has no step."""

    def less(each: int) -> tuple[int, ...]:
        return () if each == place else (each - (each > place),)

    steps = []
    for position, step in enumerate(answer.steps):
        if position != place:
            inputs = {
                name: replace(given, steps=tuple(new for each in given.steps for new in less(each)))
                for name, given in step.inputs.items()
            }
            steps.append(replace(step, inputs=inputs))
    return replace(answer, steps=tuple(steps))


CHANGES: dict[str, tuple[Callable[[ExportedAnswer], ExportedAnswer], str, str]] = {
    "the answer's value": (lambda s: replace(s, value=changed_value(s)), "answer", "its last step gave"),
    "the last step's value": (
        lambda s: with_step(replace(s, value=changed_value(s)), last_step_index(s), value=changed_value(s)),
        "value",
        "here",
    ),
    "a value below": (
        lambda s: with_step(s, egfr_step_index(s), value=Quantity(Decimal(12), "mL/min/{1.73_m2}")),
        "value",
        "12 mL/min/{1.73_m2} in the file",
    ),
    "no value": (
        lambda s: with_step(s, egfr_step_index(s), value=Absent(AbsentReason.INPUT_ABSENT)),
        "value",
        "missing",
    ),
    "a recorded value": (
        lambda s: with_input(
            s, egfr_step_index(s), "creatinine", consumed=SlotInput(Quantity(Decimal("0.9"), "mg/dL"))
        ),
        "fingerprint",
        "changed",
    ),
    "a unit": (
        lambda s: with_input(
            s,
            egfr_step_index(s),
            "creatinine",
            consumed=SlotInput(replace(consumed_quantity(s, egfr_step_index(s), "creatinine"), unit="umol/L")),
        ),
        "slot",
        "mg/dL",
    ),
    "swapped slots": (with_swapped_inputs, "link", "the slot takes"),
    "a version": (
        lambda s: with_step(s, egfr_step_index(s), version="0.9.0"),
        "version",
        "made by version 0.9.0; here it is",
    ),
    "a description": (
        lambda s: with_step(s, egfr_step_index(s), description="e" * 64),
        "description",
        "another description",
    ),
    "a code": (lambda s: with_step(s, egfr_step_index(s), code="e" * 64), "code", "other code"),
    "libraries": (lambda s: with_step(s, egfr_step_index(s), environment="e" * 64), "environment", "libraries"),
    "a module": (
        lambda s: with_step(s, egfr_step_index(s), module=s.steps[last_step_index(s)].module),
        "link",
        "which gives",
    ),
    "no module": (
        lambda s: with_step(s, egfr_step_index(s), module="https://medtwin.example/modules/other#module"),
        "module",
        "there is no module",
    ),
    "a digest": (lambda s: with_step(s, egfr_step_index(s), content_digest="e" * 64), "fingerprint", "does not match"),
    "a fingerprint": (lambda s: with_step(s, egfr_step_index(s), fingerprint="e" * 64), "key", "key"),
    "a removed step": (
        lambda s: without_step(s, used_egfr_index(s)),
        "link",
        "is computed, and the file has no step",
    ),
    "all steps": (lambda s: replace(s, steps=()), "link", "is computed, and the file has no step"),
    "another's output": (
        lambda s: with_input(s, last_step_index(s), "egfr", steps=(step_index(s, "age"),)),
        "link",
        "is linked to",
    ),
    "itself": (
        lambda s: with_input(s, last_step_index(s), "egfr", steps=(last_step_index(s),)),
        "link",
        "does not come before",
    ),
    "a step for a record": (
        lambda s: with_input(s, egfr_step_index(s), "creatinine", steps=(step_index(s, "age"),)),
        "link",
        "which gives",
    ),
    "two steps": (
        lambda s: with_input(s, last_step_index(s), "egfr", steps=(egfr_step_index(s), egfr_step_index(s))),
        "link",
        "takes one",
    ),
    "assumed, and from a step": (lambda s: with_input(s, last_step_index(s), "egfr", assumed=True), "link", "assumed"),
    "too old, where it cannot be": (
        lambda s: with_input(s, last_step_index(s), "egfr", consumed=SlotInput(Absent(AbsentReason.STALE))),
        "input",
        "too old",
    ),
    "a missing slot": (
        lambda s: with_step(
            s, egfr_step_index(s), inputs={k: v for k, v in s.steps[egfr_step_index(s)].inputs.items() if k != "sex"}
        ),
        "slot",
        "has no input for it",
    ),
    "a slot more": (
        lambda s: with_step(
            s,
            egfr_step_index(s),
            inputs={**s.steps[egfr_step_index(s)].inputs, "more": s.steps[egfr_step_index(s)].inputs["sex"]},
        ),
        "slot",
        "does not have",
    ),
    "a time below": (
        lambda s: with_step(s, egfr_step_index(s), as_of=s.at - timedelta(seconds=1)),
        "link",
        "another time",
    ),
    "the answer's time": (lambda s: replace(s, at=s.at + timedelta(seconds=1)), "time", "as of"),
    "every time": (
        lambda s: replace(
            s, at=s.at - timedelta(days=1), steps=tuple(replace(x, as_of=x.as_of - timedelta(days=1)) for x in s.steps)
        ),
        "fingerprint",
        "time",
    ),
    "a time out of range": (
        lambda s: with_step(s, step_index(s, "age"), as_of=s.at.replace(year=1)),
        "link",
        "another time",
    ),
    "the zone": (lambda s: replace(s, zone="Asia/Tokyo"), "fingerprint", "time"),
    "no zone": (lambda s: replace(s, zone="No/Where"), "time", "time zone"),
    "a zone that is a path": (lambda s: replace(s, zone="../../etc/passwd"), "time", "time zone"),
    "the form": (lambda s: replace(s, format=s.format - 1), "format", "form"),
    "the concept": (
        lambda s: replace(s, concept="https://medtwin.example/mpm#EstimatedGFR"),
        "answer",
        "its last step gave",
    ),
    "the status": (
        lambda s: replace(s, status="PARTIAL" if s.status == "COMPLETE" else "COMPLETE"),
        "status",
        "from the steps here",
    ),
    "a status there is not": (lambda s: replace(s, status="FINE"), "status", "FINE in the file"),
    "a step of another answer": (
        lambda s: replace(
            s,
            steps=(
                s.steps[0],
                *_with_later_step(s),
            ),
        ),
        "link",
        "does not rest on",
    ),
}


def _with_later_step(answer: ExportedAnswer) -> tuple[ExportedStep, ...]:
    """The steps, with one more before them."""
    moved = []
    for step in answer.steps:
        inputs = {n: replace(g, steps=tuple(each + 1 for each in g.steps)) for n, g in step.inputs.items()}
        moved.append(replace(step, inputs=inputs))
    return tuple(moved)

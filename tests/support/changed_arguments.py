"""Changed exported arguments: every number and how to change it; changes with the finding that each must give."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from ontology.evaluation import Interval, SlotInput
from ontology.values import Absent, AbsentReason, Bound, Quantity, Series, Value
from server.explain.prov.exported import ExportedAnswer, ExportedContributions, ExportedInput, ExportedStep


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
        for value in _numbers_of_value(step.value):
            yield lambda by, p=place, v=value: with_step(said, p, value=v(by))
        for limits in _numbers_of_interval(step.bounds):
            yield lambda by, p=place, b=limits: with_step(said, p, bounds=b(by))
        for name, given in step.inputs.items():
            yield from _numbers_of_input(said, place, name, given)
        yield from _numbers_of_contributions(said, place, step.contributions)
    for limits in _numbers_of_interval(said.interval):
        yield lambda by, i=limits: replace(said, interval=i(by))
    for place, told in enumerate(said.attributions):
        for which in range(len(told.groups)):
            yield lambda by, p=place, w=which: _with_group(said, p, w, by)
        for field in ("base", "output"):
            yield lambda by, p=place, f=field: _with_attribution(said, p, **{f: getattr(said.attributions[p], f) + by})
        for which, item in enumerate(told.items):
            if told.scale == "CODE" and told.against != "REFERENCE":
                continue
            yield lambda by, p=place, w=which: _with_item(said, p, w, amount=said.attributions[p].items[w].amount + by)
            # What an input was at an earlier time is the file's word, as far as it moves nothing.
            for end in ("before", "after") if told.against == "REFERENCE" else ("after",):
                for value in _numbers_of_value(getattr(item, end)):
                    yield lambda by, p=place, w=which, e=end, v=value: _with_item(said, p, w, **{e: v(by)})


def _numbers_of_input(said: ExportedAnswer, place: int, name: str, given: ExportedInput) -> Iterator[Change]:
    consumed = given.consumed
    for value in _numbers_of_value(consumed.value):
        yield lambda by, v=value: with_input(said, place, name, consumed=replace(consumed, value=v(by)))
    for limits in _numbers_of_interval(consumed.bounds):
        yield lambda by, b=limits: with_input(said, place, name, consumed=replace(consumed, bounds=b(by)))


def _numbers_of_contributions(said: ExportedAnswer, place: int, told: ExportedContributions | None) -> Iterator[Change]:
    if told is None:
        return
    for field in ("base", "output", "residual"):
        yield lambda by, f=field: with_step(said, place, contributions=replace(told, **{f: getattr(told, f) + by}))
    for which, (slot, amount) in enumerate(told.items):
        yield lambda by, w=which, s=slot, a=amount: with_step(
            said, place, contributions=replace(told, items=_with_point(told.items, w, (s, a + by)))
        )


def _numbers_of_value(value: Value) -> Iterator[Callable[[Decimal], Value]]:
    if isinstance(value, Quantity | Bound):
        yield lambda by: replace(value, value=value.value + by)
    if isinstance(value, Series):
        for place, (time, number) in enumerate(value.points):
            yield lambda by, p=place, t=time, n=number: replace(value, points=_with_point(value.points, p, (t, n + by)))
            yield lambda by, p=place, t=time, n=number: replace(
                value, points=_with_point(value.points, p, (t - DAY, n))
            )


DAY = timedelta(days=1)


def _with_point(points: tuple[Any, ...], place: int, point: Any) -> tuple[Any, ...]:
    return (*points[:place], point, *points[place + 1 :])


def _numbers_of_interval(bounds: Interval | None) -> Iterator[Callable[[Decimal], Interval]]:
    if bounds is not None:
        yield lambda by: replace(bounds, low=bounds.low + by)
        yield lambda by: replace(bounds, high=bounds.high + by)


def _with_attribution(said: ExportedAnswer, place: int, **changes: Any) -> ExportedAnswer:
    told = replace(said.attributions[place], **changes)
    return replace(said, attributions=(*said.attributions[:place], told, *said.attributions[place + 1 :]))


def _with_group(said: ExportedAnswer, place: int, which: int, by: Decimal) -> ExportedAnswer:
    groups = list(said.attributions[place].groups)
    groups[which] = replace(groups[which], amount=groups[which].amount + by)
    return _with_attribution(said, place, groups=tuple(groups))


def _with_item(said: ExportedAnswer, place: int, which: int, **changes: Any) -> ExportedAnswer:
    items = list(said.attributions[place].items)
    items[which] = replace(items[which], **changes)
    return _with_attribution(said, place, items=tuple(items))


def step_index(said: ExportedAnswer, module: str) -> int:
    """The last step of a module."""
    return max(place for place, step in enumerate(said.steps) if f"/{module}#" in step.module)


def last_step_index(said: ExportedAnswer) -> int:
    return len(said.steps) - 1


def changed_value(said: ExportedAnswer, by: Decimal = Decimal("0.1")) -> Value:
    assert isinstance(said.value, Quantity)
    return replace(said.value, value=said.value.value + by)


def consumed_quantity(said: ExportedAnswer, place: int, slot: str) -> Quantity:
    value = said.steps[place].inputs[slot].consumed.value
    assert isinstance(value, Quantity)
    return value


def egfr_step_index(said: ExportedAnswer) -> int:
    return step_index(said, "egfr")


def with_swapped_inputs(said: ExportedAnswer) -> ExportedAnswer:
    place = step_index(said, "egfr")
    inputs = dict(said.steps[place].inputs)
    inputs["dialysis"], inputs["pregnancy"] = inputs["pregnancy"], inputs["dialysis"]
    return with_step(said, place, inputs=inputs)


def without_step(said: ExportedAnswer, place: int) -> ExportedAnswer:
    """As a reader finds it where a step is gone: what rested on it has no step."""

    def less(each: int) -> tuple[int, ...]:
        return () if each == place else (each - (each > place),)

    steps = []
    for position, step in enumerate(said.steps):
        if position != place:
            inputs = {
                name: replace(given, steps=tuple(new for each in given.steps for new in less(each)))
                for name, given in step.inputs.items()
            }
            steps.append(replace(step, inputs=inputs))
    return replace(said, steps=tuple(steps))


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
        "described otherwise",
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
    "a digest": (lambda s: with_step(s, egfr_step_index(s), content_digest="e" * 64), "fingerprint", "does not fit"),
    "a fingerprint": (lambda s: with_step(s, egfr_step_index(s), fingerprint="e" * 64), "key", "key"),
    "a removed step": (lambda s: without_step(s, egfr_step_index(s)), "link", "is computed, and the file has no step"),
    "all steps": (lambda s: replace(s, steps=()), "link", "is computed, and the file has no step"),
    "another's output": (
        lambda s: with_input(s, last_step_index(s), "egfr", steps=(step_index(s, "age"),)),
        "link",
        "is said to come from",
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
        "does not say",
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
    "a time beyond reckoning": (
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
        "from what comes out here",
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


def _with_later_step(said: ExportedAnswer) -> tuple[ExportedStep, ...]:
    """The steps, with one more before them."""
    moved = []
    for step in said.steps:
        inputs = {n: replace(g, steps=tuple(each + 1 for each in g.steps)) for n, g in step.inputs.items()}
        moved.append(replace(step, inputs=inputs))
    return tuple(moved)

"""Changes of an exported argument: which kind of finding each must give, and in which words."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from ontology.evaluation import SlotInput
from ontology.values import Absent, AbsentReason, Quantity, Value
from server.explain.prov.exported import ExportedAnswer, ExportedStep
from tests.support.changing import with_input, with_step


def step_of(said: ExportedAnswer, module: str) -> int:
    """The last step of a module."""
    return max(place for place, step in enumerate(said.steps) if f"/{module}#" in step.module)


def last(said: ExportedAnswer) -> int:
    return len(said.steps) - 1


def number(said: ExportedAnswer, by: Decimal = Decimal("0.1")) -> Value:
    assert isinstance(said.value, Quantity)
    return replace(said.value, value=said.value.value + by)


def consumed(said: ExportedAnswer, place: int, slot: str) -> Quantity:
    value = said.steps[place].inputs[slot].consumed.value
    assert isinstance(value, Quantity)
    return value


def egfr(said: ExportedAnswer) -> int:
    return step_of(said, "egfr")


def swapped(said: ExportedAnswer) -> ExportedAnswer:
    place = step_of(said, "egfr")
    inputs = dict(said.steps[place].inputs)
    inputs["dialysis"], inputs["pregnancy"] = inputs["pregnancy"], inputs["dialysis"]
    return with_step(said, place, inputs=inputs)


def without(said: ExportedAnswer, place: int) -> ExportedAnswer:
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
    "the answer's value": (lambda s: replace(s, value=number(s)), "answer", "its last step gave"),
    "the last step's value": (
        lambda s: with_step(replace(s, value=number(s)), last(s), value=number(s)),
        "value",
        "here",
    ),
    "a value below": (
        lambda s: with_step(s, egfr(s), value=Quantity(Decimal(12), "mL/min/{1.73_m2}")),
        "value",
        "12 mL/min/{1.73_m2} in the file",
    ),
    "no value": (lambda s: with_step(s, egfr(s), value=Absent(AbsentReason.INPUT_ABSENT)), "value", "missing"),
    "a recorded value": (
        lambda s: with_input(s, egfr(s), "creatinine", consumed=SlotInput(Quantity(Decimal("0.9"), "mg/dL"))),
        "fingerprint",
        "changed",
    ),
    "a unit": (
        lambda s: with_input(
            s, egfr(s), "creatinine", consumed=SlotInput(replace(consumed(s, egfr(s), "creatinine"), unit="umol/L"))
        ),
        "slot",
        "mg/dL",
    ),
    "swapped slots": (swapped, "link", "the slot takes"),
    "a version": (lambda s: with_step(s, egfr(s), version="0.9.0"), "version", "made by version 0.9.0; here it is"),
    "a description": (lambda s: with_step(s, egfr(s), description="e" * 64), "description", "described otherwise"),
    "a code": (lambda s: with_step(s, egfr(s), code="e" * 64), "code", "other code"),
    "libraries": (lambda s: with_step(s, egfr(s), environment="e" * 64), "environment", "libraries"),
    "a module": (lambda s: with_step(s, egfr(s), module=s.steps[last(s)].module), "link", "which gives"),
    "no module": (
        lambda s: with_step(s, egfr(s), module="https://medtwin.example/modules/other#module"),
        "module",
        "there is no module",
    ),
    "a digest": (lambda s: with_step(s, egfr(s), content_digest="e" * 64), "fingerprint", "does not fit"),
    "a fingerprint": (lambda s: with_step(s, egfr(s), fingerprint="e" * 64), "key", "key"),
    "a removed step": (lambda s: without(s, egfr(s)), "link", "is computed, and the file has no step"),
    "all steps": (lambda s: replace(s, steps=()), "link", "is computed, and the file has no step"),
    "another's output": (
        lambda s: with_input(s, last(s), "egfr", steps=(step_of(s, "age"),)),
        "link",
        "is said to come from",
    ),
    "itself": (lambda s: with_input(s, last(s), "egfr", steps=(last(s),)), "link", "does not come before"),
    "a step for a record": (
        lambda s: with_input(s, egfr(s), "creatinine", steps=(step_of(s, "age"),)),
        "link",
        "which gives",
    ),
    "two steps": (lambda s: with_input(s, last(s), "egfr", steps=(egfr(s), egfr(s))), "link", "takes one"),
    "assumed, and from a step": (lambda s: with_input(s, last(s), "egfr", assumed=True), "link", "assumed"),
    "too old, where it cannot be": (
        lambda s: with_input(s, last(s), "egfr", consumed=SlotInput(Absent(AbsentReason.STALE))),
        "input",
        "too old",
    ),
    "a missing slot": (
        lambda s: with_step(s, egfr(s), inputs={k: v for k, v in s.steps[egfr(s)].inputs.items() if k != "sex"}),
        "slot",
        "does not say",
    ),
    "a slot more": (
        lambda s: with_step(s, egfr(s), inputs={**s.steps[egfr(s)].inputs, "more": s.steps[egfr(s)].inputs["sex"]}),
        "slot",
        "does not have",
    ),
    "a time below": (lambda s: with_step(s, egfr(s), as_of=s.at - timedelta(seconds=1)), "link", "another time"),
    "the answer's time": (lambda s: replace(s, at=s.at + timedelta(seconds=1)), "time", "as of"),
    "every time": (
        lambda s: replace(
            s, at=s.at - timedelta(days=1), steps=tuple(replace(x, as_of=x.as_of - timedelta(days=1)) for x in s.steps)
        ),
        "fingerprint",
        "time",
    ),
    "a time beyond reckoning": (
        lambda s: with_step(s, step_of(s, "age"), as_of=s.at.replace(year=1)),
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
                *_later(s),
            ),
        ),
        "link",
        "does not rest on",
    ),
}


def _later(said: ExportedAnswer) -> tuple[ExportedStep, ...]:
    """The steps, with one more before them."""
    moved = []
    for step in said.steps:
        inputs = {n: replace(g, steps=tuple(each + 1 for each in g.steps)) for n, g in step.inputs.items()}
        moved.append(replace(step, inputs=inputs))
    return tuple(moved)

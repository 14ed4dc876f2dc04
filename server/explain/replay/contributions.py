"""Whether what the inputs of a step added adds up to what it gave, and is what they add here."""

from collections.abc import Iterator
from decimal import Decimal

from ontology.evaluation import Evaluation
from ontology.inputs import Consumed
from server.explain.replay.found import Finding, Kind
from server.explain.replay.said import SaidContributions
from server.explain.steps import contributions_of

NEAR = Decimal("1e-6")
"""SHAP values are floating-point numbers: those that lie nearer than this are the same."""


def contributions_again(
    told: SaidContributions | None, evaluation: Evaluation, inputs: dict[str, Consumed]
) -> Iterator[Finding]:
    """What of the contributions does not come out."""
    here = contributions_of(evaluation, inputs)
    if told is None:
        if here is not None:
            yield _finding("the file does not say what each input added, and here each adds something")
        return
    total = told.base + told.residual + sum((amount for _, amount in told.items), Decimal(0))
    if abs(total - told.output) > NEAR:
        yield _finding(f"base and contributions add up to {total:f}, and the output is {told.output:f}")
    if here is None:
        yield _finding("the file says what each input added, and here nothing is told of that")
        return
    if told.scale != here.scale:
        yield _finding(f"the scale is {told.scale} in the file, {here.scale} here")
    ends = ("base", told.base, here.base), ("output", told.output, here.output)
    for word, there, number in (*ends, ("residual", told.residual, here.residual)):
        if abs(there - number) > NEAR:
            yield _finding(f"the {word} is {there:f} in the file, {number:f} here")
    found = sorted((item.slot, item.amount) for item in here.items)
    if [slot for slot, _ in told.items] != [slot for slot, _ in found]:
        yield _finding("other inputs add something here")
        return
    for (slot, there), (_, amount) in zip(told.items, found, strict=True):
        if abs(there - amount) > NEAR:
            yield Finding(Kind.CONTRIBUTIONS, f"added {there:f} in the file, adds {amount:f} here", slot)


def _finding(text: str) -> Finding:
    return Finding(Kind.CONTRIBUTIONS, text)
